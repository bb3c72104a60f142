"""A plan as a value, and its renderers against the golden folder (tests/golden/regenerate.py writes it anew)."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from planner.applied import World, as_applied
from planner.changes import field_changes
from planner.errors import Place
from planner.guard import Budgets
from planner.model.desired import CompiledOperation, Policy
from planner.model.people import Hold
from planner.model.plan import Action, FieldChange, Held, Plan, Verb
from planner.model.questions import Cached
from planner.preview import preview
from planner.render.json import plan_json, problem_json
from planner.render.text import change_line, plan_text, summary
from planner.target import Contact
from tests.planner.builders import EVERY_TEN, approved, caching, dag, desired, hooked, job, node, rolling, service
from tests.planner.history import IDENTITY, T0, History, after, ask, decisions, done, end, push, wait
from tests.planner.plans import COMMITS, PROBLEMS, plan, world

pytestmark = pytest.mark.unit

GOLDEN = Path(__file__).parents[1] / "golden"


def rendered() -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("regenerate", GOLDEN / "regenerate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.render()  # type: ignore[no-any-return]


def test_the_golden_folder():
    found = {path.name: path.read_text() for path in (GOLDEN / "render").iterdir()}
    assert found == rendered()


def test_the_golden_folder_shows_every_verb():
    verbs = {action.verb for name in COMMITS for action in plan(name).actions}
    assert set(Verb) - {Verb.STOP, Verb.CARRY} == verbs


@pytest.mark.parametrize("name", COMMITS)
def test_json_says_what_the_value_says(name):
    value = plan(name)
    found = json.loads(plan_json(value))
    assert [action.root for action in value.actions] == [action["root"] for action in found["actions"]]
    assert value.applicable is found["applicable"]
    assert [problem_json(problem) for problem in value.problems] == found["problems"]


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (PROBLEMS[0], "ops/broken.yaml:3:7: error PL-101: a mapping is not closed; add `}`"),
        (PROBLEMS[1], "ops/flow.yaml:9:5: info PL-309: no operation uses the component `spare`"),
    ],
)
def test_problems_are_one_line_each(problem, text):
    assert text == str(problem)
    assert problem.code == json.loads(json.dumps(problem_json(problem)))["code"]


# What a plan means


def planned(*operations: CompiledOperation, upon: History | None = None, **contact: object) -> Plan:
    known = world(upon) if upon else World()
    return preview(desired("new", *operations), known, replace(Contact("test", "main", T0), **contact), IDENTITY)  # type: ignore[arg-type]


def test_a_preview_is_what_the_daemon_does():
    """The same functions on the same records: what the plan says starts, starts; what it says stops, stops."""
    operations = [job("train", "other"), service(command="two"), job("fresh", "fresh")]
    history = after(push(job(), service(), job("gone", "gone")))
    said = planned(*operations, upon=history)
    history.facts = []
    push(*operations)(history)
    starts = {
        text.removeprefix("starts ") for action in said.actions for text in action.effects if text[:6] == "starts"
    }
    stops = {text.removeprefix("stops ") for action in said.actions for text in action.effects if text[:5] == "stops"}
    begun = {
        text.removeprefix("starts ").partition("#")[0] for text in decisions(history.facts) if text[:6] == "starts"
    }
    ended = {text.removeprefix("stops ").partition("#")[0] for text in decisions(history.facts) if text[:5] == "stops"}
    assert begun == {*starts, "serve@g2"}  # what waits for the end of another is said to wait
    assert ended == stops


def test_a_preview_changes_nothing():
    history = after(push(job(), service()))
    before = world(history)
    assert plan_text(planned(job(command="other"), upon=history)) == plan_text(
        planned(job(command="other"), upon=history)
    )
    assert before == world(history)


@pytest.mark.parametrize(
    ("before", "after_", "verb", "effects"),
    [
        pytest.param([], [job()], Verb.START, ["starts train@g1"], id="start"),
        pytest.param([job()], [job(command="x")], Verb.UPDATE, ["starts train@g2"], id="update"),
        pytest.param([job(), service()], [service()], Verb.REMOVE, ["stops train@g1"], id="remove"),
        pytest.param([job()], [job(retries=1)], Verb.CHANGE, [], id="change"),
        pytest.param([job()], [job("new")], Verb.RENAME, [], id="rename"),
        pytest.param([], [job(refused="no")], Verb.REFUSE, [], id="refuse"),
        pytest.param(
            [rolling("train")],
            [rolling("train", "two")],
            Verb.UPDATE,
            ["starts train@g2"],
            id="rolling stops nothing before it is ready",
        ),
        pytest.param(
            [],
            [dag("train", node("a"), node("b", "a"))],
            Verb.START,
            ["starts train@g1/a", "then, as they become ready: b"],
            id="dag",
        ),
    ],
)
def test_actions(before, after_, verb, effects):
    history = after(push(*before))
    action = planned(*after_, upon=history).actions[0]
    assert (verb, effects) == (action.verb, list(action.effects))


def test_what_is_queued_is_withdrawn():
    history = after(push(job()), ask("stop"), push(job(command="x"), job("b", "b")))
    assert [] == [action.root for action in planned(job(command="x"), job("b", "b"), upon=history).actions]


def test_destruction_comes_first_then_by_name():
    history = after(push(job("z", "z"), job("a", "a"), service()))
    found = planned(service(), job("n", "n"), job("b", "b"), upon=history)
    assert [("remove", "a"), ("remove", "z"), ("start", "b"), ("start", "n")] == [
        (str(action.verb), action.root) for action in found.actions
    ]
    assert ("serve",) == found.unchanged


@pytest.mark.parametrize(
    ("operations", "contact", "applicable"),
    [
        pytest.param([job()], {}, True, id="something"),
        pytest.param([], {}, False, id="nothing"),
        pytest.param([job()], {"budgets": Budgets(starts=0)}, False, id="all held"),
        pytest.param([job(), job("n", schedule=EVERY_TEN)], {"budgets": Budgets(starts=0)}, True, id="some held"),
        pytest.param([job()], {"first": True}, False, id="first contact"),
    ],
)
def test_applicable(operations, contact, applicable):
    assert applicable is planned(*operations, **contact).applicable


def test_complete_means_that_every_file_was_read():
    assert planned(job()).complete
    state = desired("new", job(), bad=["b.yaml"])
    found = preview(state, World(), Contact("test", "main", T0), IDENTITY)
    assert not found.complete
    assert "! not complete" in plan_text(found)


def test_when_a_plan_changes_by_itself():
    assert planned(job("n", schedule=EVERY_TEN)).wake_at == T0 + timedelta(minutes=10)
    assert planned(job()).wake_at is None


def test_against_a_commit_as_if_it_were_applied():
    base = desired("base", job(), service(), dag("flow", node("a")))
    head = desired("head", job(command="x"), service(), dag("flow", node("a")))
    found = preview(head, as_applied(base, T0, IDENTITY), Contact("test", "main", T0), IDENTITY)
    assert [("update", "train")] == [(str(action.verb), action.root) for action in found.actions]
    assert ("flow", "serve") == found.unchanged
    assert "base" == found.base


def test_a_plan_after_everything_ran_is_empty():
    history = after(push(job(), service()), end("train@g1#1"), wait(60))
    found = planned(job(), service(), upon=history)
    assert ((), ("serve", "train")) == (found.actions, found.unchanged)


# Changes and text


def test_field_changes_are_identity_and_live_fields():
    found = field_changes(job(retries=1), job(command="x", gpu=1, description="new", path="b.yaml"))
    assert [
        FieldChange("/container/command/0", "fit", "x"),
        FieldChange("/container/resources/nvidia.com~1gpu", None, "1", added=True),
    ] == [change for change in found if not change.pointer.startswith("/termination")]
    assert ["/termination/maxRetries"] == [change.pointer for change in found if change.removed]
    assert () == field_changes(job(), job(description="x"))
    assert () == field_changes(None, None)
    assert all(change.added for change in field_changes(None, job()))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (FieldChange("/a", 1, 2), "/a: 1 -> 2"),
        (FieldChange("/a", None, "x", added=True), '/a: "x" (new)'),
        (FieldChange("/a", [1], None, removed=True), "/a: [1] (gone)"),
        (FieldChange("/a", None, False), "/a: null -> false"),
        (FieldChange("/a", "x" * 100, 1), '/a: "' + "x" * 70 + "… -> 1"),
    ],
)
def test_change_lines(change, text):
    assert text == change_line(change)


def test_a_long_list_of_held_operations_is_cut():
    hold = Hold("h-1", "too many", T0)
    value = Plan("c", "", T0, (), held=(Held(hold, tuple(f"r{number}" for number in range(30))),))
    assert "r19 …" in plan_text(value)
    assert "r20" not in plan_text(value)


def test_the_summary_counts():
    actions = (Action(Verb.START, "a", "job", ""), Action(Verb.START, "b", "job", ""), Action(Verb.REMOVE, "c", "", ""))
    value = Plan("", "", T0, actions, unchanged=("d",), problems=PROBLEMS)
    assert "plan: 1 remove, 2 start, 1 unchanged, 1 problem" == summary(value)
    assert plan_text(value).startswith("plan of the working folder\n")
    assert plan_text(value).endswith(summary(value) + "\n")


def test_every_verb_has_a_symbol():
    assert all(len(verb.symbol) == 1 for verb in Verb)


def test_places():
    assert ["a.yaml", "a.yaml:3:4"] == [str(Place("a.yaml")), str(Place("a.yaml", 3, 4))]


def test_what_an_applied_commit_ran_is_carried_over_as_far_as_it_can_be_known():
    def flow(fit: str):
        return dag("flow", node("load"), node(job("fit", fit, reads={"n": "load.size"}), "load"), node("say", "fit"))

    base, head = desired("base", flow("a")), desired("head", flow("b"))
    (action,) = preview(head, as_applied(base, T0, IDENTITY), Contact("test", "main", T0), IDENTITY).actions
    assert (
        "load: carried over from flow@g1/load, will not run",
        "then, as they become ready: fit, say",
    ) == action.effects


def test_a_plan_says_who_stopped_what_stays_down():
    history = after(push(service()), ask("stop", "serve"))
    (note,) = (note for note in planned(service(), upon=history).notes if "serve" in note)
    assert "serve stays down: stopped by ada at 2026-11-23 06:00 UTC; plumbline retry serve" == note
    assert not [note for note in planned(service(command="other"), upon=history).notes if "stays down" in note]


def test_what_prune_keeps_is_kept_against_a_commit_too():
    base = desired("base", job(), service(policy=Policy(prune=False)))
    found = preview(desired("head", job()), as_applied(base, T0, IDENTITY), Contact("test", "main", T0), IDENTITY)
    assert ((), (("serve", "prune is off for it; plumbline stop ends what runs"),)) == (found.actions, found.kept)


def test_a_plan_says_which_runs_a_person_must_approve():
    (action,) = planned(approved(job())).actions
    assert action.effects == ("train@g1 waits for a person to approve it",)


def test_a_plan_says_what_follows_a_run():
    (action,) = planned(hooked(job(), ("failed", job("mend")), ("done", job("tell")))).actions
    assert action.effects == ("starts train@g1", "when failed: runs mend", "at any end: runs tell")


def test_a_plan_says_what_is_cached():
    one = caching(job("one", "same"), disable=False)
    history = after(push(one), end("one@g1#1"))
    answers = done(history.ledger.ask([Cached(history.run("one@g1").digest)]))
    known = replace(world(history), answers=answers)
    two = desired("new", one, caching(job("two", "same"), disable=False))
    (action,) = preview(two, known, Contact("test", "main", T0), IDENTITY).actions
    assert action.effects == ("two: cached from one@g1, will not run",)
