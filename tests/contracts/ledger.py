"""The laws of `reconciler.ports.Ledger`, for every adapter. A subclass gives a `store` that opens, and opens again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from planner import keys
from planner.fold import RootState
from planner.keys import Key
from planner.model import facts as f
from planner.model.commits import Change, StatusState, What
from planner.model.desired import CompiledOperation, Leaf
from planner.model.events import OutsideEvent, Subscription
from planner.model.facts import Fact
from planner.model.gang import Container, Gang, Replica
from planner.model.metric import Mark, Progress
from planner.model.notices import Notice
from planner.model.people import Command, Hold
from planner.model.pulls import PullRecord, PullState
from planner.model.questions import Joined, Recorded, Reusable
from planner.model.records import Planned, RootRecord, RunRecord
from planner.model.retention import Removed
from planner.model.run import BoundRun, Leases, Observation, Phase
from planner.model.schedule import Cursor
from planner.model.status import RunStatus, StopReason
from planner.query import read_search
from reconciler import codec
from reconciler.ledger.finding import PAGE
from reconciler.ports import Awake, Find, Ledger, Rest, RunQuery
from tests.reconciler.ledger.histories import Historian, replay

AT = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
G1, G2 = keys.generation("train", 1), keys.generation("train", 2)


RESTING: list[Fact] = [f.CursorMoved(name, Cursor("d1:a", AT), AT) for name in ("eval", "train")]


class Store(Protocol):
    """Something durable that holds one ledger."""

    async def open(self) -> Ledger:
        """Close the ledger that is open, if any, and open it again."""
        ...


class Unfoldable:
    """Looks like a fact until it is folded."""

    root = "train"
    at = AT


def opened(key: Key, kind: str = "job", at: datetime = AT) -> f.Opened:
    return f.Opened(key.root, key, kind, "c1", key.generation or 1, "d1:f", "new", at)


def listened(root: str) -> f.Listened:
    return f.Listened(root, (Subscription("runs.other", ("run_status_failed",)),), AT)


def notice(ident: str, connection: str) -> Notice:
    return Notice(ident, connection, "train", G1, "job", "done", "failed", "exit code 1", "new", "c1", AT)


def intended(key: Key, gpus: int = 1) -> f.Intended:
    return f.Intended(key.root, key, Leases((), {"gpu": tuple(range(gpus))}), AT, "q", {"gpu": gpus})


def ended(key: Key, code: int = 0) -> f.Observed:
    seen = Observation(key, Phase.ENDED, started_at=AT, ended_at=AT, reason=StopReason.EXITED, exit_code=code)
    return f.Observed(key.root, seen, AT)


def succeeded(key: Key) -> list[Fact]:
    return [
        intended(key.at_attempt(1)),
        ended(key.at_attempt(1)),
        f.Cleaned(key.root, key.at_attempt(1), AT),
        f.Settled(key.root, key, RunStatus.SUCCEEDED, "", AT),
    ]


def advanced(key: Key) -> f.Advanced:
    return f.Advanced(key.root, key.generation or 1, f"d1:{key}", "c1", "d1:f", key, AT)


def planned(commit: str, *changes: Change) -> f.CommitPlanned:
    return f.CommitPlanned(commit, f"tree-{commit}", "main", AT, changes)


def said(commit: str, state: StatusState, root: str = "", at: datetime = AT) -> f.StatusChanged:
    context = f"plumbline/test/{root}".rstrip("/")
    return f.StatusChanged(root, commit, context, state, f"{state} it is", at)


def asked(root: str, ident: str, **args: str) -> f.Asked:
    return f.Asked(root, Command(ident, "run", root, args, "ada", AT), AT)


async def found(
    ledger: Ledger, query: str, sort: str = "", *, limit: int = 100, offset: int = 0, **rest: object
) -> list[Key]:
    """Keys of the runs that a query finds."""
    search = read_search(query, sort, AT, ())
    wanted = Find(search, limit=limit, offset=offset, **rest)  # type: ignore[arg-type]
    return [subject.run.key for subject in await ledger.find(wanted)]


class LedgerContract:
    """Subclasses define the fixture `store`."""

    @pytest.fixture
    async def ledger(self, store: Store) -> Ledger:
        return await store.open()

    # -- facts and sequence

    async def test_a_new_ledger_is_empty(self, ledger):
        assert await ledger.sequence() == 0
        assert await ledger.roots() == {}
        assert await ledger.facts() == []
        assert await ledger.root("train") == RootState(RootRecord("train"))
        assert (await ledger.project()).name == "project"

    async def test_the_sequence_has_no_gaps(self, ledger):
        first = await ledger.record([opened(G1), opened(G2)])
        second = await ledger.record([advanced(G1)])
        assert (first, second, await ledger.sequence()) == (2, 3, 3)
        assert [number for number, _ in await ledger.facts()] == [1, 2, 3]

    async def test_recording_nothing_changes_nothing(self, ledger):
        assert await ledger.record([]) == 0
        assert await ledger.facts() == []

    async def test_facts_come_back_in_pages_as_they_were(self, ledger):
        facts = [opened(keys.request("train", f"r{number}")) for number in range(5)]
        await ledger.record(facts)
        assert await ledger.facts(limit=2) == [(1, facts[0]), (2, facts[1])]
        assert await ledger.facts(after=2, limit=2) == [(3, facts[2]), (4, facts[3])]
        assert await ledger.facts(after=5) == []
        assert await ledger.facts(limit=0) == []

    async def test_facts_of_one_root_leave_out_the_others(self, ledger):
        facts = [opened(G1), opened(keys.generation("eval", 1)), planned("c1"), advanced(G1)]
        await ledger.record(facts)
        assert await ledger.facts("train") == [(1, facts[0]), (4, facts[3])]
        assert await ledger.facts("train", after=1) == [(4, facts[3])]

    # -- pins

    async def test_a_pin_holds_until_it_is_let_go_of(self, ledger, store):
        assert await ledger.pins() == {}
        first = f.Pinned("hub:train:2", "sha256:a", "hub:train:2/2.yaml", AT)
        other = f.Pinned("url:https://x.org/c.yaml", "sha256:b", "https://x.org/c.yaml", AT)
        await ledger.record([other, first], {"sha256:a": "kind: component"})
        ledger = await store.open()
        assert list((await ledger.pins()).items()) == [(first.ref, first), (other.ref, other)]
        assert await ledger.blob("sha256:a") == "kind: component"
        await ledger.record([replace(other, digest="")])
        await ledger.record([replace(first, digest="sha256:c")])
        assert await ledger.pins() == {first.ref: replace(first, digest="sha256:c")}
        assert await ledger.facts("train") == []

    # -- pull requests

    async def test_what_was_said_on_a_pull_request_is_known_until_nothing_more_is_said(self, ledger, store):
        assert await ledger.pulls() == {}
        first = PullRecord("7", "a" * 40, AT, PullState.OPEN, "b" * 40, roots=("train",), comment="91", text="sha256:t")
        other = PullRecord("feature/x", "c" * 40, AT, earlier=("d" * 40,))
        await ledger.record([f.PullNoted(one.number, one, AT) for one in (other, first)], {"sha256:t": "words"})
        ledger = await store.open()
        assert await ledger.pulls() == {"7": first, "feature/x": other}
        second = replace(first, head="e" * 40, state=PullState.MERGED)
        await ledger.record([f.PullNoted("7", second, AT), f.PullNoted("feature/x", None, AT)])
        assert await ledger.pulls() == {"7": second}
        assert await ledger.facts("train") == []

    async def test_statuses_that_are_looked_after_no_more_go_with_it(self, ledger, store):
        said = [
            f.StatusChanged("", c * 40, context, StatusState.PENDING, "planning", AT) for c in "ab" for context in "xy"
        ]
        await ledger.record(said)
        await ledger.record([f.PullNoted("7", None, AT, ("a" * 40,), "x")])
        ledger = await store.open()
        assert [(one.commit[0], one.context) for one in await ledger.unposted(10)] == [
            ("a", "y"),
            ("b", "x"),
            ("b", "y"),
        ]
        await ledger.record([replace(said[0], at=AT + timedelta(seconds=1))])
        assert len(await ledger.unposted(10)) == 4

    # -- events

    async def test_an_event_is_known_for_good(self, ledger, store):
        event = OutsideEvent("e1", "alert_info", "drift", AT, {"severity": 1})
        assert await ledger.event("e1") is None
        await ledger.record([f.Received(event, AT), f.Happened("train", event, AT)])
        await ledger.record([replace(opened(keys.event("train", "e1")), event=event)])
        ledger = await store.open()
        state = await ledger.root("train")
        assert await ledger.event("e1") == event
        assert (state.record.events, [run.event for run in state.runs.values()]) == ((), [event])
        assert await ledger.event("e2") is None

    async def test_what_was_heard_goes_with_a_renamed_root(self, ledger):
        event = OutsideEvent("e1", "alert_info", "drift", AT)
        listens = (Subscription("drift", ("alert_info",)),)
        await ledger.record([opened(G1), f.Listened("train", listens, AT), f.Happened("train", event, AT)])
        await ledger.record([f.Renamed("learn", "train", AT)])
        record = (await ledger.root("learn")).record
        assert (record.listens, record.events) == (listens, (event,))

    # -- notices

    async def test_what_is_owed_is_known_until_it_is_delivered(self, ledger, store):
        owed = [notice(str(number), "chat" if number % 2 else "pager") for number in range(6)]
        await ledger.record([f.Noticed("train", one, AT) for one in owed])
        ledger = await store.open()
        assert [one.ident for one in await ledger.unsent(2)] == ["1", "3", "0", "2"]
        await ledger.record([f.Delivered("1", AT), f.Delivered("0", AT, "nobody took it")])
        assert [one.ident for one in await ledger.unsent(2)] == ["3", "5", "2", "4"]
        assert (await ledger.notice("1"), await ledger.notice("7")) == (owed[1], None)

    async def test_what_was_delivered_is_not_owed_again(self, ledger):
        await ledger.record([f.Noticed("train", notice("1", "chat"), AT)])
        await ledger.record([f.Delivered("1", AT)])
        await ledger.record([f.Noticed("train", notice("1", "chat"), AT)])
        assert await ledger.unsent(10) == []

    # -- one transaction

    async def test_an_error_in_the_middle_records_nothing(self, ledger):
        await ledger.record([opened(G1)])
        before = await ledger.root("train")
        with pytest.raises((AssertionError, TypeError, ValueError)):
            await ledger.record([advanced(G1), intended(G1.at_attempt(1)), Unfoldable()], {"d1:x": "{}"})
        assert await ledger.sequence() == 1
        assert await ledger.root("train") == before
        assert await ledger.claims() == []
        assert await ledger.blob("d1:x") is None
        assert await ledger.record([advanced(G1)]) == 2

    async def test_facts_of_one_transaction_see_each_other(self, ledger):
        await ledger.record([advanced(G1), opened(G1), *succeeded(G1)])
        state = await ledger.root("train")
        assert state.runs[G1].status is RunStatus.SUCCEEDED
        assert state.record.open == ()
        assert await ledger.claims() == []

    async def test_opening_a_key_twice_keeps_the_first(self, ledger):
        await ledger.record([opened(G1), f.Bound("train", G1, "d1:l", "d1:b", AT)])
        await ledger.record([replace(opened(G1), because="again")])
        assert (await ledger.root("train")).runs[G1].because == "new"
        assert len(await ledger.runs(RunQuery())) == 1

    # -- what planning a root needs

    async def test_root_gives_runs_under_open_and_applied_tops(self, ledger):
        child = G2.child("eval")
        await ledger.record([advanced(G1), opened(G1), *succeeded(G1)])
        await ledger.record([advanced(G2), opened(G2, "dag"), opened(child), *succeeded(child)])
        assert set((await ledger.root("train")).runs) == {G2, child}

    async def test_root_leaves_out_what_is_over(self, ledger):
        old = [keys.tick("train", AT + timedelta(hours=number)) for number in range(4)]
        for key in old:
            await ledger.record([opened(key), *succeeded(key)])
        # The newest top is what a bare `retry` means.
        assert set((await ledger.root("train")).runs) == {old[-1]}

    async def test_root_gives_what_an_unanswered_command_names(self, ledger):
        old = [keys.tick("train", AT + timedelta(hours=number)) for number in range(3)]
        for key in old:
            await ledger.record([opened(key), *succeeded(key)])
        await ledger.record([asked("train", "q1", key=f"{old[0]}#1"), asked("train", "q2", key="no key at all")])
        assert set((await ledger.root("train")).runs) == {old[0], old[-1]}
        await ledger.record([f.Answered("train", "q1", True, "done", AT)])
        assert set((await ledger.root("train")).runs) == {old[-1]}

    @pytest.mark.parametrize("how", ["alive", "uncleaned"])
    async def test_root_gives_attempts_that_are_not_over(self, ledger, how):
        tops = [keys.tick("train", AT + timedelta(hours=number)) for number in range(2)]
        first = tops[0].at_attempt(1)
        ends = [] if how == "alive" else [ended(first)]
        settled = f.Settled("train", tops[0], RunStatus.STOPPED, "gave up", AT)
        await ledger.record([opened(tops[0]), intended(first), *ends, settled])
        await ledger.record([opened(tops[1]), *succeeded(tops[1])])
        assert set((await ledger.root("train")).runs) == set(tops)
        await ledger.record([ended(first), f.Cleaned("train", first, AT)])
        assert set((await ledger.root("train")).runs) == {tops[1]}

    async def test_root_gives_the_runs_that_others_were_carried_from(self, ledger):
        old, new = G1.child("prepare"), G2.child("prepare")
        await ledger.record([advanced(G1), opened(G1, "dag"), opened(old), *succeeded(old)])
        await ledger.record([f.Settled("train", G1, RunStatus.SUCCEEDED, "", AT)])
        train = G2.child("train")
        await ledger.record([advanced(G2), opened(G2, "dag"), opened(train), intended(train.at_attempt(1))])
        await ledger.record([opened(new), f.Carried("train", new, old, AT)])
        assert set((await ledger.root("train")).runs) == {G2, train, new, old}

    async def test_root_gives_what_an_unstarted_generation_replaces(self, ledger):
        # It is back in force when the new one is withdrawn, and what became of it decides whether it may be.
        await ledger.record([advanced(G1), opened(G1), *succeeded(G1)])
        await ledger.record([advanced(G2), opened(G2)])
        assert set((await ledger.root("train")).runs) == {G1, G2}
        await ledger.record([intended(G2.at_attempt(1))])
        assert set((await ledger.root("train")).runs) == {G2}

    async def test_root_keeps_to_itself(self, ledger):
        other = keys.generation("eval", 1)
        await ledger.record([opened(G1), intended(G1.at_attempt(1)), opened(other), intended(other.at_attempt(1))])
        assert set((await ledger.root("train")).runs) == {G1}

    @pytest.mark.parametrize("seed", range(3))
    async def test_many_roots_are_read_as_one_after_the_other(self, ledger, seed):
        historian = Historian(seed)
        for _ in range(40):
            await ledger.record(historian.transaction())
        names = [*await ledger.roots(), "nobody"]
        found = await ledger.states(names)
        assert found == {name: await ledger.root(name) for name in names}
        assert [list(state.runs) for state in found.values()] == [
            list((await ledger.root(name)).runs) for name in names
        ]
        assert any(state.runs for state in found.values())

    async def test_roots_lists_what_is_known(self, ledger):
        target = Planned("c1", "d1:x", "d1:l", "d1:f", "ops.yaml")
        await ledger.record([f.TargetSet("train", target, What.ADDED, AT), opened(keys.generation("eval", 1))])
        assert list(await ledger.roots()) == ["eval", "train"]
        assert (await ledger.roots())["train"].planned == target

    async def test_a_mistyped_name_leaves_no_root_behind(self, ledger):
        await ledger.record([asked("trian", "q1")])
        assert list(await ledger.roots()) == ["trian"]
        await ledger.record([f.Answered("trian", "q1", False, "no such operation", AT)])
        assert await ledger.roots() == {}
        assert (await ledger.answer("q1")).message == "no such operation"

    async def test_the_cursor_is_kept(self, ledger):
        cursor = Cursor("d1:s", AT, AT + SECOND, 7)
        await ledger.record([f.CursorMoved("train", cursor, AT)])
        assert (await ledger.root("train")).record.cursor == cursor

    # -- results to use again

    @staticmethod
    def _leaf(number: int, digest: str = "d1:leaf") -> list[Fact]:
        key = keys.request("train", f"r{number}")
        return [opened(key), f.Bound("train", key, digest, "d1:b", AT)]

    @staticmethod
    async def _reusable(ledger, root: str) -> tuple[RunRecord, ...]:
        question = Reusable(root, "d1:leaf")
        return (await ledger.ask([question]))[question]

    async def test_reusable_is_the_newest_success(self, ledger):
        runs = [keys.request("train", f"r{number}") for number in range(3)]
        for number in (0, 1, 2):
            await ledger.record(self._leaf(number))
        await ledger.record([*succeeded(runs[0]), *succeeded(runs[1])])
        await ledger.record([intended(runs[2].at_attempt(1))])
        known, other = Reusable("train", "d1:leaf"), Reusable("train", "d1:other")
        found = await ledger.ask([known, other])
        assert {question: [run.key for run in answer] for question, answer in found.items()} == {
            known: [runs[1]],
            other: [],
        }

    async def test_reusable_falls_back_to_what_is_alive(self, ledger):
        run = keys.request("train", "r0")
        await ledger.record([*self._leaf(0), intended(run.at_attempt(1))])
        assert [found.key for found in await self._reusable(ledger, "train")] == [run]
        await ledger.record([f.StopIntended("train", run.at_attempt(1), StopReason.BY_PERSON, "ada", AT)])
        assert await self._reusable(ledger, "train") == ()

    async def test_reusable_leaves_out_failed_waiting_and_carried(self, ledger):
        runs = [keys.request("train", f"r{number}") for number in range(3)]
        for number in (0, 1, 2):
            await ledger.record(self._leaf(number))
        failed = f.Settled("train", runs[0], RunStatus.FAILED, "exit code 1", AT)
        carried = f.Settled("train", runs[1], RunStatus.SUCCEEDED, "", AT)
        await ledger.record([failed, f.Carried("train", runs[1], G1, AT), carried])
        assert await self._reusable(ledger, "train") == ()

    async def test_reusable_keeps_to_its_root(self, ledger):
        run = keys.request("train", "r0")
        await ledger.record([*self._leaf(0), *succeeded(run)])
        assert await self._reusable(ledger, "eval") == ()
        assert await ledger.ask([]) == {}

    async def test_recorded_are_the_runs_that_were_opened_whatever_became_of_them(self, ledger):
        runs = [keys.request("train", f"r{number}") for number in range(3)]
        for number in (0, 1):
            await ledger.record(self._leaf(number))
        await ledger.record(succeeded(runs[0]))
        question = Recorded(tuple(runs))
        (found,) = (await ledger.ask([question])).values()
        assert {run.key: run.status.final for run in found} == {runs[0]: True, runs[1]: False}

    # -- what rests

    async def test_what_was_never_said_to_rest_does_not(self, ledger):
        await ledger.record(RESTING)
        assert await ledger.awake("one") == Awake(await ledger.roots(), {}, {})

    async def test_what_rests_is_due_and_who_of_them_listens_is_told(self, ledger, store):
        await ledger.record([*RESTING, listened("eval")])
        roots = await ledger.roots()
        await ledger.rest([Rest(roots["train"], AT + SECOND), Rest(roots["eval"], None)], "one")
        expected = Awake({}, {"eval": roots["eval"]}, {"eval": None, "train": AT + SECOND})
        assert await ledger.awake("one") == expected
        assert await (await store.open()).awake("one") == expected

    @pytest.mark.parametrize("edition", ["two", ""])
    async def test_the_word_of_another_edition_counts_for_nothing(self, ledger, edition):
        await ledger.record(RESTING)
        roots = await ledger.roots()
        await ledger.rest([Rest(record, None) for record in roots.values()], "one")
        assert await ledger.awake(edition) == Awake(roots, {}, {})

    async def test_a_record_that_has_changed_since_does_not_rest(self, ledger):
        await ledger.record(RESTING)
        before = await ledger.roots()
        await ledger.record([f.CursorMoved("train", Cursor("d1:a", AT, last=AT + SECOND), AT)])
        await ledger.rest([*(Rest(record, None) for record in before.values()), Rest(RootRecord("gone"), None)], "one")
        awake = await ledger.awake("one")
        assert (list(awake.records), awake.due) == (["train"], {"eval": None})

    async def test_what_the_forge_was_told_in_detail_of_a_commit(self, ledger):
        await ledger.record([replace(planned("c1"), problems=1, first_problem="bad", details="problems:c1:1")])
        found = await ledger.commit("c1")
        assert (found.details, found.checked) == ("problems:c1:1", "")
        await ledger.record([f.Detailed("c1", "problems:c1:1", AT), f.Detailed("nobody", "problems:x:1", AT)])
        assert await ledger.commit("nobody") is None
        # It is planned again: what was told is of before.
        await ledger.record([replace(planned("c1"), details="")])
        found = await ledger.commit("c1")
        assert (found.details, found.checked) == ("", "problems:c1:1")
        await ledger.record([f.Detailed("c1", "", AT)])
        assert (await ledger.commits(1))[0].checked == ""

    @pytest.mark.parametrize(
        ("facts", "stirs"),
        [
            pytest.param([f.CursorMoved("train", Cursor("d1:a", AT, last=AT), AT)], True, id="a tick was decided"),
            pytest.param(
                [f.Asked("train", Command("q1", "run", "train", {}, "ada", AT), AT)], True, id="somebody asks"
            ),
            pytest.param(
                [
                    f.Asked("train", Command("q1", "stop", "train", {}, "ada", AT), AT),
                    f.Answered("train", "q1", ok=True, message="", at=AT),
                ],
                True,
                id="and is answered at once",
            ),
            pytest.param([f.Suspended("train", active=True, by="ada", at=AT)], True, id="it is suspended"),
            pytest.param([f.Happened("train", OutsideEvent("e", "k", "runs.a", AT), AT)], True, id="it hears an event"),
            pytest.param([f.Renamed("train", "eval", AT)], True, id="another takes its name"),
            pytest.param([f.CursorMoved("eval", Cursor("d1:a", AT, last=AT), AT)], False, id="another one changes"),
            pytest.param([f.Received(OutsideEvent("e", "k", "mine", AT), AT)], False, id="something else happens"),
            pytest.param([f.CommitPlanned("c2", "t2", "main", AT)], False, id="a commit without it"),
        ],
    )
    async def test_what_changes_its_record_ends_its_rest(self, ledger, facts, stirs):
        await ledger.record(RESTING)
        await ledger.rest([Rest((await ledger.roots())["train"], AT)], "one")
        await ledger.record(facts)
        assert ("train" not in (await ledger.awake("one")).due) == stirs

    @pytest.mark.parametrize("active", [True, False])
    async def test_nothing_rests_once_the_project_was_suspended_or_goes_on(self, ledger, active):
        await ledger.record([*RESTING, *([] if active else [f.Suspended("", active=True, by="ada", at=AT)])])
        roots = await ledger.roots()
        await ledger.rest([Rest(record, None) for record in roots.values()], "one")
        await ledger.record([f.Suspended("", active=active, by="ada", at=AT)])
        assert await ledger.awake("one") == Awake(roots, {}, {})

    async def test_an_attempt_that_is_not_cleaned_wakes_its_root_under_the_name_that_it_has_now(self, ledger):
        attempt = G1.at_attempt(1)
        done = [intended(attempt), ended(attempt), f.Settled("train", G1, RunStatus.SUCCEEDED, "", AT)]
        await ledger.record([opened(G1), *done, f.Renamed("prep", "train", AT)])
        roots = await ledger.roots()
        await ledger.rest([Rest(record, None) for record in roots.values()], "one")
        assert await ledger.awake("one") == Awake(roots, {}, {})
        await ledger.record([f.Cleaned("prep", attempt, AT)])
        assert await ledger.awake("one") == Awake({}, {}, {"prep": None})

    async def test_what_retention_takes_wakes_nobody(self, ledger):
        first, second = keys.request("train", "r1"), keys.request("train", "r2")
        await ledger.record([*(fact for key in (first, second) for fact in (opened(key), *succeeded(key)))])
        await ledger.rest([Rest((await ledger.roots())["train"], AT)], "one")
        assert await ledger.forget("train", [first], Removed(AT, "count: 1", 1, AT)) == 1
        assert (await ledger.awake("one")).due == {"train": AT}

    # -- claims

    async def test_a_claim_lives_from_intent_to_end(self, ledger):
        attempt = G1.at_attempt(1)
        await ledger.record([opened(G1), intended(attempt, 2)])
        (claim,) = await ledger.claims()
        assert (claim.key, claim.root, claim.queue, claim.requests) == (attempt, "train", "q", {"gpu": 2})
        assert claim.leases.slots == {"gpu": (0, 1)}
        await ledger.record([f.StopIntended("train", attempt, StopReason.BY_PERSON, "ada", AT)])
        assert len(await ledger.claims()) == 1
        await ledger.record([ended(attempt)])
        assert await ledger.claims() == []

    async def test_a_vanished_attempt_claims_nothing(self, ledger):
        await ledger.record([opened(G1), intended(G1.at_attempt(1))])
        await ledger.record([f.Vanished("train", G1.at_attempt(1), StopReason.LOST, AT)])
        assert await ledger.claims() == []

    async def test_an_attempt_of_a_settled_run_still_claims(self, ledger):
        await ledger.record([opened(G1), intended(G1.at_attempt(1))])
        await ledger.record([f.Settled("train", G1, RunStatus.STOPPED, "gave up", AT)])
        assert [claim.key for claim in await ledger.claims()] == [G1.at_attempt(1)]

    async def test_an_intent_without_a_run_claims_nothing(self, ledger):
        await ledger.record([intended(G1.at_attempt(1))])
        assert await ledger.claims() == []

    # -- runs that a query finds

    async def test_a_query_finds_runs_newest_first(self, ledger):
        other = keys.generation("eval", 1)
        await ledger.record([opened(G1), opened(G2), opened(other, "tfjob"), *succeeded(G1)])
        assert await found(ledger, "status: succeeded") == [G1]
        assert await found(ledger, "status: ~succeeded") == [other, G2]
        assert await found(ledger, "name: train OR runtime: tfjob") == [other, G2, G1]
        assert await found(ledger, "runtime: tfjob") == [other]
        assert await found(ledger, "") == [other, G2, G1]
        assert await found(ledger, "", root="train") == [G2, G1]
        assert await found(ledger, "", live=True) == [other, G2]
        assert await found(ledger, "status: succeeded", live=True) == []
        assert await found(ledger, "", without=G2) == [other, G1]

    async def test_a_query_has_an_order_a_limit_and_an_offset(self, ledger):
        await ledger.record([opened(keys.generation(name, 1)) for name in "cabed"])

        async def names(query: str = "", sort: str = "", **rest: int) -> str:
            return "".join(key.root for key in await found(ledger, query, sort, **rest))

        assert await names() == "debac"
        assert await names(limit=2) == "de"
        assert await names(limit=2, offset=1) == "eb"
        assert await names(offset=4) == "c"
        assert await names(offset=9) == ""
        assert await names(limit=0) == ""
        assert await names(sort="name") == "abcde"
        assert await names(sort="-name", limit=2, offset=1) == "dc"
        assert await names(sort="kind") == "debac"

    async def test_a_query_asks_for_what_a_run_was_started_with(self, ledger):
        bound = BoundRun(G1, "job", "d1:x", Gang((Replica("main", 2, Container(resources={"cpu": "500m"})),)))
        bound = replace(bound, context={"params": {"rate": 0.1}})
        form = CompiledOperation("train", "job", Leaf(bound.gang), tags=("nightly",))
        blobs = {"d1:b": codec.encode(bound), "d1:f": codec.encode(form)}
        cached = keys.generation("train", 3)
        facts = [opened(G1), opened(G2), f.Bound("train", G1, "d1:x", "d1:b", AT)]
        await ledger.record([*facts, opened(cached), f.CacheHit("train", cached, G1, {}, AT)], blobs)
        assert await found(ledger, "inputs.rate: 0.1") == [cached, G1]
        assert await found(ledger, "inputs.rate: 0.1, original: nil") == [G1]
        assert await found(ledger, "cpu: 1") == [cached, G2, G1]
        assert await found(ledger, "inputs.rate: nil") == [G2]
        assert await found(ledger, "tags: nightly") == [cached, G2, G1]
        (subject, *_) = await ledger.find(Find(read_search("", "created_at, inputs.rate", AT)))
        assert subject.inputs == {"rate": 0.1}

    async def test_a_query_sees_what_a_run_was_carried_over_from(self, ledger):
        a1, a2 = G1.child("a"), G2.child("a")
        facts = [opened(G1), opened(a1), intended(a1.at_attempt(1))]
        await ledger.record([*facts, opened(G2), opened(a2), f.Carried("train", a2, a1, AT)])
        assert await found(ledger, "status: scheduled") == [a2, a1]
        await ledger.record([ended(a1.at_attempt(1)), f.Settled("train", a1, RunStatus.SUCCEEDED, "", AT)])
        assert await found(ledger, "status: succeeded") == [a2, a1]
        assert await found(ledger, f"pipeline: {G2}") == [a2]
        assert await found(ledger, f"pipeline: {G2.short_id('test', 'project')}, status: succeeded") == [a2]
        assert await found(ledger, "original: nil, name: a") == [a1]

    async def test_a_query_finds_what_is_below_a_dag_inside_a_dag(self, ledger):
        inner = G1.child("inner").child("a")
        await ledger.record([opened(G1), opened(inner), opened(G1.child("b"))])
        for name in (G1.child("inner"), G1.child("inner").short_id("test", "project")):
            assert await found(ledger, f"pipeline: {name}") == [inner]

    async def test_a_query_knows_instants_to_the_microsecond(self, ledger):
        times = [AT, AT + timedelta(microseconds=1), AT + SECOND, AT - timedelta(microseconds=1)]
        runs = [keys.request("train", f"r{number}") for number in range(len(times))]
        await ledger.record([opened(key, at=at) for key, at in zip(runs, times, strict=True)])
        assert await found(ledger, "created_at: 2026-11-23 06:00:00") == [runs[1], runs[0]]
        assert await found(ledger, "created_at: < 2026-11-23 06:00:00") == [runs[3]]
        assert await found(ledger, "created_at: >= 2026-11-23 06:00:00.000001") == [runs[2], runs[1]]
        assert await found(ledger, "created_at: last_month") == [runs[3], runs[2], runs[1], runs[0]]

    async def test_a_query_compares_numbers_as_numbers(self, ledger):
        values: list[object] = [0.3, 1, 2**60, -1.5, "0.1", True, None, [0], {"a": 0}, 2**80]
        runs = [keys.request("train", f"r{number}") for number in range(len(values))]
        for key, value in zip(runs, values, strict=True):
            seen = Observation(key.at_attempt(1), Phase.ENDED, ended_at=AT, reason=StopReason.EXITED, exit_code=0)
            seen = replace(seen, outputs={"x": value, "odd.name": 1})
            await ledger.record([opened(key), intended(key.at_attempt(1)), f.Observed("train", seen, AT)])
        assert await found(ledger, "metrics.x: < 1") == [runs[4], runs[3], runs[0]]
        assert await found(ledger, "outputs.x: 0.1") == [runs[4]]
        assert await found(ledger, "metrics.x: >= 1") == [runs[9], runs[2], runs[1]]
        assert await found(ledger, "outputs.x: 1") == [runs[1]]
        assert await found(ledger, f"metrics.x: {2**60}") == [runs[2]]
        assert await found(ledger, "outputs.x: true") == [runs[5]]
        assert await found(ledger, "metrics.x: > 0.3, name: TRAIN%") == [runs[9], runs[2], runs[1]]

    async def test_a_query_knows_what_runs_have_reported_so_far(self, ledger):
        low, high, over = runs = [keys.request("train", f"r{number}") for number in range(3)]
        for key, last in zip(runs, (0.25, 2.0, 0.25), strict=True):
            progress = {"x": Progress(3, None, last, -1.0, 7.0, marks=(Mark(1, last, last),))}
            first = key.at_attempt(1)
            await ledger.record([opened(key), intended(first), f.Measured("train", first, progress, AT)])
        seen = replace(ended(over.at_attempt(1)).observation, metrics={"x": 5.0})
        await ledger.record([f.Observed("train", seen, AT), f.Settled("train", over, RunStatus.SUCCEEDED, "", AT)])
        assert await found(ledger, "metrics.x: < 1") == [low]
        assert await found(ledger, "metrics.x: > 1") == [over, high]

    async def test_a_query_reads_every_page(self, ledger):
        runs = [keys.request("train", f"r{number}") for number in range(2 * PAGE + 3)]
        await ledger.record([opened(key) for key in runs])
        assert await found(ledger, "name: train", limit=5_000) == runs[::-1]
        assert await found(ledger, "name: train", limit=2, offset=2 * PAGE + 1) == runs[1::-1]
        assert await found(ledger, f"id: {runs[0]}") == runs[:1]
        assert await found(ledger, "", "created_at", limit=3) == runs[:-4:-1]

    async def test_a_join_is_answered(self, ledger):
        await ledger.record([opened(G1), opened(G2), *succeeded(G1)])
        asked = [
            Joined("status: succeeded", "", 10, 0, AT, G2),
            Joined("name: train", "-created_at", 10, 0, AT, G2),
            Joined("name: other", "", 10, 0, AT, G2),
            Reusable("train", "d1:a"),
        ]
        answers = await ledger.ask(asked)
        assert [[found.run.key for found in answers[question]] for question in asked[:3]] == [[G1], [G1], []]
        assert answers[asked[3]] == ()

    # -- runs for people

    async def test_runs_are_listed_newest_first(self, ledger):
        runs = [keys.request("train", f"r{number}") for number in range(4)]
        for key in runs:
            # The order is that of the ledger: a clock that went back changes nothing.
            await ledger.record([opened(key, at=AT - len(key.cause) * SECOND)])
        assert [run.key for run in await ledger.runs(RunQuery(limit=3))] == runs[:0:-1]
        assert await ledger.runs(RunQuery(limit=0)) == []

    async def test_runs_are_found_by_every_condition(self, ledger):
        other = keys.generation("eval", 1)
        await ledger.record([opened(G1), opened(G2), opened(other), *succeeded(G1)])

        async def found(query: RunQuery) -> list[Key]:
            return [run.key for run in await ledger.runs(query)]

        assert await found(RunQuery(root="train")) == [G2, G1]
        assert await found(RunQuery(live=True)) == [other, G2]
        assert await found(RunQuery(live=False)) == [G1]
        assert await found(RunQuery(root="train", live=True)) == [G2]
        assert await found(RunQuery(keys=(G1.at_attempt(3), other))) == [other, G1]
        assert await found(RunQuery(keys=(G1, keys.generation("none", 1)), live=True)) == []

    async def test_runs_are_found_by_the_beginning_of_their_short_id(self, ledger):
        await ledger.record([opened(keys.request("train", f"r{number}")) for number in range(50)])
        short = keys.request("train", "r7").short_id("test", "project")
        (found,) = await ledger.runs(RunQuery(short=short))
        assert found.key == keys.request("train", "r7")
        assert {run.key for run in await ledger.runs(RunQuery(short="r-"))} >= {found.key}
        assert found.key in {run.key for run in await ledger.runs(RunQuery(short=short[:4]))}
        assert await ledger.runs(RunQuery(short="r-%")) == []

    # -- commits and statuses

    async def test_a_commit_is_open_until_its_aggregate_is_final(self, ledger):
        await ledger.record([planned("c1", Change("train", What.ADDED)), planned("c2")])
        assert [commit.ident for commit in await ledger.open_commits()] == ["c1", "c2"]
        await ledger.record([said("c1", StatusState.PENDING, "train"), said("c1", StatusState.PENDING)])
        await ledger.record([said("c2", StatusState.SUCCESS)])
        assert [commit.ident for commit in await ledger.open_commits()] == ["c1"]
        await ledger.record([said("c1", StatusState.SUCCESS, "train", AT + SECOND)])
        assert [commit.ident for commit in await ledger.open_commits()] == ["c1"]
        await ledger.record([said("c1", StatusState.SUCCESS, at=AT + SECOND)])
        assert await ledger.open_commits() == []
        assert (await ledger.commit("c1")).closed

    async def test_a_commit_planned_again_keeps_what_it_changed(self, ledger):
        await ledger.record([planned("c1", Change("train", What.ADDED))])
        await ledger.record([planned("c2"), replace(planned("c1"), problems=3)])
        commit = await ledger.commit("c1")
        assert (commit.changes, commit.problems) == ((Change("train", What.ADDED),), 3)
        assert [commit.ident for commit in await ledger.open_commits()] == ["c1", "c2"]
        assert await ledger.commit("c3") is None

    async def test_a_commit_that_changes_something_again_is_open_until_its_aggregate_is_final_anew(self, ledger):
        await ledger.record([planned("c1", Change("train", What.ADDED)), said("c1", StatusState.SUCCESS)])
        await ledger.record([planned("c1")])
        assert await ledger.open_commits() == []
        await ledger.record([planned("c1", Change("train", What.CHANGED))])
        # Neither what its roots say nor that the forge took what was said before is its last word.
        await ledger.record([said("c1", StatusState.FAILURE, "train"), f.Posted("c1", "plumbline/test", AT, AT)])
        assert [(commit.ident, commit.again) for commit in await ledger.open_commits()] == [("c1", True)]
        await ledger.record([said("c1", StatusState.FAILURE, at=AT + SECOND)])
        assert await ledger.open_commits() == []

    async def test_statuses_are_listed_by_context(self, ledger):
        await ledger.record([said("c1", StatusState.PENDING, "train"), said("c1", StatusState.PENDING)])
        assert [status.context for status in await ledger.statuses("c1")] == ["plumbline/test", "plumbline/test/train"]
        assert await ledger.statuses("c2") == []

    async def test_what_was_not_posted_is_listed_oldest_first(self, ledger):
        await ledger.record([said("c1", StatusState.PENDING), said("c2", StatusState.PENDING)])
        await ledger.record([said("c1", StatusState.SUCCESS, at=AT + SECOND)])
        assert [status.commit for status in await ledger.unposted(10)] == ["c2", "c1"]
        assert [status.commit for status in await ledger.unposted(1)] == ["c2"]
        await ledger.record([f.Posted("c2", "plumbline/test", AT, AT)])
        assert [status.commit for status in await ledger.unposted(10)] == ["c1"]

    async def test_a_post_of_something_older_counts_for_nothing(self, ledger):
        await ledger.record([said("c1", StatusState.PENDING)])
        (pending,) = await ledger.unposted(10)
        # Said again at the same instant, before the answer of the forge to the first one came.
        await ledger.record([said("c1", StatusState.SUCCESS)])
        await ledger.record([f.Posted("c1", "plumbline/test", pending.at, AT)])
        (waiting,) = await ledger.unposted(10)
        assert waiting.state is StatusState.SUCCESS
        await ledger.record([f.Posted("c1", "plumbline/test", waiting.at, AT)])
        assert await ledger.unposted(10) == []

    async def test_a_post_of_something_never_said_is_nothing(self, ledger):
        await ledger.record([f.Posted("c1", "plumbline/test", AT, AT)])
        assert await ledger.statuses("c1") == []

    # -- commands

    @pytest.mark.parametrize("root", ["train", ""], ids=["root", "project"])
    async def test_a_command_waits_until_it_is_answered(self, ledger, root):
        async def waiting() -> list[str]:
            record = (await ledger.root(root)).record if root else await ledger.project()
            return [command.ident for command in record.commands]

        await ledger.record([asked(root, "q1"), asked(root, "q2"), asked(root, "q1")])
        assert await waiting() == ["q1", "q2"]
        assert await ledger.answer("q1") is None
        answered = f.Answered(root, "q1", True, "train@req-q1", AT)
        await ledger.record([answered])
        assert await waiting() == ["q2"]
        assert await ledger.answer("q1") == answered

    async def test_the_project_is_suspended_and_has_a_head(self, ledger):
        await ledger.record([f.Suspended("", True, "ada", AT), planned("c1")])
        project = await ledger.project()
        assert (project.head, project.suspended.by, project.name) == ("c1", "ada", "project")
        await ledger.record([f.Suspended("", False, "ada", AT)])
        assert (await ledger.project()).suspended is None

    async def test_an_approval_releases_its_hold(self, ledger):
        hold = Hold("h1", "too many", AT)
        target = Planned("c1", "d1:x", "d1:l", "d1:f", "ops.yaml", hold)
        await ledger.record([f.TargetSet("train", target, What.ADDED, AT), f.Approved("train", hold, "ada", AT)])
        assert (await ledger.root("train")).record.planned.hold is None

    # -- renames

    async def test_a_rename_carries_everything(self, ledger):
        old = keys.tick("train", AT)
        await ledger.record([opened(old), f.Bound("train", old, "d1:leaf", "d1:b", AT), *succeeded(old)])
        await ledger.record([advanced(G1), opened(G1), intended(G1.at_attempt(1)), asked("train", "q1")])
        await ledger.record([f.Renamed("learn", "train", AT)])
        state = await ledger.root("learn")
        assert (state.record.name, state.record.highest, state.record.open) == ("learn", 1, (G1,))
        assert {run.root for run in state.runs.values()} == {"learn"}
        assert [claim.root for claim in await ledger.claims()] == ["learn"]
        assert [run.root for run in await self._reusable(ledger, "learn")] == ["learn"]
        assert {run.key for run in await ledger.runs(RunQuery(root="learn"))} == {old, G1}
        assert await ledger.runs(RunQuery(root="train")) == []
        assert list(await ledger.roots()) == ["learn"]
        # A new root of the old name goes on counting: no key is made twice.
        assert await ledger.root("train") == RootState(RootRecord("train", highest=1))

    async def test_a_rename_and_its_revert(self, ledger):
        await ledger.record([advanced(G1), opened(G1), intended(G1.at_attempt(1))])
        before = await ledger.root("train")
        await ledger.record([f.Renamed("learn", "train", AT)])
        await ledger.record([f.Renamed("train", "learn", AT)])
        assert await ledger.root("train") == before
        assert list(await ledger.roots()) == ["train"]

    async def test_an_observation_after_a_rename_finds_its_run(self, ledger):
        await ledger.record([advanced(G1), opened(G1), intended(G1.at_attempt(1))])
        await ledger.record([f.Renamed("learn", "train", AT), ended(G1.at_attempt(1))])
        await ledger.record([f.Settled("train", G1, RunStatus.SUCCEEDED, "", AT)])
        state = await ledger.root("learn")
        assert (state.runs[G1].status, state.record.open) == (RunStatus.SUCCEEDED, ())
        assert list(await ledger.roots()) == ["learn"]

    async def test_a_rename_onto_a_name_of_old_makes_no_key_twice(self, ledger):
        learn = [keys.generation("learn", number) for number in (1, 2, 3)]
        for key in learn:
            await ledger.record([advanced(key), opened(key), *succeeded(key)])
        await ledger.record([advanced(G1), opened(G1)])
        await ledger.record([f.Renamed("learn", "train", AT)])
        record = (await ledger.root("learn")).record
        assert (record.highest, record.applied.key, record.open) == (3, G1, (G1,))
        assert {run.key for run in await ledger.runs(RunQuery(root="learn"))} == {*learn, G1}

    # -- content

    async def test_blobs_are_kept_with_the_facts(self, ledger):
        await ledger.record([opened(G1)], {"d1:f": '{"a":1}', "d1:g": "ü\x00"})
        await ledger.record([], {"d1:f": '{"a":1}'})
        assert await ledger.blob("d1:f") == '{"a":1}'
        assert await ledger.blob("d1:g") == "ü\x00"
        assert await ledger.blob("d1:h") is None

    async def test_odd_outputs_come_back_as_they_were(self, ledger):
        outputs = {"text": "\x00\ud800\u2028😀", "big": 2**70, "small": 1e-300, "deep": [[[{"": None}]]], "one": 1.0}
        seen = replace(ended(G1.at_attempt(1)).observation, outputs=outputs)
        await ledger.record([opened(G1), intended(G1.at_attempt(1)), f.Observed("train", seen, AT)])
        found = (await ledger.root("train")).runs[G1].outputs
        assert found == outputs
        assert isinstance(found["one"], float)

    # -- durability and replay

    async def test_opening_again_finds_everything(self, store):
        ledger = await store.open()
        historian = Historian(7)
        for _ in range(30):
            await ledger.record(historian.transaction(), {historian.ident("d1:"): "{}"})
        before = await everything(ledger)
        again = await store.open()
        assert again.ident == ledger.ident
        assert await everything(again) == before

    @pytest.mark.parametrize("seed", range(12))
    async def test_the_history_folds_to_what_is_stored(self, ledger, seed):
        historian = Historian(seed)
        for _ in range(60):
            await ledger.record(historian.transaction())
        world = replay([fact for _, fact in await ledger.facts(limit=100_000)])
        assert await ledger.roots() == world.records
        assert {run.key: run for run in await ledger.runs(RunQuery(limit=100_000))} == world.runs
        assert list(await ledger.claims()) == world.claims
        assert await ledger.project() == world.project
        for ident, commit in world.commits.items():
            assert await ledger.commit(ident) == commit
            assert set(await ledger.statuses(ident)) == {s for s in world.statuses.values() if s.commit == ident}
        for ident, answer in world.answers.items():
            assert await ledger.answer(ident) == answer
        unposted = {status for status in world.statuses.values() if not status.posted}
        assert set(await ledger.unposted(100_000)) == unposted
        for name in world.records:
            state = await ledger.root(name)
            assert state.runs.items() <= world.roots[name].runs.items()


async def everything(ledger: Ledger) -> dict[str, object]:
    """Whatever a ledger can be asked, for comparing two of them."""
    roots = await ledger.roots()
    commits = [fact.commit for _, fact in await ledger.facts(limit=100_000) if isinstance(fact, f.CommitPlanned)]
    digests = [f"d1:leaf{number}" for number in range(4)]
    return {
        "sequence": await ledger.sequence(),
        "facts": await ledger.facts(limit=100_000),
        "roots": roots,
        "states": {name: await ledger.root(name) for name in roots},
        "order": {name: list((await ledger.root(name)).runs) for name in roots},
        "answers": await ledger.ask([Reusable(name, digest) for name in roots for digest in digests]),
        "runs": await ledger.runs(RunQuery(limit=100_000)),
        "live": await ledger.runs(RunQuery(live=True)),
        "owed": await ledger.runs(RunQuery(owed=True)),
        "claims": await ledger.claims(),
        "commits": [await ledger.commit(commit) for commit in commits],
        "open": await ledger.open_commits(),
        "statuses": [await ledger.statuses(commit) for commit in commits],
        "unposted": await ledger.unposted(1000),
        "project": await ledger.project(),
        "pins": await ledger.pins(),
        "pulls": await ledger.pulls(),
        "blob": await ledger.blob("d1:1"),
        "awake": await ledger.awake("one"),
        "many": await ledger.states([*roots, "nobody"]),
    }
