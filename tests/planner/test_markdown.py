"""The comment on a pull request: what it must say, however large the plan and whatever its words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.applied import World
from planner.errors import Place, Problem
from planner.model.desired import CompiledOperation
from planner.model.people import Hold
from planner.model.plan import Action, FieldChange, Held, Plan, Rehearsed, Verb
from planner.preview import previewed
from planner.render.budget import GITEA, GITHUB, GITLAB, Limit, Unit
from planner.render.foreign import code
from planner.render.frame import Frame
from planner.render.markdown import marker, plan_markdown
from planner.scale import Scale
from planner.target import Contact
from tests.planner.builders import dag, desired, job, node, service
from tests.planner.history import IDENTITY, T0, Step, after, end, push, wait
from tests.planner.plans import COMMITS, comment, looked, read, world
from tests.planner.test_foreign import NASTY, page

pytestmark = pytest.mark.unit

FRAME = Frame("prod", whole="plumbline plan --head 0123456789")
LIMITS = (GITHUB, GITLAB, GITEA, Limit(4000), Limit(4000, Unit.BYTES))
SMILES = "\U0001f600"


def many(count: int, verb: Verb = Verb.UPDATE, value: str = "fit --more") -> Plan:
    """So many operations that changed."""
    changes = (FieldChange("/container/command/0", "fit", value),)
    actions = [
        Action(verb, f"train-{number:03}", "job", "its spec changed", (f"starts train-{number:03}@g2",), changes)
        for number in range(count)
    ]
    return Plan("a" * 40, "b" * 40, T0, tuple(actions))


def test_nothing_that_changes_is_said_in_a_line():
    said = comment("nothing")
    assert "nothing changes" in said
    assert "7 operations stay as they are" in said
    assert "|" not in said


def test_what_destroys_and_what_is_held_is_above_every_fold_and_table():
    said = comment("held")
    top = said[: said.index("| |")]
    assert "<details>" not in top
    assert "[!CAUTION]" in top
    assert "<code>plumbline approve h-" in top
    assert "Stale" in top
    for name in ("flow", "gone", "serve"):
        assert code(name) in top


def test_problems_say_where_and_lead_there():
    said = comment("problems")
    assert "**2 problems**: what comes from these files stays as it is" in said
    assert "broken.yaml#L3)" in said
    assert said.index("PL-101") < said.index("| |")


@pytest.mark.parametrize("limit", LIMITS, ids=str)
@pytest.mark.parametrize("value", ["fit --more", SMILES * 900, "`" * 1500])
def test_three_hundred_changes_fit_and_none_is_cut(limit, value):
    said = plan_markdown(many(300, value=value), replace(FRAME, limit=limit))
    assert limit.size(said) <= limit.most
    rows = len(re.findall(r"^\| update \|.*\|$", said, re.MULTILINE))
    told = re.search(r"\*\*(\d+) operations", said)
    assert rows + (int(told[1]) if told else 0) == 300
    assert said.count("<details>") == said.count("</details>")
    details = re.search(r"\*\*(\d+) details", said)
    assert said.count("<details>") + (int(details[1]) if details else 0) == 300
    assert "300 update" in said.splitlines()[1]
    assert said.rstrip().endswith("Nothing was executed.</sub>")
    if told or details:
        assert code(FRAME.whole) in said


@pytest.mark.parametrize("limit", LIMITS, ids=str)
def test_removals_problems_and_holds_without_end_leave_room_for_the_table(limit):
    hold = Hold("h-1", "it would remove " + "x" * 3000, T0)
    problems = [Problem("PL-101", "bad " * 1000, Place(f"ops/{number}.yaml", 1, 1)) for number in range(400)]
    plan = replace(
        many(300, Verb.REMOVE),
        held=tuple(Held(replace(hold, ident=f"h-{number}"), ("a", "b")) for number in range(100)),
        problems=tuple(problems),
        complete=False,
    )
    said = plan_markdown(plan, replace(FRAME, limit=limit))
    assert limit.size(said) <= limit.most
    assert "300 remove" in said
    assert "and 280 more" in said
    assert re.search(r"^\| remove \|", said, re.MULTILINE)
    assert re.search(r"\*\*\d+ warnings more did not fit here", said) or limit is GITLAB


@settings(max_examples=60)
@given(st.lists(NASTY, min_size=6, max_size=6))
def test_words_of_others_do_nothing_wherever_they_stand(words):
    name, why, effect, path, value, said = words
    change = FieldChange(f"/{path}", None, {said: value}, added=True)
    rehearsed = Rehearsed(name, value, refused=(why,), unknown=(said,), changes=(change,), admitted=(change,))
    actions = [
        Action(Verb.REMOVE, name, effect, why, (f"stops {effect}",), (change,), Place(path, 1, 1), (rehearsed,)),
        Action(Verb.START, said, value, why, (effect,) * 5, (change,), Place(path, 1, 1)),
    ]
    plan = Plan(
        "a" * 40,
        "b" * 40,
        T0,
        tuple(actions),
        kept=((name, why),),
        held=(Held(Hold("h-1", said, T0), (name, path)),),
        deferred=(why,),
        notes=(said,),
        problems=(Problem("PL-101", value, Place(path, 1, 1), hint=why),),
    )
    found = page(plan_markdown(plan, Frame(name)))
    ours = {"h3", "code", "p", "blockquote", "strong", "table", "thead", "tbody", "tr", "th", "td", "br", "ul", "li"}
    assert set(found.tags) <= ours | {"details", "summary", "pre", "sub"}
    assert found.tags.count("details") == 5
    assert found.tags.count("tr") == 3
    assert set(found.inside) <= {"br"}, "everything is closed"


def test_a_marker_is_one_comment_whatever_the_instance_is_called():
    assert marker("prod") == "<!-- plumbline preview of prod -->"
    assert marker("a--><b>") == "<!-- plumbline preview of a-b -->"


@pytest.mark.parametrize("name", COMMITS)
def test_every_operation_of_the_plan_is_named(name):
    found = looked(name).plan
    assert all(code(action.root) in comment(name) for action in found.actions)


def test_a_limit_counts_as_its_forge_does():
    assert Limit(10).size(f"ab{SMILES}") == 4
    assert Limit(10, Unit.BYTES).size(f"ab{SMILES}é") == 8
    assert Limit(1000).fitting(["aa", "bbb", "c"], 8) == ["aa"]
    assert Limit(1000).fitting(["aa", "bbb", "c"], 9) == ["aa", "bbb"]


# How much starts


def scaled(*operations: CompiledOperation, upon: Sequence[Step] = ()) -> Scale:
    state, contact = desired("new", *operations), Contact("test", "main", T0 + timedelta(minutes=5))
    history = after(*upon)
    known = replace(world(history), answers=read(history, state, contact)) if upon else World()
    return previewed(state, known, contact, IDENTITY).scale


FLOW = (node(job("prepare", gpu=1)), node(job("fit", gpu=2), "prepare"), node(job("report"), "fit"))


@pytest.mark.parametrize(
    ("operations", "wanted"),
    [
        ([job(gpu=2)], Scale(1, 2)),
        ([job(), service(gpu=1)], Scale(2, 1)),
        ([dag("flow", *FLOW)], Scale(3, 3)),
        ([dag("outer", node(dag("inner", *FLOW)), node(job("last"), "inner"))], Scale(4, 3)),
        ([job(refused="there is no Spark here", gpu=1)], Scale()),
        ([], Scale()),
    ],
)
def test_what_starts_now_or_later_is_counted(operations, wanted):
    assert scaled(*operations) == wanted


def test_what_is_there_already_does_not_start():
    flow = dag("flow", *FLOW)
    ran = (push(flow), end("flow@g1/prepare#1", size=1), end("flow@g1/fit#1", size=1), end("flow@g1/report#1"), wait(1))
    assert scaled(flow, upon=ran) == Scale()
    changed = dag("flow", *FLOW[:2], node(job("report", "other"), "fit"))
    assert scaled(changed, upon=ran) == Scale(1, 0), "the rest is carried over"
