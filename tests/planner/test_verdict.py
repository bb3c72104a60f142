"""The status of a preview, the stale mark of its comment, and the comment once it is merged."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from planner.errors import Place, Problem
from planner.fold.commit import close_commit
from planner.model.commits import CommitRecord, StatusRecord, StatusState
from planner.model.plan import Action, Plan, Verb
from planner.publish import DESCRIPTION_LIMIT, preview_context
from planner.render.budget import GITEA, GITHUB, Limit, Unit
from planner.render.markdown import marker
from planner.render.outcome import Outcome, Ran, outcome_markdown
from planner.render.verdict import conflict, stale, verdict
from tests.planner.history import T0
from tests.planner.plans import COMMITS, OUTCOMES, comment, outcome, plan
from tests.planner.test_foreign import NASTY, page

pytestmark = pytest.mark.unit


def of(*verbs: Verb, **said: object) -> Plan:
    actions = tuple(Action(verb, f"r{number}", "job", "because") for number, verb in enumerate(verbs))
    return replace(Plan("a" * 40, "b" * 40, T0, actions), **said)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("verbs", "said"),
    [
        pytest.param((), "no operation changes", id="nothing"),
        pytest.param(
            (Verb.START, Verb.START, Verb.START, Verb.UPDATE), "3 start, 1 changes, nothing removed", id="some"
        ),
        pytest.param((Verb.START, Verb.SCHEDULE, Verb.WAIT), "1 starts, 2 change, nothing removed", id="other-counts"),
        pytest.param((Verb.REMOVE,), "1 removed", id="only-removed"),
    ],
)
def test_a_status_counts(verbs, said):
    assert verdict(of(*verbs)) == (type(verdict(of())))(StatusState.SUCCESS, said)


def test_what_is_wrong_comes_first_and_is_a_failure():
    problem = Problem("PL-101", "a mapping is not closed", Place("ops/broken.yaml", 3, 7))
    said = verdict(of(Verb.START, problems=(problem,)))
    assert said.state is StatusState.FAILURE
    assert said.description.startswith("1 problem: ops/broken.yaml:3:7")
    refused = verdict(of(Verb.REFUSE))
    assert (refused.state, refused.description) == (StatusState.FAILURE, "r0 cannot run here: because")


def test_what_is_held_comes_first():
    held = verdict(plan("held"))
    assert held.state is StatusState.SUCCESS
    assert "held for a person" in held.description.split(",", maxsplit=1)[0]


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        (("a.yaml",), "conflicts with the branch in a.yaml"),
        (("a.yaml", "b", "c"), "conflicts with the branch in a.yaml and 2 more"),
        (("x\n" * 400,), None),
    ],
)
def test_a_conflict_names_a_file_within_what_a_status_takes(paths, said):
    found = conflict(paths)
    assert found.state is StatusState.FAILURE
    assert len(found.description) <= DESCRIPTION_LIMIT
    assert "\n" not in found.description
    assert said is None or found.description == said


@pytest.mark.parametrize("name", COMMITS)
def test_a_stale_comment_says_so_below_its_verdict_and_is_ours_still(name):
    body = comment(name)
    marked = stale(body, "9" * 40)
    assert marked.startswith(f"{marker('prod')}\n### Plumbline plan")
    assert "The branch has moved on" in marked.split("\n\n")[1]
    assert marked.replace(marked.split("\n\n")[1] + "\n\n", "", 1) == body


@pytest.mark.parametrize("limit", [GITHUB, GITEA, Limit(4000), Limit(4000, Unit.BYTES)], ids=str)
def test_the_outcome_of_very_many_fits_and_counts_the_rest(limit):
    ran = [Ran(f"train-{number:04}", StatusState.SUCCESS, "done", values={"a": "x" * 500}) for number in range(2000)]
    said = outcome_markdown(Outcome("prod", "3" * 40, "4" * 40, T0, ran, limit))
    assert limit.size(said) <= limit.most
    assert "2000 done" in said
    assert "more did not fit here" in said


@pytest.mark.parametrize("name", OUTCOMES)
def test_an_outcome_is_final_when_all_of_it_is(name):
    assert ("and again soon" in outcome(name)) is (name == "under-way")


@given(NASTY)
def test_words_of_others_do_nothing_in_an_outcome(text):
    ran = Ran(text, StatusState.FAILURE, text, text, 1.0, {text: text}, {text: "was"})
    found = page(outcome_markdown(Outcome("prod", "3" * 40, "4" * 40, T0, (ran,))))
    assert not {"a", "img", "script", "em", "strong", "details", "h1", "h2"} & {*found.tags}
    assert found.tags.count("td") == 5
    assert found.tags.count("tr") == 2


def test_the_status_of_a_preview_closes_no_commit():
    commit = CommitRecord("a" * 40, "t", "main", T0)
    said = StatusRecord(commit.ident, preview_context("default"), "", StatusState.SUCCESS, "no operation changes", T0)
    assert close_commit(commit, said) == commit
