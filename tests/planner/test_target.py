"""What a commit changes of which root, and what of it is held (design: "Which commit says what", "Safety")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from planner import guard
from planner.admit import Limits
from planner.guard import Budgets, Starts
from planner.model import facts as f
from planner.model.desired import Asked, CompiledOperation, Policy, RunPolicy
from tests.planner.builders import EVERY_TEN, dag, desired, job, node, service
from tests.planner.cases import Case, table
from tests.planner.history import (
    T0,
    History,
    Step,
    after,
    approve,
    ask,
    at,
    decisions,
    end,
    line,
    push,
    suspend_project,
    wait,
    world,
)

pytestmark = pytest.mark.unit

MANUAL = Policy(run=RunPolicy.MANUAL)
KEPT = Policy(prune=False)


def jobs(count: int, start: int = 0) -> list[CompiledOperation]:
    """j0, j1, …: each with a digest of its own."""
    return [job(f"j{number}", f"do {number}") for number in range(start, start + count)]


def ends(count: int) -> list[Step]:
    """The programs of j0, j1, … end."""
    return [end(f"j{number}@g1#1") for number in range(count)]


def targets(history: History) -> list[str]:
    """What the last commit made of which root."""
    moved = (fact for fact in history.facts if isinstance(fact, f.TargetSet | f.Renamed))
    return [line(fact) for fact in moved if isinstance(fact, f.Renamed) or not fact.planned.kept]


@dataclass(frozen=True)
class Change:
    """Two commits, and what the second one changes.

    Attributes:
        ident: names the row.
        reason: why it must be so.
        before: the first commit.
        after: the second commit.
        changes: what it makes of which root.
        bad: its bad files.
        moved: renames that it declares.
        kept: roots that stay though it has them no more.
    """

    ident: str
    reason: str
    before: Sequence[CompiledOperation]
    after: Sequence[CompiledOperation]
    changes: Sequence[str] = ()
    bad: Sequence[str] = ()
    moved: Sequence[tuple[str, str]] = ()
    kept: Sequence[str] = ()


CHANGES = (
    Change("added", "a name that was never there", [], [job()], ["target train added"]),
    Change("same", "nothing", [job()], [job()]),
    Change("changed", "another identity", [job()], [job(command="other")], ["target train changed"]),
    Change("resources", "what it asks for is identity", [job()], [job(gpu=1)], ["target train changed"]),
    Change("kind", "so is its kind", [job()], [service("train")], ["target train changed"]),
    Change("retries", "a live field", [job()], [job(retries=1)], ["target train live"]),
    Change("queue", "a live field", [job()], [job(queue="big")], ["target train live"]),
    Change("schedule", "a live field", [job()], [job(schedule=EVERY_TEN)], ["target train live"]),
    Change("policy", "a live field", [job()], [job(policy=Policy(self_heal=False))], ["target train live"]),
    Change("both", "identity outweighs", [job()], [job(command="other", retries=1)], ["target train changed"]),
    Change("inert", "stored, and no change", [job()], [job(description="x")], ["target train same"]),
    Change("moved-file", "where it stands is inert", [job()], [job(path="b.yaml")], ["target train same"]),
    Change(
        "declared-and-proven",
        "a declared rename leaves the others to be proven",
        [job("a"), job("c", "other")],
        [job("b"), job("d", "other")],
        ["a is now b", "c is now d", "target b renamed", "target d renamed"],
        moved=[("a", "b")],
    ),
    Change(
        "proven-beside-a-bad-file",
        "a bad file holds its own operations, and no rename of others",
        [job("a"), job("x", "bad", path="x.yaml")],
        [job("b")],
        ["a is now b", "target b renamed"],
        bad=["x.yaml"],
        kept=["x"],
    ),
    Change(
        "in-the-bad-file",
        "what the bad file holds may still be there",
        [job("a", path="x.yaml")],
        [job("b")],
        ["target b added"],
        bad=["x.yaml"],
        kept=["a"],
    ),
    Change("removed", "gone", [job(), service()], [service()], ["target train removed"]),
    Change("readded", "as if it were new", [service()], [service(), job()], ["target train added"]),
    # Renames
    Change("renamed", "one gone, one new, with one digest", [job("a")], [job("b")], ["a is now b", "target b renamed"]),
    Change(
        "renamed-and-live",
        "a rename may bring live changes",
        [job("a")],
        [job("b", retries=1)],
        ["a is now b", "target b live"],
    ),
    Change(
        "renamed-and-changed",
        "with another digest it is a removal and an addition",
        [job("a"), service()],
        [job("b", "other"), service()],
        ["target a removed", "target b added"],
    ),
    Change(
        "twins-gone",
        "which of two equal ones was it? neither",
        [job("a"), job("b"), service()],
        [job("c"), service()],
        ["target a removed", "target b removed", "target c added"],
    ),
    Change(
        "twins-new",
        "nor may one become two",
        [job("a"), service()],
        [job("b"), job("c"), service()],
        ["target a removed", "target b added", "target c added"],
    ),
    Change(
        "twin-stays",
        "one that stays is no candidate",
        [job("a"), job("b")],
        [job("a"), job("c")],
        ["b is now c", "target c renamed"],
    ),
    Change(
        "two-renames",
        "each by its own digest",
        [job("a"), service("s")],
        [job("b"), service("t")],
        ["a is now b", "s is now t", "target b renamed", "target t renamed"],
    ),
    Change(
        "declared",
        "a declared one holds whatever changed with it",
        [job("a"), service()],
        [job("b", "other"), service()],
        ["a is now b", "target b changed"],
        moved=[("a", "b")],
    ),
    Change(
        "declared-among-twins",
        "and tells twins apart",
        [job("a"), job("b"), service()],
        [job("c"), service()],
        ["a is now c", "target b removed", "target c renamed"],
        moved=[("a", "c")],
    ),
    Change(
        "declared-long-ago",
        "one whose old name is gone for long says nothing",
        [job("b")],
        [job("b")],
        moved=[("a", "b")],
    ),
    Change(
        "declared-onto-one-that-is-there",
        "nor can two become one",
        [job("a"), job("b", "other"), service()],
        [job("b", "other"), service()],
        ["target a removed"],
        moved=[("a", "b")],
    ),
    Change(
        "declared-and-kept",
        "nor one that stays be two",
        [job("a")],
        [job("a"), job("b", "other")],
        ["target b added"],
        moved=[("a", "b")],
    ),
    # Bad files
    Change("bad", "a bad file keeps what came from it", [job()], [], bad=["train.yaml"], kept=["train"]),
    Change(
        "bad-holds-removals",
        "and every removal: the gone one may be in it",
        [job(), service()],
        [],
        bad=["train.yaml"],
        kept=["serve", "train"],
    ),
    Change(
        "bad-elsewhere",
        "a new bad file holds removals too",
        [job(), service()],
        [service()],
        bad=["new.yaml"],
        kept=["train"],
    ),
    Change(
        "bad-holds-nothing-else",
        "additions and changes go on",
        [job(), service()],
        [service(command="two"), job("b", "b")],
        ["target b added", "target serve changed"],
        bad=["train.yaml"],
        kept=["train"],
    ),
    Change(
        "bad-proves-no-rename",
        "what a bad file hides proves no rename",
        [job("a")],
        [job("b")],
        ["target b added"],
        bad=["a.yaml"],
        kept=["a"],
    ),
    Change(
        "bad-and-declared",
        "a declared one needs no proof",
        [job("a"), service()],
        [job("b"), service()],
        ["a is now b", "target b renamed"],
        bad=["c.yaml"],
        moved=[("a", "b")],
    ),
    # Prune
    Change(
        "prune-off",
        "where prune is off, a removal stops nothing",
        [job(policy=KEPT), service()],
        [service()],
        kept=["train"],
    ),
    Change(
        "prune-off-live",
        "as it was said last, also when that changed nothing else",
        [job(policy=KEPT), job("b", "b")],
        [],
        ["target b removed held"],
        kept=["train"],
    ),
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.ident)
def test_changes(change):
    history = after(push(*change.before), wait(60))
    history.facts = []
    plan = history.commit(desired("c2", *change.after, bad=change.bad, moved=dict(change.moved)))
    assert list(change.changes) == targets(history), change.reason
    assert list(change.kept) == sorted(plan.kept), change.reason
    for name, reason in plan.kept.items():
        assert reason == history.record(name).planned.kept
    back = history.commit(desired("c3", *change.before))
    assert {} == back.kept
    assert "" == "".join(history.record(name).planned.kept for name in change.kept), "it is as it says again"


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.ident)
def test_a_commit_that_is_planned_again_changes_nothing(change):
    history = after(push(*change.before), wait(60))
    state = desired("c2", *change.after, bad=change.bad, moved=dict(change.moved))
    first = history.commit(state)
    invalid = [fact for fact in first.facts if isinstance(fact, f.StatusChanged) and fact.commit == "c2"]
    history.go()
    again = history.commit(state)
    assert [type(fact) for fact in again.facts] == [f.CommitPlanned] + [f.StatusChanged] * len(invalid)
    assert first.holds.keys() >= again.holds.keys()


def test_what_a_commit_changes_is_recorded_before_any_intent():
    history = after(push(job(), service()))
    kinds = [type(fact) for fact in history.facts]
    assert [f.CommitPlanned, f.TargetSet, f.TargetSet] == kinds[:3]
    assert kinds.index(f.Intended) > 2


RENAMES = (
    Case(
        "everything-goes-on",
        "a rename carries what runs: nothing starts, nothing stops",
        [push(job("a")), push(job("b"))],
        then=["a is now b"],
        alive=["a@g1#1"],
    ),
    Case(
        "there-and-back",
        "a rename back is a rename",
        [push(job("a")), push(job("b")), push(job("a"))],
        then=["b is now a"],
        alive=["a@g1#1"],
        says={"c3 a": "success: renamed; everything carried over"},
    ),
    Case(
        "then-changed",
        "the next generation has the new name, and a number after the old ones",
        [push(job("a")), push(job("b")), push(job("b", "other"))],
        then=["b g2 in force", "opens b@g2", "starts b@g2#1"],
    ),
    Case(
        "onto-a-removed-name",
        "a name that was used by something that is gone is free",
        [push(job("a"), job("b", "other")), push(job("a")), push(job("b"))],
        then=["a is now b"],
        alive=["a@g1#1"],
    ),
    Case(
        "onto-a-name-that-is-still-stopping",
        "whose rest is stopped all the same",
        [
            push(job("a"), job("b", "other")),
            world(stops_at_once=False),
            push(job("a")),
            push(job("b")),
            world(stops_at_once=True),
        ],
        then=["b@g1 stopped: removed from the repository"],
        alive=["a@g1#1"],
    ),
    Case(
        "new-numbers-for-the-old-name",
        "a new root of the old name never reuses a key of the old one",
        [push(job("a")), push(job("b")), push(job("b"), job("a", "other"))],
        then=["a g2 in force", "opens a@g2", "starts a@g2#1"],
    ),
    Case(
        "a-schedule-goes-on",
        "its cursor is carried: no tick twice, none lost",
        [push(job("a", schedule=EVERY_TEN)), wait(minutes=10), push(job("b", schedule=EVERY_TEN)), wait(minutes=10)],
        then=["opens b@2026-11-23T06:20Z", "starts b@2026-11-23T06:20Z#1"],
        alive=["a@2026-11-23T06:10Z#1", "b@2026-11-23T06:20Z#1"],
    ),
    Case(
        "a-hold-goes-on",
        "what is held is held under the new name",
        [push(job("a"), job("z", "z")), push(job("b"), job("z", "z"))],
        then=["a is now b"],
        alive=[],
        world={"budgets": Budgets(starts=1)},
    ),
)

REMOVALS = (
    Case(
        "last-one",
        "removing the last one is a removal, and held",
        [push(job()), push()],
        then=[],
        waits=[
            "train@g2 waits for the commit has no operation left; it would remove all 1; plumbline approve h-e1ab84db"
        ],
        alive=["train@g1#1"],
    ),
    Case(
        "last-one-healed",
        "what is held stays in force: it is healed and ticks",
        [push(service("train")), push(), end("train@g1#1", 1), wait(1)],
        then=["starts train@g1#2"],
    ),
    Case("two-of-two", "two and another one comes", [push(*jobs(2)), push(job("new", "new"))], alive=["new@g1#1"]),
    Case(
        "three-of-three",
        "never all, from three up",
        [push(*jobs(3)), push(job("new", "new"))],
        alive=["j0@g1#1", "j1@g1#1", "j2@g1#1", "new@g1#1"],
    ),
    Case(
        "three-of-five",
        "never more than half",
        [push(*jobs(5)), push(*jobs(2))],
        then=[],
        alive=[f"j{number}@g1#1" for number in range(5)],
    ),
    Case("three-of-six", "half is allowed", [push(*jobs(6)), push(*jobs(3))], alive=["j0@g1#1", "j1@g1#1", "j2@g1#1"]),
    Case("two-of-three", "below three nobody asks", [push(*jobs(3)), push(*jobs(1))], alive=["j0@g1#1"]),
    Case(
        "deletions-budget",
        "a budget of the configuration is tighter",
        [push(*jobs(3)), push(*jobs(1))],
        then=[],
        world={"budgets": Budgets(deletions=1)},
    ),
    Case(
        "approved-one-by-one",
        "an approval releases the root that it names, and only that",
        [push(*jobs(3)), push(job("new", "new")), approve("j1")],
        then=["j1 g2 in force: absent", "stops j1@g1#1: pruned", "j1@g1 stopped: removed from the repository"],
        alive=["j0@g1#1", "j2@g1#1", "new@g1#1"],
    ),
    Case(
        "approved-stays-approved",
        "also after the next commit, which holds the rest as before",
        [
            push(*jobs(4)),
            push(job("new", "new")),
            approve("j1"),
            push(job("new", "new"), job("more", "more")),
        ],
        then=["more g1 in force", "opens more@g1", "starts more@g1#1"],
        alive=["j0@g1#1", "j2@g1#1", "j3@g1#1", "more@g1#1", "new@g1#1"],
    ),
    Case(
        "brought-back",
        "what is held and comes back was never away",
        [push(job()), push(), push(job())],
        then=[],
        says={"c2 train": "superseded: superseded by c3", "c3 train": "pending: running"},
        alive=["train@g1#1"],
    ),
    Case(
        "bad-then-good",
        "a removal that a bad file held is done when the file is good again",
        [push(job(), service()), push(job(), bad=["serve.yaml"]), push(job())],
        then=["serve g2 in force: absent", "stops serve@g1#1: pruned", "serve@g1 stopped: removed from the repository"],
    ),
    Case(
        "prune-off",
        "what is kept by policy goes on",
        [push(service("train", policy=KEPT), job("b", "b")), push(job("b", "b")), end("train@g1#1", 1), wait(1)],
        then=["starts train@g1#2"],
    ),
)

STARTS = (
    Case(
        "over",
        "what is over is held whole (decision 4)",
        [push(*jobs(3))],
        then=[],
        alive=[],
        world={"budgets": Budgets(starts=2)},
    ),
    Case(
        "at-the-budget",
        "as many as it says may start",
        [push(*jobs(2))],
        alive=["j0@g1#1", "j1@g1#1"],
        world={"budgets": Budgets(starts=2)},
    ),
    Case(
        "a-dag-is-one",
        "a DAG is one start",
        [push(dag("flow", node("a"), node("b"), node("c")))],
        alive=["flow@g1/a#1", "flow@g1/b#1", "flow@g1/c#1"],
        world={"budgets": Budgets(starts=1)},
    ),
    Case(
        "what-starts-nothing",
        "schedules, manual ones and refused ones start nothing",
        [push(job("n", schedule=EVERY_TEN), job("m", policy=MANUAL), job("r", refused="no"), job())],
        alive=["train@g1#1"],
        world={"budgets": Budgets(starts=1)},
    ),
    Case(
        "live-changes",
        "nor do live changes",
        [push(job()), end("train@g1#1"), push(job(retries=1), job("b", "b"))],
        alive=["b@g1#1"],
        world={"budgets": Budgets(starts=1)},
    ),
    Case(
        "gpus",
        "GPUs are counted over all that would start, replicas and DAGs included",
        [push(job("a", gpu=2), dag("flow", node(job("b", "b", gpu=2)), node(job("c", "c", gpu=1))))],
        then=[],
        waits=[
            "a@g1 waits for it would ask for 5 GPUs; the budget is 4 a commit; plumbline approve h-52cc1cf3",
            "flow@g1 waits for it would ask for 5 GPUs; the budget is 4 a commit; plumbline approve h-52cc1cf3",
        ],
        world={"budgets": Budgets(gpus=4)},
    ),
    Case(
        "approved",
        "an approval releases it",
        [push(*jobs(2)), approve("j1")],
        then=["j1 g1 in force", "opens j1@g1", "starts j1@g1#1"],
        world={"budgets": Budgets(starts=1)},
    ),
    Case(
        "approval-survives-the-next-commit",
        "an approved target is not held again, though what was not approved is, with what is new",
        [
            push(*jobs(3)),
            world(limits=Limits(runs=0)),
            approve("j1"),
            push(*jobs(3), service()),
            world(limits=Limits()),
        ],
        then=["starts j1@g1#1"],
        alive=["j1@g1#1"],
        world={"budgets": Budgets(starts=1)},
    ),
    Case(
        "what-is-on-its-way-does-not-count",
        "an earlier commit's starts that wait for a suspension are not this commit's",
        [suspend_project(), push(*jobs(2)), push(*jobs(4)), suspend_project(active=False)],
        alive=["j0@g1#1", "j1@g1#1", "j2@g1#1", "j3@g1#1"],
        world={"budgets": Budgets(starts=2)},
    ),
    Case(
        "changed-while-held",
        "another target is another hold",
        [push(*jobs(2)), push(job("j0", "other"), *jobs(1, 1))],
        then=[],
        alive=[],
        world={"budgets": Budgets(starts=1)},
    ),
    Case(
        "no-longer-over",
        "what is not over any more is not held any more",
        [push(*jobs(2)), push(*jobs(1))],
        alive=["j0@g1#1"],
        world={"budgets": Budgets(starts=1)},
    ),
    Case(
        "running-goes-on",
        "a change that is held leaves in service what is",
        [push(*jobs(1)), push(service()), push(service(command="two"), *jobs(2, 5))],
        alive=["serve@g1#1"],
        world={"budgets": Budgets(starts=2)},
    ),
)

FIRST = (
    Case(
        "held",
        "at first contact nothing starts until a person has seen the plan",
        [push(*jobs(2))],
        then=[],
        alive=[],
        waits=[
            f"{name}@g1 waits for first contact with this repository; it would start 2 operations; "
            "plumbline approve h-first-e5e84134"
            for name in ("j0", "j1")
        ],
    ),
    Case(
        "schedules-too",
        "no tick either",
        [push(job(schedule=EVERY_TEN)), wait(minutes=30)],
        then=[],
        alive=[],
        runs={"train@2026-11-23T06:10Z": None},
    ),
    Case(
        "next-commit",
        "the next commit holds as well: nobody has approved anything",
        [push(*jobs(1)), push(*jobs(2))],
        then=[],
        alive=[],
    ),
    Case(
        "all-else",
        "what does not start is not held",
        [push(job("m", policy=MANUAL), job("r", refused="no"))],
        then=["m g1 in force", "r g1 in force", "opens r@g1", "r@g1 failed: refused: no"],
    ),
    Case(
        "approved",
        "approve starts it",
        [push(*jobs(2)), approve("j0")],
        then=["j0 g1 in force", "opens j0@g1", "starts j0@g1#1"],
        alive=["j0@g1#1"],
    ),
    Case(
        "approved-schedule",
        "and a schedule begins at the instant of the approval",
        [push(job(schedule=EVERY_TEN)), wait(minutes=35), approve(), wait(minutes=5)],
        then=["opens train@2026-11-23T06:40Z", "starts train@2026-11-23T06:40Z#1"],
    ),
    Case(
        "baseline",
        "approve --baseline marks it as done: nothing runs until it changes",
        [push(job()), approve(baseline=True), wait(minutes=1)],
        then=[],
        alive=[],
        says={"c1 train": "success: in force already"},
    ),
    Case(
        "baseline-then-changed",
        "and runs when it does",
        [push(job()), approve(baseline=True), push(job(command="other"))],
        then=["train g2 in force", "opens train@g2", "starts train@g2#1"],
    ),
    Case(
        "baseline-service",
        "a service that is a baseline is not started",
        [push(service("train")), approve(baseline=True), wait(hours=1)],
        then=[],
        alive=[],
    ),
    Case(
        "once",
        "after the last approval first contact is over",
        [push(*jobs(1)), approve("j0"), push(*jobs(2))],
        then=["j1 g1 in force", "opens j1@g1", "starts j1@g1#1"],
    ),
)

LIVE = (
    Case(
        "services-among-finished-jobs",
        "all that is up would go: held, however many finished jobs there are",
        [push(*jobs(6), *(service(f"s{n}", ports=()) for n in range(3))), *ends(6), push(*jobs(6))],
        then=[],
        says={
            "c2 s0": "pending: held: it would remove 3 of 3 live operations in one commit; "
            "plumbline approve h-b37b5f1d",
        },
    ),
    Case(
        "finished-jobs",
        "what has run is a record: its removal ends nothing and is not held",
        [push(*jobs(7), service()), *ends(7), push(service())],
        says={"c2": "success: 7 operations done"},
    ),
    Case(
        "schedules",
        "a schedule would tick no more",
        [push(*(job(f"n{n}", schedule=EVERY_TEN) for n in range(3)), job()), end("train@g1#1"), push(job())],
        then=[],
    ),
)

OWED = (
    Case(
        "manual-no-more",
        "what was run by hand and never was runs when its policy says so",
        [push(job(policy=MANUAL)), push(job())],
        then=["train g2 in force", "opens train@g2", "starts train@g2#1"],
        says={"c1 train": "success: waits for plumbline run train", "c2 train": "pending: running"},
    ),
    Case(
        "manual-service-no-more",
        "a service too",
        [push(service("train", policy=MANUAL)), push(service("train"))],
        then=["train g2 in force", "opens train@g2", "starts train@g2#1"],
        says={"c2 train": "success: ready"},
    ),
    Case(
        "manual-that-ran",
        "what a person ran before has run once",
        [push(job(policy=MANUAL)), ask("run"), end("train@req-q1#1"), push(job())],
        then=[],
        says={"c2 train": "success: applied to what lives; no new run"},
    ),
    Case(
        "schedule-no-more",
        "without its schedule it is to run once",
        [push(job(schedule=EVERY_TEN)), push(job())],
        then=["train g2 in force", "opens train@g2", "starts train@g2#1"],
    ),
    Case(
        "schedule-that-ticked",
        "but not when a tick ran",
        [push(job(schedule=EVERY_TEN)), wait(minutes=10), end("train@2026-11-23T06:10Z#1"), push(job())],
        then=[],
    ),
    Case(
        "refused-no-more",
        "what could not run here runs when it can",
        [push(job(refused="no MPI here")), push(job())],
        then=["train g2 in force", "opens train@g2", "starts train@g2#1"],
        says={"c1 train": "failure: refused: no MPI here", "c2 train": "pending: running"},
    ),
    Case(
        "refused-now",
        "a commit that makes it refused says so",
        [push(job()), end("train@g1#1"), push(job(refused="no MPI here"))],
        then=[],
        says={"c2 train": "failure: refused: no MPI here"},
    ),
    Case(
        "superseded-while-it-waits",
        "it is superseded like any other change",
        [push(job(policy=MANUAL)), suspend_project(), push(job()), push(job(command="other"))],
        then=[],
        says={"c2 train": "superseded: superseded by c3"},
    ),
    Case(
        "baseline-stays",
        "a baseline counts as done under any policy",
        [push(job()), approve(baseline=True), push(job(policy=MANUAL)), push(job())],
        then=[],
        world={"hold_first": True},
    ),
    Case(
        "held",
        "and counts as a start",
        [push(*jobs(1), job(policy=MANUAL)), push(job("j0", "other"), job())],
        then=[],
        says={
            "c2 train": "pending: held: it would start 2 operations; the budget is 1 a commit; "
            "plumbline approve h-f1ecc2c3"
        },
        world={"budgets": Budgets(starts=1)},
    ),
)

REVERTS = (
    Case(
        "before-the-start",
        "back to the digest in force before the new one started: it is withdrawn, nothing runs",
        [push(job()), end("train@g1#1"), world(limits=Limits(runs=0)), push(job(command="other")), push(job())],
        then=["train withdrawn", "train@g2 stopped: superseded before it started"],
        alive=[],
    ),
    Case(
        "while-held",
        "back to the digest in force while the change was held: there is nothing to withdraw",
        [push(*jobs(1)), push(job("j0", "other"), *jobs(1, 1)), push(*jobs(1))],
        then=[],
        says={"c2 j0": "superseded: superseded by c3", "c3 j0": "pending: running"},
        alive=["j0@g1#1"],
        world={"budgets": Budgets(starts=1)},
    ),
    Case(
        "to-a-service-that-was-down",
        "a service that was down when something else came is not withdrawn to: nobody would start it again",
        [push(service("train")), end("train@g1#1", 1), push(job(policy=MANUAL)), push(service("train"))],
        then=["train g3 in force", "opens train@g3", "starts train@g3#1"],
        alive=["train@g3#1"],
    ),
    Case(
        "to-a-service-that-gave-way-long-ago",
        "nor one that was stopped for what waits, also when it was cleaned since",
        [
            push(service("train")),
            world(limits=Limits(runs=0)),
            push(service("train", "other")),
            wait(hours=1),
            push(service("train")),
        ],
        then=["train g3 in force", "opens train@g3", "train@g2 stopped: superseded before it started"],
        alive=[],
    ),
    Case(
        "to-a-service-that-a-person-stopped",
        "one that a person stopped stays down through it",
        [push(service("train")), ask("stop"), push(job(policy=MANUAL)), push(service("train"))],
        then=["train withdrawn"],
        alive=[],
    ),
    Case(
        "after-the-start",
        "back after the start is a generation like any other",
        [push(job()), end("train@g1#1"), push(job(command="other")), end("train@g2#1"), push(job())],
        then=["train g3 in force", "opens train@g3", "starts train@g3#1"],
    ),
)


@table(*RENAMES)
def test_renames(case):
    case.check()


@table(*REMOVALS)
def test_removals(case):
    case.check()


@table(*STARTS)
def test_starts(case):
    case.check()


@table(*(replace(case, world={"hold_first": True}) for case in FIRST))
def test_first_contact(case):
    case.check()


@table(*LIVE)
def test_what_counts_as_live(case):
    case.check()


@table(*OWED)
def test_what_runs_by_itself_from_now_on(case):
    case.check()


@table(*REVERTS)
def test_reverts(case):
    case.check()


# Holds


def hold_of(history: History, root: str = "j0") -> guard.Hold | None:
    planned = history.record(root).planned
    assert planned is not None
    return planned.hold


BUDGET = {"budgets": Budgets(starts=1)}


def test_a_hold_keeps_the_instant_since_which_it_holds():
    first = hold_of(after(push(*jobs(2)), **BUDGET))
    history = after(push(*jobs(2)), wait(hours=1), push(*jobs(2), job("m", policy=MANUAL)), **BUDGET)
    assert first == hold_of(history)
    assert (T0, "m g1 in force") == (hold_of(history).since, decisions(history.facts)[0])


@pytest.mark.parametrize(
    "other",
    [
        pytest.param([push(*jobs(3))], id="one more"),
        pytest.param([push(job("j0", "other"), *jobs(1, 1))], id="another digest"),
        pytest.param([push(*jobs(2, 1))], id="another name"),
    ],
)
def test_a_hold_is_bound_to_the_exact_actions(other: list[Step]):
    idents = {hold_of(after(*steps, **BUDGET), "j1").ident for steps in ([push(*jobs(2))], other)}
    assert len(idents) == 2


def test_an_approval_of_another_hold_releases_nothing():
    history = after(push(*jobs(2)), approve("j0", hold="h-00000000"), **BUDGET)
    assert ["no: j0 has no such hold"] == [line(fact) for fact in history.facts if isinstance(fact, f.Answered)]
    assert hold_of(history) is not None


def test_a_restart_does_not_release_first_contact():
    history = after(push(*jobs(2)), hold_first=True)
    before = hold_of(history)
    history.now += timedelta(minutes=5)
    history.commit(desired("c1", *jobs(2)))
    history.go()
    assert before == hold_of(history)
    assert [] == history.alive()


def test_a_commit_that_is_pushed_back_to_says_everything_anew():
    history = after(push(job()), push(job(command="other")), end("train@g1#1"), end("train@g2#1"))
    history.commit(desired("c1", job()))
    history.go()
    assert {"": "pending: 0 of 1 done", "train": "pending: running"} == history.says("c1")
    end("train@g3#1")(history)
    assert "success: succeeded in 0 s" == history.says("c1")["train"]


@pytest.mark.parametrize(
    ("removed", "live", "left", "held"),
    [
        (0, 9, 0, False),
        (1, 1, 0, True),
        (1, 1, 1, False),
        (2, 2, 1, False),
        (2, 3, 1, False),
        (3, 3, 1, True),
        (3, 5, 2, True),
        (3, 6, 3, False),
        (500, 1000, 500, False),
        (501, 1000, 499, True),
    ],
)
def test_the_deletion_budget(removed, live, left, held):
    names = [f"r{number}" for number in range(live)]
    hold = guard.removals(names[:removed], names, left=left, budgets=Budgets(), now=T0)
    assert held == (hold is not None)


def test_what_does_not_live_does_not_count():
    assert guard.removals(["a", "b", "c"], ["x", "y", "z"], left=3, budgets=Budgets(), now=T0) is None


@pytest.mark.parametrize(
    ("ceiling", "asked", "within"),
    [
        (Budgets(), Asked(), Budgets()),
        (Budgets(starts=20), Asked(starts=5), Budgets(starts=5)),
        (Budgets(starts=20), Asked(starts=500), Budgets(starts=20)),
        (Budgets(gpus=None), Asked(gpus=0), Budgets(gpus=0)),
        (Budgets(gpus=2), Asked(gpus=8), Budgets(gpus=2)),
        (Budgets(), Asked(deletions=0), Budgets(deletions=0)),
    ],
)
def test_a_repository_may_only_tighten(ceiling, asked, within):
    assert within == ceiling.within(asked)


@pytest.mark.parametrize(
    ("alive", "gone", "lost"),
    [(3, 3, False), (4, 4, True), (30, 3, False), (30, 4, True), (100, 10, False), (100, 11, True), (0, 0, False)],
)
def test_when_too_much_is_gone(alive, gone, lost):
    assert lost is guard.cluster_lost(alive, gone)


def test_one_start_is_said_in_the_singular():
    assert "it would start 1 operation" in guard.first_sync(Starts({"a": "d"}, 0), T0).reason


def test_a_hold_that_was_approved_during_a_suspension_waits_for_its_end():
    history = after(
        push(*jobs(2)),
        suspend_project(until=T0 + timedelta(minutes=5)),
        approve("j0"),
        at(T0 + timedelta(minutes=5)),
        **BUDGET,
    )
    assert ["j0 g1 in force", "opens j0@g1", "starts j0@g1#1"] == decisions(history.facts)


def test_a_commit_that_is_planned_again_does_not_count_what_it_said_before():
    """After a force-push back to it, it is pending from the first moment, not done until its operations are planned."""
    history = after(push(*jobs(2)), end("j0@g1#1"), end("j1@g1#1"), push(*(job(f"j{n}", "other") for n in range(2))))
    assert "success: 2 operations done" == history.says("c1")[""]
    history.commit(desired("c1", *jobs(2)))
    assert {"": "pending: 0 of 2 done", "j0": "pending: planned", "j1": "pending: planned"} == history.says("c1")


def test_a_root_whose_file_is_bad_names_that_file():
    plan = after(push(job("a", path="x.yaml"), job("b", path="y.yaml"), job("c", path="z.yaml"))).commit(
        desired("c2", bad=["x.yaml", "y.yaml"])
    )
    assert {
        "a": "x.yaml has problems; the last good form stays in force",
        "b": "y.yaml has problems; the last good form stays in force",
        "c": "nothing is removed while x.yaml has problems",
    } == plan.kept


def test_what_a_commit_loosens_counts_from_the_next_one():
    history = after(push(*jobs(1), budgets=Asked(starts=1)))
    push(*jobs(3), budgets=Asked(starts=9))(history)
    assert ["j0@g1#1"] == history.alive()
    history.commit(desired("c2", *jobs(3), budgets=Asked(starts=9)))  # a restart plans it again
    history.go()
    assert ["j0@g1#1"] == history.alive()
    push(*jobs(3), budgets=Asked(starts=9))(history)
    assert ["j0@g1#1", "j1@g1#1", "j2@g1#1"] == history.alive()


def test_what_a_commit_tightens_counts_at_once():
    history = after(push(*jobs(3), budgets=Asked(starts=2)))
    assert [] == history.alive()
