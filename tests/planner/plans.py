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
from planner.plan import plan_root
from planner.preview import Previewed, previewed
from planner.render.frame import frame_of
from planner.render.markdown import plan_markdown
from planner.render.outcome import Outcome, Ran, outcome_markdown
from planner.target import Contact
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
            found = {**found, **done(twin.ledger.ask(missing))}
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


def comment(name: str) -> str:
    """What a pull request is told of one of `COMMITS`."""
    found = looked(name)
    commit = found.plan.commit
    frame = replace(
        frame_of(found, COMMITS[name], "prod"),
        tree="4123456789abcdef0123456789abcdef01234567",
        link=lambda place: f"https://forge.example.org/team/models/blob/{commit}/{place.path}#L{place.line}",
        moved="5" * 40 if name == "held" else "",
        settings=SETTINGS if name == "problems" else (),
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
