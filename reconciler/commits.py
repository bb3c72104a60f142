"""Reconciling the repository: the newest commit becomes the target of every root.

A failed read changes nothing: what was planned stays in force and is shown as stale with its age. Only a tree that
was read whole is ever planned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import anyio

from planner.details import details_of, name_of
from planner.model.desired import DesiredState
from planner.model.facts import Fact, Renamed, TargetSet
from planner.model.records import RootRecord
from planner.publish import context_of
from planner.target import Contact, plan_commit
from reconciler import codec
from reconciler.core import Core
from reconciler.errors import Refused, Transient, Unusable
from reconciler.events import Events
from reconciler.publish import Publisher
from reconciler.source.model import Commit
from reconciler.telemetry import log

__all__ = ["Commits"]

_OUT_OF_REACH = "PL-310"
"""What a reference out of the repository led to cannot be had: it may be had later, without a commit."""
_AGAIN = 60.0
_LOOKED_BACK = 20
"""Commits that are asked at first contact whether another ledger reported on them."""


class Commits:
    """Plans the newest commit of the branch.

    Attributes:
        answered_at: when the remote last said where its branch is.
        seen_at: when what is planned was last known to be the branch's head: the age of what is known.
        answers: whether the remote answered the last question.
        failing: why it does not answer now, or why nothing can be planned from what it answers, or "".
        desired: the newest compiled state.
    """

    def __init__(self, core: Core, publisher: Publisher, events: Events) -> None:
        self._core = core
        self._events = events
        self._publisher = publisher
        self._planned: str | None = None
        self._has_pins = False
        # A pin comes before the record that needs it: between the two nobody may ask what is needed.
        self._pinning = anyio.Lock()
        self.answered_at: datetime | None = None
        self.seen_at: datetime | None = None
        self.answers = True
        self.failing = ""
        self.desired: DesiredState | None = None

    async def reconcile(self) -> None:
        """Plan the branch's newest commit, if it was not planned in this life of the daemon.

        Raises:
            Transient: the repository cannot be read; everything stays in force.
        """
        commit = None
        try:
            commit = await self._core.source.fetch()
            if commit is not None and not self._has_pins:
                await self._bring_pins()
            if commit is not None and (commit.id != self._planned or _lacks(self.desired)):
                await self._plan(commit)
                self._planned = commit.id
        except (Transient, Refused) as error:
            # What cannot be read whole may be repaired in place: nothing follows from it, and it is asked again.
            self.failing = error.message
            raise Transient(error.message) from error
        except Unusable:
            raise
        except Exception:
            what = f"commit {commit.id[:10]} was not planned" if commit else "the repository was not read"
            self.failing = f"{what} by a fault of ours: the daemon's log has the traceback, please report it"
            raise
        self.answered(commit.id if commit else None)
        self.failing = "the branch does not exist" if commit is None else ""

    def answered(self, head: str | None) -> None:
        """Note that the remote answers now, and that the branch is at `head`."""
        self.answered_at, self.answers = self._core.clock.now(), True
        if head is not None and head == self._planned:
            self.seen_at = self.answered_at

    def unanswered(self, reason: str) -> None:
        """Note that the remote does not answer now, and why."""
        self.failing, self.answers = reason, False

    async def _plan(self, commit: Commit) -> None:
        core = self._core
        records = await core.ledger.roots()
        in_force = {name: now.path for name, record in records.items() if (now := record.planned) and now.digest}
        desired = await core.compiler.compile(commit, in_force)
        if _lacks(desired):
            core.queue.add("source", _AGAIN)
        if commit.id == self._planned and desired == self.desired:
            return
        if not desired.files and not desired.problems and not await self._is_empty_on_purpose(commit):
            raise Transient(f"{commit.id[:10]}: the tree has no file at all; nothing is concluded from it")
        contact = Contact(
            instance=core.policy.identity.instance,
            branch=core.policy.branch,
            now=core.clock.now(),
            budgets=core.policy.budgets,
            first=not records and await self._holds_first(commit),
        )
        core.current = {operation.form: operation for operation in desired.roots.values()}
        async with self._pinning:
            await core.source.pin(commit.id, commit.id)
            facts = await self._record(desired, contact)
        self.desired = desired
        self._publisher.changed(facts)
        for fact in facts:
            if isinstance(fact, TargetSet):
                core.queue.add(f"root:{fact.root}")
        core.queue.add("pins", 60.0)

    async def _record(self, desired: DesiredState, contact: Contact) -> Sequence[Fact]:
        """Plan against the newest records, and record the plan before anything else is."""
        core = self._core
        forms = {operation.form: operation for operation in desired.roots.values()}
        touched = await self._events.touched(desired.commit)
        details, kept = _details(desired)
        async with core.recording:
            project = await core.ledger.project()
            contact = replace(
                contact,
                again=await core.ledger.commit(desired.commit) is not None,
                asked=project.asked_before(desired.commit),
                details=details,
            )
            facts = plan_commit(desired, await core.ledger.roots(), contact).facts
            if not contact.again:
                # Told under the names that the roots had before it: a rename takes it along.
                facts = (*self._events.of_commit(desired.commit, project.head, touched), *facts)
            named = {fact.planned.form for fact in facts if isinstance(fact, TargetSet)}
            kept |= {digest: codec.encode(forms[digest]) for digest in named if digest in forms}
            await core.ledger.record(facts, kept)
            # Counted after the record: a plan that read its root in between was made before the rename.
            core.renames += any(isinstance(fact, Renamed) for fact in facts)
            self._events.recorded(facts)
        return facts

    async def _holds_first(self, commit: Commit) -> bool:
        """Whether first contact waits for a person: always by configuration, else where another ledger was before.

        Whoever lost a ledger has run what the repository asks for already. A forge that cannot be read delays nothing.
        """
        core = self._core
        begun = (await core.ledger.project()).head  # what is said since then is our own
        if core.policy.hold_first or begun or not core.policy.hold_others:
            return core.policy.hold_first
        try:
            others = await core.forge.spoke_of(await self._newest(commit), context_of(core.policy.identity.instance))
        except (Transient, Refused):
            return False
        if others:
            log.warning(
                "another ledger has reported on this repository: first contact is held",
                instance=core.policy.identity.instance,
                next="plumbline status; then approve, or approve --baseline for what has run already",
            )
        return others

    async def _newest(self, commit: Commit) -> list[str]:
        """`commit` and its first parents, as many as are worth a look."""
        found = [commit.id]
        while commit.parents and len(found) < _LOOKED_BACK:
            commit = await self._core.source.commit(commit.parents[0])
            found.append(commit.id)
        return found

    async def _is_empty_on_purpose(self, commit: Commit) -> bool:
        tree = await self._core.source.tree(commit.id)
        return tree.has_files

    async def _bring_pins(self) -> None:
        """Where the copy is not the one of before (another replica's, a new disk's): bring what is in force into it.

        What was pushed over may still be had from the repository by its id. What is not to be had is missed only by
        who needs its code.
        """
        core = self._core
        async with self._pinning:
            head = (await core.ledger.project()).head
            if head and head not in await core.source.pins():
                for ident in sorted(await self._needed()):
                    try:
                        await core.source.pin(ident, ident)
                    except (Transient, Refused) as error:
                        log.warning("the code of a commit that is in force cannot be had", reason=error.message)
        self._has_pins = True

    async def prune_pins(self) -> None:
        """Let go of pins of commits that nothing in force, open or planned needs, and tidy the copy."""
        source = self._core.source
        async with self._pinning:
            needed = await self._needed()
            for name in await source.pins():
                if name not in needed:
                    await source.unpin(name)
        await source.tidy()

    async def _needed(self) -> set[str]:
        """The commits that something in force, open or planned is of."""
        ledger = self._core.ledger
        needed = {(await ledger.project()).head}
        for record in (await ledger.roots()).values():
            needed |= _commits_of(record)
            if record.open:
                state = await ledger.root(record.name)
                needed |= {run.commit for run in state.runs.values()}
        return needed


def _details(desired: DesiredState) -> tuple[str, dict[str, str]]:
    """The name of what is kept of the problems, with its content; "" and nothing where there are none."""
    found = details_of(desired.problems)
    if found is None:
        return "", {}
    digest, text = codec.blob_of(found)
    name = name_of(desired.commit, digest)
    return name, {name: text}


def _lacks(desired: DesiredState | None) -> bool:
    """Whether something that a commit refers to out of the repository could not be had."""
    return desired is not None and any(problem.code == _OUT_OF_REACH for problem in desired.problems)


def _commits_of(record: RootRecord) -> set[str]:
    planned = {record.planned.commit} if record.planned else set()
    applied = {record.applied.commit} if record.applied else set()
    return planned | applied
