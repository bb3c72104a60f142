"""Processes that take shares of a large tree: the same result, whatever becomes of them."""

import io
import os
import pickle
import signal

import pytest
import structlog

from planner.compile import Cache, compile_tree, wanted
from planner.compile.share import unread
from reconciler import share, shares
from reconciler.compiling import check_schedule, compiled
from reconciler.shares import Shares
from tests.planner.compile.trees import given

pytestmark = pytest.mark.unit

COMPONENT = "version: 1.1\nkind: component\nname: c\nrun: {kind: job, container: {image: i}}\n"
FILES = {
    "lib/c.yaml": COMPONENT,
    **{f"ref-{n}.yaml": f"version: 1.1\nkind: operation\nname: ref-{n}\npathRef: lib/c.yaml\n" for n in range(3)},
    **{
        f"own-{n}.yaml": (
            f"version: 1.1\nkind: operation\nname: own-{n}\nschedule: {{kind: cron, cron: '0 0 30 2 *'}}\n"
            "component: {run: {kind: job, container: {image: i}}}\n"
        )
        for n in range(3)
    },
}


def run(asked, it, cache):
    asked.read(it, cache)
    assert not wanted(it, cache)
    asked.compile(it, cache)
    return compiled(it, cache)


def expected(it):
    return compile_tree(it, None, check_schedule)


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_the_result_is_that_of_one_process(processes):
    it, cache = given(FILES), Cache()
    with Shares(least=1, processes=processes) as asked:
        state = run(asked, it, cache)

    assert state == expected(it)
    assert {problem.code for problem in state.problems} == {"PL-503"}, "schedules are checked there too"


def test_what_others_did_is_not_done_again(monkeypatch):
    it, cache = given(FILES), Cache()
    with Shares(least=1, processes=2) as asked:
        asked.read(it, cache)
        assert unread(it, cache) == ()
        assert not wanted(it, cache)
        asked.compile(it, cache)
        keys = {key[0] for key, _ in cache.results.items()}
    assert keys == FILES.keys()


def test_a_small_tree_is_not_shared():
    it, cache = given(FILES), Cache()
    with Shares(least=len(FILES) + 1, processes=2) as asked:
        asked.read(it, cache)
        asked.compile(it, cache)
        assert asked._others == []
    assert set(unread(it, cache)) == FILES.keys()


@pytest.mark.parametrize("when", ["before it answers", "between the questions"])
def test_a_process_that_dies_costs_nothing_but_time(when, monkeypatch):
    it, cache = given(FILES), Cache()
    with structlog.testing.capture_logs() as logs, Shares(least=1, processes=2) as asked:
        if when == "before it answers":
            monkeypatch.setattr(shares, "_PROGRAM", "raise SystemExit(3)")
            asked.read(it, cache)
        else:
            asked.read(it, cache)
            (other,) = asked._others
            os.kill(other._process.pid, signal.SIGKILL)
            other._process.wait()
        assert not wanted(it, cache)
        asked.compile(it, cache)
        state = compiled(it, cache)

    assert state == expected(it)
    assert [line["event"] for line in logs][:1] == [
        "a process that took a share ended too early: its files are compiled here"
    ]


def test_processes_end_with_their_shares():
    it = given(FILES)
    with Shares(least=1, processes=3) as asked:
        asked.read(it, Cache())
        pids = [other._process.pid for other in asked._others]
    assert len(pids) == 2
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_one_that_nobody_asks_any_more_ends():
    with pytest.raises(EOFError):
        share.work(io.BytesIO(), io.BytesIO())


def test_it_answers_twice():
    it = given(FILES)
    further = share.Further([], {}, {})
    asked = io.BytesIO(pickle.dumps((it, tuple(FILES))) + pickle.dumps(further))
    answers = io.BytesIO()
    share.work(asked, answers)

    answers.seek(0)
    (part,) = map(pickle.loads, pickle.load(answers))
    assert {key[0] for key, _ in part.results} == {path for path in FILES if not path.startswith("ref")}
    assert {key[0] for key, _ in pickle.load(answers)} == {path for path in FILES if path.startswith("ref")}
    assert answers.read() == b""


@pytest.mark.parametrize(
    ("text", "most"),
    [("max 100000\n", 99), ("100000 100000\n", 1), ("350000 100000\n", 3), ("50000 100000\n", 1), ("odd", 99)],
)
def test_a_control_group_limits_them(text, most, tmp_path, monkeypatch):
    quota = tmp_path / "cpu.max"
    quota.write_text(text)
    monkeypatch.setattr(shares, "_QUOTA", quota)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(99)))

    assert shares._processors() == most
    quota.unlink()
    assert shares._processors() == 99
