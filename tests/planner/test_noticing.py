"""Notices: who is told when a run has come to a status."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from planner.compile.digests import sealed
from planner.model.desired import CompiledOperation
from planner.model.notices import Notice
from planner.noticing import notices, told_of
from tests.planner.builders import dag, job, node
from tests.planner.history import History, Step, after, ask, end, push, wait

pytestmark = pytest.mark.unit


def telling(operation: CompiledOperation, *said: tuple[str | None, str]) -> CompiledOperation:
    """The operation with notifications, each a trigger and a connection."""
    entries = [{"connections": [name], **({"trigger": trigger} if trigger else {})} for trigger, name in said]
    plugins = {"plugins": {"notifications": entries}}
    changed = replace(operation, sections={**operation.sections, **plugins})
    return sealed(changed, {}, "")


def owed(step: Step, *given: Step, root: str = "train") -> list[Notice]:
    """What `step` owes after `given`."""
    history = after(*given)
    before = history.state(root)
    step(history)
    return _between(history, before, root)


def _between(history: History, before: object, root: str) -> list[Notice]:
    state = history.state(root)
    forms = {form.form: told_of(form) for form in history.forms.values()}
    return list(notices(before, state, tuple(state.runs), lambda run: forms[run.form], history.now))


def said(found: list[Notice]) -> list[str]:
    return [f"{one.connection}: {one.key} {one.trigger}, {one.status}" for one in found]


TRAIN = telling(job("train", retries=1), (None, "chat"), ("failed", "pager"), ("running", "screen"))

CASES: dict[str, tuple[Step, tuple[Step, ...], list[str]]] = {
    "a start": (push(TRAIN), (), ["screen: train@g1 running, running"]),
    "a success": (end("train@g1#1"), (push(TRAIN),), ["chat: train@g1 done, succeeded"]),
    "an attempt that is tried again": (end("train@g1#1", 1), (push(TRAIN),), []),
    "a failure": (
        end("train@g1#2", 1),
        (push(TRAIN), end("train@g1#1", 1), wait(1)),
        ["chat: train@g1 done, failed", "pager: train@g1 failed, failed"],
    ),
    "a stop": (ask("stop", "train"), (push(TRAIN),), ["chat: train@g1 done, stopped"]),
    "a tick or a request is a run like any other": (
        ask("run", "train"),
        (push(TRAIN), end("train@g1#1")),
        ["screen: train@req-q1 running, running"],
    ),
    "nobody is to be told": (end("train@g1#1"), (push(job("train")),), []),
}


@pytest.mark.parametrize(("step", "given", "expected"), CASES.values(), ids=CASES)
def test_a_status_is_told(step: Step, given: tuple[Step, ...], expected: list[str]) -> None:
    assert said(owed(step, *given)) == expected


def test_nodes_of_a_dag_and_the_dag_itself_are_told() -> None:
    flow = telling(dag("flow", node(telling(job("a"), ("succeeded", "chat"))), node("b", "a")), ("done", "pager"))
    given: list[Callable[[History], None]] = [push(flow)]

    assert said(owed(end("flow@g1/a#1"), *given, root="flow")) == ["chat: flow@g1/a succeeded, succeeded"]
    given.append(end("flow@g1/a#1"))
    assert said(owed(end("flow@g1/b#1", 1), *given, root="flow")) == ["pager: flow@g1 done, failed"]


def test_an_end_after_a_retry_is_another_notice() -> None:
    quick = telling(job("train"), ("failed", "chat"))
    first = owed(end("train@g1#1", 1), push(quick))
    second = owed(end("train@g1~1#1", 1), push(quick), end("train@g1#1", 1), ask("retry", "train"))

    assert [one.key.round for one in (*first, *second)] == [0, 1]
    assert owed(ask("retry", "train"), push(quick), end("train@g1#1", 1)) == []
    assert first[0].ident != second[0].ident


def test_a_dag_that_a_retry_brings_to_the_same_end_at_once_ends_twice() -> None:
    flow = telling(dag("flow", node("a"), node("b", "a")), ("failed", "pager"), ("running", "screen"))
    given = (push(flow), end("flow@g1/a#1", 1))

    notices = owed(ask("retry", "flow", key="flow@g1/b"), *given, root="flow")
    assert said(notices) == ["pager: flow@g1 failed, failed"]
    assert notices[0].ident != owed(given[1], given[0], root="flow")[0].ident


def test_what_is_carried_over_was_told_before() -> None:
    flow = telling(dag("flow", node(telling(job("a"), ("succeeded", "chat")))), ("started", "pager"))
    changed = telling(dag("flow", node(telling(job("a"), ("succeeded", "chat"))), node("b", "a")), ("started", "pager"))

    assert said(owed(push(changed), push(flow), end("flow@g1/a#1"), root="flow")) == []


def test_a_notice_says_what_a_person_must_know() -> None:
    quick = telling(job("train"), ("failed", "chat"))
    (notice,) = owed(end("train@g1#1", 3), push(quick))

    assert (notice.root, notice.kind, notice.status, notice.reason) == ("train", "job", "failed", "exit code 3")
    assert (notice.commit, notice.because) == ("c1", "new in the repository (commit c1)")
