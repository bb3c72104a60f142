"""What a commit's record says later is what its plan said before, word by word."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from planner.decided import decided
from planner.guard import Budgets
from planner.model.commits import Change, What
from planner.model.plan import Verb
from planner.target import Contact, plan_commit
from tests.planner.builders import desired, job
from tests.planner.history import T0, after, done, push, wait
from tests.planner.plans import COMMITS, PULLS, RAN, plan

pytestmark = pytest.mark.unit


def changes(name: str) -> tuple[tuple[Change, ...], dict]:
    """What planning one of `COMMITS` records, and the forms that it names."""
    history, state = after(*RAN), COMMITS[name]
    contact = Contact("test", "main", T0 + timedelta(minutes=5), Budgets(starts=9 if name != "held" else 1))
    found = plan_commit(state, done(history.ledger.roots()), contact).changes
    return found, {**history.forms, **{operation.form: operation for operation in state.roots.values()}}


@pytest.mark.parametrize("name", COMMITS)
def test_the_record_says_what_the_plan_said(name):
    found, forms = changes(name)
    said = {action.root: action for action in plan(name).actions}
    told = {one.root for one in found if one.what is not What.INVALID}
    assert told == said.keys()
    for change in found:
        if change.what is What.INVALID:
            assert decided(change, forms) is None
            continue
        action = said[change.root]
        advanced = change.what is not What.LIVE or action.verb is Verb.START
        # What it does to trials and runs is told by its effects; the rest is for the table of a comment.
        expected = replace(action, sweeps=(), stops=0)
        assert decided(change, forms, action.effects, advanced=advanced) == expected


def test_the_plans_have_every_kind_of_change():
    assert {one.what for name in COMMITS for one in changes(name)[0]} == set(What)


@pytest.mark.parametrize("gone", ["before", "form"])
@pytest.mark.parametrize("name", COMMITS)
def test_what_is_not_kept_is_not_guessed(name, gone):
    found, forms = changes(name)
    for change in found:
        left = {digest: form for digest, form in forms.items() if digest != getattr(change, gone)}
        action = decided(change, left)
        if change.what is What.INVALID or (gone == "form" and change.what is not What.REMOVED):
            assert action is None
        else:
            assert action is not None
            assert action.changes == ()


def test_a_renamed_operation_has_its_name_of_before():
    found, forms = changes("every-verb")
    (change,) = [one for one in found if one.was]
    assert (change.root, change.was) == ("new-name", "old-name")
    assert decided(change, forms).because == "renamed; its name was old-name"


def test_a_commit_that_changes_very_many_keeps_no_forms():
    _, state = PULLS["many"]
    few = plan_commit(state, {}, Contact("test", "main", T0, Budgets(starts=9_000))).changes
    assert all(one.form for one in few)
    many = desired("d" * 40, *(job(f"j{number}", "do") for number in range(501)))
    found = plan_commit(many, {}, Contact("test", "main", T0, Budgets(starts=9_000))).changes
    assert len(found) == 501
    assert {(one.before, one.form, one.was) for one in found} == {("", "", "")}


def test_what_an_older_version_recorded_is_told_no_more():
    _, forms = changes("every-verb")
    assert decided(Change("train", What.CHANGED), forms) is None
    assert decided(Change("gone", What.REMOVED), forms).because == "not in the repository any more"


def test_planning_a_commit_again_records_the_same():
    history = after(push(job("train", "fit")), wait(minutes=1))
    state = desired("c" * 40, job("train", "fit --more"))
    contact = Contact("test", "main", history.now, Budgets())
    first = plan_commit(state, done(history.ledger.roots()), contact).changes
    again = plan_commit(state, done(history.ledger.roots()), replace(contact, again=True)).changes
    assert first == again
