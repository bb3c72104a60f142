"""Plans for the golden folder: a repository that is in force, and commits that come upon it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from planner.applied import World
from planner.errors import Place, Problem, Severity
from planner.fold import RootState
from planner.guard import Budgets
from planner.model.commits import StatusState
from planner.model.desired import CompiledOperation, DesiredState, Policy, RunPolicy
from planner.model.plan import FieldChange, Plan
from planner.model.questions import Answers
from planner.model.schedule import CronSchedule
from planner.plan import plan_root
from planner.preview import Previewed, previewed
from planner.render.frame import frame_of
from planner.render.markdown import plan_markdown
from planner.render.outcome import Outcome, Ran, outcome_markdown
from planner.target import Contact
from reconciler.suggesting import answered, at_once
from tests.planner import sweeps
from tests.planner.builders import EVERY_TEN, dag, desired, job, node, service
from tests.planner.history import IDENTITY, T0, History, after, done, end, push, wait

MANUAL = Policy(run=RunPolicy.MANUAL)


def flow(c: str = "report") -> CompiledOperation:
    """prepare, then fit that reads its output, then report."""
    return dag(
        "flow",
        node(job("prepare", "prepare")),
        node(job("fit", "fit", reads={"data": "prepare.size"}), "prepare"),
        node(job("report", c), "fit"),
    )


IN_FORCE = (
    flow(),
    job("gone", "old"),
    job("live", "live"),
    job("old-name", "moves"),
    job("same", "same"),
    job("train", "fit"),
    service("serve"),
)
RAN = (
    push(*IN_FORCE),
    end("flow@g1/prepare#1", size=3),
    end("flow@g1/fit#1", size=4),
    end("flow@g1/report#1"),
    end("live@g1#1"),
    end("same@g1#1"),
    wait(minutes=5),
)

PROBLEMS = (
    Problem("PL-101", "a mapping is not closed", Place("ops/broken.yaml", 3, 7), hint="add `}`"),
    Problem("PL-309", "no operation uses the component `spare`", Place("ops/flow.yaml", 9, 5), severity=Severity.INFO),
)

SETTINGS = (
    FieldChange("/budgets/starts", 5, 500),
    FieldChange("/paths/1", None, "```\n@everyone", added=True),
)

COMMITS: dict[str, DesiredState] = {
    "every-verb": desired(
        "0123456789abcdef0123456789abcdef01234567",
        flow("report --long"),
        job("live", "live", retries=2),
        job("new-name", "moves"),
        job("same", "same"),
        job("train", "fit --more", gpu=1),
        service("serve", "listen --tls"),
        job("asked", "asked", policy=MANUAL),
        job("fresh", "fresh"),
        job("nightly", "nightly", schedule=EVERY_TEN),
        job("spark", "count", refused="there is no Spark here; set backends.spark"),
    ),
    "nothing": desired("1123456789abcdef0123456789abcdef01234567", *IN_FORCE),
    "problems": desired(
        "2123456789abcdef0123456789abcdef01234567",
        flow(),
        service("serve"),
        job("train", "fit --more"),
        bad=["gone.yaml"],
        problems=PROBLEMS,
    ),
    "held": desired(
        "3123456789abcdef0123456789abcdef01234567",
        job("one", "one"),
        job("two", "two"),
    ),
}

NIGHTLY = CronSchedule(cron="0 2 * * *", timezone="Europe/Berlin")
MANY = tuple(job(f"train-{number:03}", "fit") for number in range(300))


def sweep(*rates: float, concurrency: int) -> CompiledOperation:
    """A grid over rates."""
    return sweeps.sweep(sweeps.choices(*rates, concurrency=concurrency), "search", path="search.yaml")


SWEPT = (sweep(0.1, 0.2, concurrency=2), *IN_FORCE)
ASIDE = (job("nightly", "nightly", schedule=EVERY_TEN), *IN_FORCE)
SEARCHED = (sweeps.sweep(sweeps.by_chance(12, concurrency=4), "search", path="search.yaml"), *IN_FORCE)
MORE = sweeps.sweep(sweeps.by_chance(18, concurrency=4), "search", path="search.yaml")
LARGE = sweeps.sweep(sweeps.by_chance(1200, concurrency=20), "search", path="search.yaml")
PULLS: dict[str, tuple[tuple[CompiledOperation, ...], DesiredState]] = {
    "create": (IN_FORCE, desired("5" * 40, *IN_FORCE, job("fresh", "fresh", gpu=2), service("second", ports=[9090]))),
    "change": (
        IN_FORCE,
        desired("6" * 40, *(op for op in IN_FORCE if op.name != "train"), job("train", "fit --more", gpu=1, retries=3)),
    ),
    "delete": (IN_FORCE, desired("7" * 40, *(op for op in IN_FORCE if op.name not in {"gone", "serve"}))),
    "blocked": (IN_FORCE, desired("8" * 40, *(job(f"next-{number}", "next") for number in range(12)))),
    "broken": (
        IN_FORCE,
        desired("9" * 40, *(op for op in IN_FORCE if op.name != "train"), bad=["train.yaml"], problems=PROBLEMS),
    ),
    "schedule": (ASIDE, desired("a" * 40, job("nightly", "nightly", schedule=NIGHTLY), *IN_FORCE)),
    "sweep": (SWEPT, desired("c" * 40, sweep(0.1, 0.2, 0.3, concurrency=4), *IN_FORCE)),
    "sweep-extended": (SEARCHED, desired("d" * 40, MORE, *IN_FORCE)),
    "sweep-large": (IN_FORCE, desired("e" * 40, LARGE, *IN_FORCE)),
    "many": (MANY, desired("b" * 40, *(job(operation.name, "fit --more") for operation in MANY))),
}
"""Pull requests by what they do: what is in force, and what their merge asks for."""


def world(history: History) -> World:
    """What a preview is compared with, as the daemon would hand it in."""
    records = done(history.ledger.roots())
    states: dict[str, RootState] = {name: history.state(name) for name in records}
    return World(states=states, forms=history.forms, base="c1" + "0" * 38, notes=("runs here have no network",))


def read(history: History, state: DesiredState, contact: Contact) -> Answers:
    """What the plans of the roots ask for."""
    found: Answers = {}
    twin = History(ledger=type(history.ledger)(history.ledger.snapshot()), forms=dict(history.forms), now=contact.now)
    twin.commit(state)
    for name in state.roots:
        view = twin.view(name)
        while missing := plan_root(view).missing:
            found = {**found, **done(answered(twin.ledger, at_once, missing))}
            view = twin.view(name, answers=found)
    return found


def plan(name: str) -> Plan:
    """The plan of one of `COMMITS` upon what has run."""
    return looked(name).plan


def looked(name: str) -> Previewed:
    """The same, with what it would start."""
    history = after(*RAN)
    contact = Contact("test", "main", T0 + timedelta(minutes=5), Budgets(starts=9 if name != "held" else 1))
    state, known = COMMITS[name], world(history)
    return previewed(state, replace(known, answers=read(history, state, contact)), contact, IDENTITY)


def pulled(name: str) -> str:
    """What a pull request of `PULLS` is told."""
    before, state = PULLS[name]
    ran = RAN[1:] if before == IN_FORCE else (wait(minutes=5),)
    if before == SEARCHED:
        ran = (sweeps.all_end(), *ran)
    history = after(push(*before), *ran)
    contact = Contact("test", "main", history.now, Budgets(starts=400 if name == "many" else 9))
    found = previewed(state, replace(world(history), answers=read(history, state, contact)), contact, IDENTITY)
    return _told(found, state)


def comment(name: str) -> str:
    """What a pull request is told of one of `COMMITS`."""
    return _told(
        looked(name),
        COMMITS[name],
        moved="5" * 40 if name == "held" else "",
        settings=SETTINGS if name == "problems" else (),
    )


def _told(found: Previewed, state: DesiredState, moved: str = "", settings: tuple[FieldChange, ...] = ()) -> str:
    commit = found.plan.commit
    frame = replace(
        frame_of(found, state, "prod"),
        tree="4123456789abcdef0123456789abcdef01234567",
        link=lambda place: f"https://forge.example.org/team/models/blob/{commit}/{place.path}#L{place.line}",
        moved=moved,
        settings=settings,
    )
    return plan_markdown(found.plan, frame)


FAR = "https://forge.example.org/models/1"
OUTCOMES: dict[str, tuple[Ran, ...]] = {
    "under-way": (
        Ran("gone", StatusState.SUCCESS, "removed; nothing of it is running"),
        Ran("train", StatusState.PENDING, "running", "train@g2", None, {"loss": 0.4}, {"loss": 0.5}),
        Ran("later", StatusState.SUPERSEDED, "superseded by 5555555555"),
    ),
    "over": (
        Ran(
            "train",
            StatusState.SUCCESS,
            "succeeded in 61 s",
            "train@g2",
            61.2,
            {"accuracy": 0.93, "model": FAR, "same": 1},
            {"accuracy": 0.91, "same": 1, "dropped": 2},
        ),
        Ran("flow", StatusState.FAILURE, "failed: exit code 4", "flow@g3", 8000.0),
        Ran("nightly", StatusState.SUCCESS, "scheduled, next 2026-11-24 02:00 UTC"),
    ),
    "hostile": (
        Ran("a|b", StatusState.FAILURE, "failed: @everyone `</details>` #1", "a|b@g1", 1, {"<img>": "|@ada\n# x"}),
    ),
    "nothing": (),
}


def outcome(name: str) -> str:
    """What a pull request is told once it is merged."""
    return outcome_markdown(Outcome("prod", "3" * 40, "4" * 40, T0 + timedelta(hours=1), OUTCOMES[name]))
