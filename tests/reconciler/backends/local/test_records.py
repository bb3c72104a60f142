"""What is read from records, /proc and log files: no process of ours takes part."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner import canon, keys
from planner.compile.template import compile_template, evaluate
from planner.model.gang import CodeTree
from planner.model.run import Observation, Phase, Stamp
from planner.model.status import StopReason
from reconciler import codec
from reconciler.backends import code, outputs
from reconciler.backends.captured import Follower
from reconciler.backends.local import groups, supervisor
from reconciler.backends.machine import account, ports, verdict
from reconciler.backends.machine.claims import Claims
from reconciler.backends.machine.verdict import ReplicaState
from reconciler.errors import Refused

pytestmark = pytest.mark.unit

GOLDEN = Path(__file__).parents[3] / "golden" / "run-contract"


# --- outputs ---


def test_outputs_are_read_as_the_run_contract_says():
    expected = json.loads((GOLDEN / "output.expected.json").read_text())
    found = outputs.parse((GOLDEN / "output.txt").read_bytes())
    assert found.values == expected["values"]
    assert list(found.bad) == expected["lines_with_problems"]


def nested(levels):
    return b'{"name": "a", "value": ' + b"[" * levels + b"1" + b"]" * levels + b"}"


HOSTILE_OUTPUTS = {
    "not-utf-8": (b"a=\xff\n", {}, (1,)),
    "deep": (b'{"name": "a", "value": ' + b"[" * 60_000 + b"\n", {}, (1,)),
    "long-number": (b'{"name": "a", "value": ' + b"9" * 10_000 + b"}\n", {}, (1,)),
    "long-line": (b"a=" + b"x" * 70_000 + b"\nb=1\n", {"b": "1"}, (1,)),
    "name-is-no-text": (b'{"name": 3, "value": 1}\n', {}, (1,)),
    "carriage-return": (b"a=1\r\n", {"a": "1"}, ()),
    "no-last-newline": (b"a=1\nb=2", {"a": "1", "b": "2"}, ()),
    "nothing": (b"", {}, ()),
    "zero-bytes": (b"\0\0\n", {}, (1,)),
    "beyond-floats": (b'{"name": "a", "value": [1e999, {"b": -1e999}]}', {"a": ["Infinity", {"b": "-Infinity"}]}, ()),
    "bare-words": (b'{"name": "a", "value": [NaN, Infinity, -Infinity]}', {"a": ["NaN", "Infinity", "-Infinity"]}, ()),
    "half-a-pair": (b'{"name": "a", "value": ["\\ud800"]}\nb=1', {"b": "1"}, (1,)),
    "half-a-pair-in-a-key": (b'{"name": "a", "value": {"\\udc00": 1}}', {}, (1,)),
    "a-whole-pair": (b'{"name": "a", "value": "\\ud83d\\ude00"}', {"a": "\U0001f600"}, ()),
    "as-deep-as-it-goes": (nested(100), {"a": json.loads("[" * 100 + "1" + "]" * 100)}, ()),
    "deeper-than-templates-go": (nested(101), {}, (1,)),
    "deeper-than-records-go": (nested(900), {}, (1,)),
    "wide-number": (b'{"name": "a", "value": %d}' % 2**512, {}, (1,)),
}


@pytest.mark.parametrize(("data", "values", "bad"), HOSTILE_OUTPUTS.values(), ids=HOSTILE_OUTPUTS.keys())
def test_hostile_outputs(data, values, bad):
    found = outputs.parse(data)
    assert (found.values, found.bad) == (values, bad)


def test_many_bad_lines_are_named_briefly():
    message = outputs.parse(b"bad\n" * 1000).message
    assert message == ("output file: line 1, 2, 3, 4, 5, … skipped, neither name=value nor JSON with name and value")


def test_values_that_nothing_can_carry_say_so():
    message = outputs.parse(b'bad\n{"name": "a", "value": "\\ud800"}\n' + nested(101)).message
    assert message == (
        "output file: line 1 skipped, neither name=value nor JSON with name and value; "
        "output file: line 2, 3 skipped, its value is nested over 100 levels, has a whole number over 512 bits or half "
        "of a surrogate pair"
    )


SIGNS = [
    "\\ud800",
    "\\udfff",
    "\\ud83d\\ude00",
    "\\u0000",
    '"',
    "[",
    "]",
    "{",
    "}",
    ":",
    ",",
    "1e999",
    "NaN",
    "9" * 400,
    "é",
]
VALUES = st.recursive(
    st.sampled_from(
        ["1", "-1e999", "NaN", "-Infinity", "null", "9" * 400, "1.5", '""', *map('"{}"'.format, SIGNS[:4])]
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]"),
        st.tuples(st.sampled_from(SIGNS[:4]), inner).map(lambda pair: f'{{"{pair[0]}":{pair[1]}}}'),
        st.tuples(inner, st.integers(95, 105)).map(lambda pair: "[" * pair[1] + pair[0] + "]" * pair[1]),
    ),
    max_leaves=6,
)
LINES = st.one_of(
    st.binary(max_size=40),
    st.lists(st.sampled_from(SIGNS)).map(lambda signs: "".join(signs).encode()),
    VALUES.map(lambda value: f'{{"name": "a", "value": {value}}}'.encode()),
)


@given(st.lists(LINES, max_size=5).map(b"\n".join))
@settings(max_examples=200, deadline=None)
def test_whatever_is_read_can_be_kept_and_used(data):
    found = outputs.parse(data)
    seen = Observation(keys.parse("train@g1#1"), Phase.RUNNING, outputs=found.values, message=found.message)
    assert codec.decode(Observation, codec.encode(seen)) == seen
    codec.encode(seen).encode()
    canon.digest(found.values)
    for value in found.values.values():
        assert evaluate(compile_template("{{ x }}"), {"x": value}) is not None or value is None


def test_half_a_line_at_the_cut_is_no_line():
    data = b"a=1\n" + b"b=" + b"x" * (1 << 20)
    found = outputs.parse(data)
    assert found.values == {"a": "1"}
    assert found.truncated


# --- verdict ---

RECORD = {
    "key": "train@g1#1",
    "stamp": {"ledger": "l", "sequence": 3, "instance": "i", "project": "p"},
    "decider": "main",
    "service": False,
    "replicas": [{"probe": None}],
    "made_at": 5.0,
}


def replica(role="main", index=0, *, end=None, **changed):
    return ReplicaState(f"{role}-{index}", role, **{"started_at": 10.0, "end": end, **changed})


def ended(code=0, reason="exited", *, stopped=False, at=20.0, message=""):
    return {"code": code, "reason": reason, "stopped": stopped, "at": at, "message": message}


NOT_STARTED = {"started_at": None}

PHASES = {
    "nobody-took-it": ([replica(**NOT_STARTED)], Phase.STARTING, False),
    "running": ([replica()], Phase.RUNNING, True),
    "half-of-it": ([replica(), replica(index=1, **NOT_STARTED)], Phase.RUNNING, False),
    "one-ended": ([replica(end=ended()), replica(index=1)], Phase.RUNNING, False),
    "ended": ([replica(end=ended())], Phase.ENDED, False),
    "never": ([], Phase.ENDED, False),
}


@pytest.mark.parametrize(("replicas", "phase", "ready"), PHASES.values(), ids=PHASES.keys())
def test_phases(replicas, phase, ready):
    found = verdict.observation(RECORD, replicas)
    assert (found.phase, found.ready) == (phase, ready)
    assert found.stamp == Stamp("l", 3, "i", "p")
    assert (found.ended_at is None) == (found.reason is None) == (phase is not Phase.ENDED)


SERVICES = {
    "no-probe-and-young": ({"steady": 1.0}, None, False, False),
    "no-probe-and-steady": ({"steady": 1.0}, None, True, True),
    "no-probe-in-an-older-claim": ({}, None, False, True),
    "silent": ({"steady": None}, {"port": 1}, False, False),
    "answers": ({"steady": None}, {"port": 1}, True, True),
}


@pytest.mark.parametrize(("claim", "probe", "marked", "ready"), SERVICES.values(), ids=SERVICES.keys())
def test_readiness_of_services(claim, probe, marked, ready):
    record = {**RECORD, **claim, "service": True, "replicas": [{"probe": probe}]}
    assert verdict.observation(record, [replica(ready=marked)]).ready is ready


OUTCOMES = {
    "success": ([replica(end=ended())], 0, StopReason.EXITED, ""),
    "stopped": ([replica(end=ended(143, stopped=True))], 143, StopReason.EXITED, ""),
    "timeout": ([replica(end=ended(137, "timeout", stopped=True))], 137, StopReason.TIMEOUT, ""),
    "lost": ([replica(end=ended(None, "lost"))], None, StopReason.LOST, ""),
    "node-lost": ([replica(end=ended(None, "node-lost"))], None, StopReason.NODE_LOST, ""),
    "never": ([], None, StopReason.EXITED, "stopped before it started"),
    "first-failure-counts": (
        [replica(end=ended(3, at=30.0)), replica("worker", 0, end=ended(4, at=20.0))],
        4,
        StopReason.EXITED,
        "worker-0: exit code 4",
    ),
    "what-was-stopped-did-not-fail": (
        [replica(end=ended(0)), replica("worker", 0, end=ended(143, stopped=True))],
        0,
        StopReason.EXITED,
        "",
    ),
    "a-timeout-of-one-is-a-timeout": (
        [replica(end=ended(143, stopped=True)), replica("worker", 0, end=ended(137, "timeout", stopped=True))],
        143,
        StopReason.TIMEOUT,
        "",
    ),
}


@pytest.mark.parametrize(("replicas", "code", "reason", "message"), OUTCOMES.values(), ids=OUTCOMES.keys())
def test_outcomes(replicas, code, reason, message):
    found = verdict.observation(RECORD, replicas)
    assert (found.exit_code, found.reason, found.message) == (code, reason, message)


def test_outputs_of_the_lower_index_count():
    first = replica(end=ended(), outputs=outputs.Outputs({"a": 1}))
    second = replica(index=1, end=ended(), outputs=outputs.Outputs({"a": 2, "b": 3}, bad=(4,)))
    other = replica("worker", 0, end=ended(), outputs=outputs.Outputs({"c": 5}))
    found = verdict.observation(RECORD, [first, second, other])
    assert found.outputs == {"a": 1, "b": 3}
    assert found.message.startswith("output file: line 4 skipped")


def test_instants_are_utc():
    found = verdict.observation(RECORD, [replica(end=ended(at=20.5))])
    assert found.started_at == datetime(1970, 1, 1, 0, 0, 10, tzinfo=UTC)
    assert found.ended_at == datetime(1970, 1, 1, 0, 0, 20, 500_000, tzinfo=UTC)


# --- durable records ---


def test_a_record_is_written_once(tmp_path):
    path = tmp_path / "x"
    assert supervisor.write_once(path, {"a": 1})
    assert not supervisor.write_once(path, {"a": 2})
    assert supervisor.read(path) == {"a": 1}
    supervisor.write_over(path, {"a": 3})
    assert supervisor.read(path) == {"a": 3}
    assert [entry.name for entry in tmp_path.iterdir()] == ["x"]


def test_a_shorter_grace_replaces_a_longer_one_only(tmp_path):
    claim = {"replicas": [{"name": "main-0"}]}
    for grace, kept in ((30.0, 30.0), (60.0, 30.0), (1.0, 1.0), (20.0, 1.0)):
        supervisor.request_stop(tmp_path, claim, grace)
        assert supervisor.read(tmp_path / "stop.json")["grace"] == kept


def test_a_process_name_with_brackets_is_read(tmp_path):
    found = supervisor.look(os.getpid())
    assert found is not None
    assert found[2] == os.getppid()
    assert supervisor.look(2**22 + 1) is None


def test_claims_of_two_projects_are_apart(tmp_path):
    one = Claims(tmp_path, Stamp("l", 1, "a/b", "c"))
    other = Claims(tmp_path, Stamp("l", 1, "a", "b/c"))
    assert one.scope != other.scope


# --- logs ---


def write_logs(folder, older, newer):
    path = folder / "main-0.log"
    if older is not None:
        (folder / "main-0.log.1").write_bytes(older)
    path.write_bytes(newer)
    return path


def read_all(follower):
    return b"".join(iter(follower.read, b""))


LONG = b"x" * 200_000 + b"\n"

TAILS = {
    "all": (b"1\n2\n", b"3\n4\n", None, b"1\n2\n3\n4\n"),
    "none": (b"1\n2\n", b"3\n4\n", 0, b""),
    "last": (b"1\n2\n", b"3\n4\n", 1, b"4\n"),
    "whole-file": (b"1\n2\n", b"3\n4\n", 2, b"3\n4\n"),
    "into-the-older": (b"1\n2\n", b"3\n4\n", 3, b"2\n3\n4\n"),
    "more-than-there-are": (b"1\n2\n", b"3\n4\n", 9, b"1\n2\n3\n4\n"),
    "half-line": (None, b"1\n2", 1, b"2"),
    "empty": (None, b"", 5, b""),
    "one-line-without-end": (None, b"x" * 300_000, 1, b"x" * 300_000),
    "long-lines": (None, LONG + LONG + b"end\n", 2, LONG + b"end\n"),
    "empty-lines": (None, b"a\n\n\n", 2, b"\n\n"),
    "binary": (None, b"\xff\0\r\n\xfe\n", 1, b"\xfe\n"),
    "block-border": (None, b"y" * 65_535 + b"\n" + b"z\n", 1, b"z\n"),
}


@pytest.mark.parametrize(("older", "newer", "tail", "expected"), TAILS.values(), ids=TAILS.keys())
def test_tails(tmp_path, older, newer, tail, expected):
    follower = Follower(write_logs(tmp_path, older, newer), tail)
    try:
        assert read_all(follower) == expected
    finally:
        follower.close()


def test_a_follower_goes_over_rotations(tmp_path):
    log = supervisor.Log(tmp_path / "main-0.log", 10)
    log.write(b"1234567\n")
    follower = Follower(tmp_path / "main-0.log", None)
    try:
        assert read_all(follower) == b"1234567\n"
        log.write(b"ab\n")  # rotates
        assert read_all(follower) == b"ab\n"
        log.write(b"cd\n")
        assert read_all(follower) == b"cd\n"
    finally:
        follower.close()
        os.close(log.fd)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["main-0.log", "main-0.log.1"]


def test_a_follower_waits_for_a_file(tmp_path):
    follower = Follower(tmp_path / "main-0.log", 3)
    assert read_all(follower) == b""
    write_logs(tmp_path, None, b"late\n")
    assert read_all(follower) == b"late\n"
    follower.close()


# --- ports ---


def test_listening_ports_are_read(tmp_path):
    head = "  sl  local_address rem_address   st\n"
    (tmp_path / "tcp").write_text(head + "   0: 0100007F:1F90 00000000:0000 0A\n   1: 0100007F:9C40 0100007F:1F90 01\n")
    (tmp_path / "tcp6").write_text(head + "   0: 00000000000000000000000000000000:0050 0:0000 0A 1 2\n\n")
    tables = (tmp_path / "tcp", tmp_path / "tcp6", tmp_path / "missing")
    assert ports.listening(tables) == {8080, 80}


# --- control groups ---


def proc(folder, cgroup, mounts="31 23 0:28 / {mount} rw - cgroup2 cgroup2 rw\n"):
    folder.mkdir()
    (folder / "cgroup").write_text(cgroup)
    (folder / "mountinfo").write_text(mounts.format(mount=folder / "fs"))
    return folder


def test_the_furthest_group_that_may_be_used_is_best(tmp_path):
    here = proc(tmp_path / "proc", "4:memory:/x\n0::/user.slice/one.service\n")
    allowed = [here / "fs", here / "fs/user.slice/one.service"]
    for folder in (here / "fs", here / "fs/user.slice", here / "fs/user.slice/one.service"):
        folder.mkdir(parents=True, exist_ok=True)
        if folder in allowed:
            (folder / "cgroup.procs").touch()
    found = groups.candidates("de/fault", tmp_path, here)
    name = Path(found[0]).name
    assert name.startswith("plumbline-de-fault-")
    assert found == tuple(str(folder / name) for folder in allowed)


@pytest.mark.parametrize(
    ("cgroup", "mounts"),
    [("1:memory:/x\n", "31 23 0:28 / /m rw - cgroup2 cgroup2 rw\n"), ("0::/\n", "31 23 0:28 / /m rw - cgroup c rw\n")],
    ids=["not-in-a-v2-group", "not-mounted"],
)
def test_no_group_without_cgroup_v2(tmp_path, cgroup, mounts):
    assert groups.candidates("i", tmp_path, proc(tmp_path / "proc", cgroup, mounts)) == ()


UNITS = {
    "service": ("0::/system.slice/plumbline.service\n", None, "plumbline.service"),
    "moved-away": ("0::/system.slice/plumbline.service\n", "/sys/fs/cgroup/plumbline-x", None),
    "hybrid": ("1:name=systemd:/system.slice/plumbline.service\n0::/\n", "/moved", "plumbline.service"),
    "session": ("0::/user.slice/user-0.slice/session-1.scope\n", None, None),
    "user-service": ("0::/user.slice/user@0.service/app.slice/p.service\n", None, "p.service"),
    "user-terminal": ("0::/user.slice/user@0.service/app.slice/term.scope\n", None, None),
    "root": ("0::/\n", None, None),
}


@pytest.mark.parametrize(("cgroup", "moved", "unit"), UNITS.values(), ids=UNITS.keys())
def test_units_that_would_kill_runs(tmp_path, cgroup, moved, unit):
    assert groups.killing_unit(moved, proc(tmp_path / "proc", cgroup)) == unit


def test_out_of_memory_is_told(tmp_path):
    group = tmp_path / "group"
    group.mkdir()
    (group / "memory.events").write_text("low 0\noom 1\noom_kill 2\n")
    assert supervisor.oom_kills(group) == 2
    assert supervisor.oom_kills(tmp_path) == 0


# --- code, accounts ---


def test_a_copy_does_not_follow_links_out_of_the_working_folder(tmp_path):
    work, outside, content = (tmp_path / name for name in ("work", "outside", "content"))
    for folder in (work, outside, content):
        folder.mkdir()
    (work / "link").symlink_to(outside)
    (content / "file").write_text("x")
    with pytest.raises(Refused, match="leads out of the working folder"):
        code.place(content, CodeTree("", "t", "link/deeper"), work)
    assert list(outside.iterdir()) == []


def test_a_file_without_a_target_keeps_its_name(tmp_path):
    work, content = tmp_path / "work", tmp_path / "content"
    work.mkdir()
    content.write_text("x")
    code.place(content, CodeTree("src/train.py", "b", ""), work)
    assert (work / "train.py").read_text() == "x"


def test_the_first_folder_that_blocks_a_user_is_named(tmp_path):
    stranger = account.Account(uid=4711, gid=4711, groups=(4711,), home="/", switched=True)
    closed = tmp_path / "closed"
    closed.mkdir()
    tmp_path.chmod(0o755)
    closed.chmod(0o700)
    blocked = stranger.blocked(closed / "runs")
    assert blocked is not None
    assert closed.is_relative_to(blocked)
