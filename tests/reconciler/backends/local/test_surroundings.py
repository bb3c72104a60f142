"""What a program finds: variables, descriptors, folders, rights, code, context."""

import json
import os
import pwd
import stat
import sys
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from planner.model.gang import CodeTree, Container, Replica
from planner.model.run import Leases, Phase
from reconciler.backends.local import Containment
from reconciler.errors import Refused, Unusable
from tests.contracts.backend import Script, phase, until
from tests.reconciler.backends.local.support import OWNER, Machine, regang

pytestmark = [pytest.mark.process, pytest.mark.anyio]

DUMP = """
import json, os, resource
print(json.dumps({
    "env": dict(os.environ),
    "fds": {fd: os.readlink(f"/proc/self/fd/{fd}") for fd in range(1000) if os.path.exists(f"/proc/self/fd/{fd}")},
    "cwd": os.getcwd(),
    "mode": oct(os.stat(".").st_mode & 0o7777),
    "umask": [line.split()[1] for line in open("/proc/self/status") if line.startswith("Umask")][0],
    "privileges": [line.split()[1] for line in open("/proc/self/status") if line.startswith("NoNewPrivs")][0],
    "core": resource.getrlimit(resource.RLIMIT_CORE),
    "session": os.getsid(0) == os.getpid(),
    "user": [os.getuid(), os.getgid(), os.getgroups()],
    "mask": [line.split()[1] for line in open("/proc/self/status") if line.startswith(("SigBlk", "SigIgn"))],
}))
"""


async def run(machine, backend, order):
    """Run an order to its end and return what it printed."""
    await backend.ensure(order)
    end = await phase(machine, backend, order.key, Phase.ENDED)
    printed = b"".join([chunk async for chunk in backend.logs(order.key)]).decode()
    assert end.exit_code == 0, (end, printed)
    return printed


def containing(order, **changed):
    """`order` with fields of its only container changed."""
    (group,) = order.run.gang.replicas
    return regang(order, replicas=(replace(group, container=replace(group.container, **changed)),))


async def test_nothing_of_the_daemon_reaches_a_run(machine, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_DAEMON", "canary")
    read, write = os.pipe()
    os.set_inheritable(write, True)
    try:
        order = containing(machine.python("dump", DUMP), env={"MINE": "yes", "PLUMBLINE_RUN": "forged"})
        found = json.loads(await run(machine, machine.open(env={"NAMED": "by configuration"}), order))
    finally:
        os.close(read)
        os.close(write)
    contract = {name for name in found["env"] if name.startswith("PLUMBLINE_")}
    shell = {"PWD", "OLDPWD", "SHLVL", "_", "LC_CTYPE"}  # set by the shell and the interpreter themselves
    named = {"PATH", "HOME", "LANG", "PYTHONPATH", "NAMED", "MINE"}
    traced = {f"POLYAXON_{name}" for name in ("IS_OFFLINE", "IS_MANAGED", "OFFLINE_ROOT", "RUN_INSTANCE")}
    assert set(found["env"]) - shell == contract | named | traced
    assert contract == {
        "PLUMBLINE_ARTIFACTS",
        "PLUMBLINE_CLAIM",
        "PLUMBLINE_COMMIT",
        "PLUMBLINE_CONTEXT",
        "PLUMBLINE_METRICS",
        "PLUMBLINE_OUTPUT",
        "PLUMBLINE_PROJECT",
        "PLUMBLINE_RUN",
    }
    assert found["env"]["PLUMBLINE_RUN"] == "dump@g1"
    assert found["env"]["PATH"].split(":")[0] == str(Path(sys.executable).parent)
    fds = found["fds"]
    assert sorted(fds) == ["0", "1", "2"]
    assert fds["0"] == "/dev/null"
    assert fds["1"] == fds["2"]
    assert (found["mode"], found["umask"], found["privileges"]) == ("0o700", "0077", "1")
    assert found["core"] == [0, 0]
    assert found["session"]
    assert found["mask"][0] == "0000000000000000"


async def test_the_context_file_is_complete(machine):
    order = machine.shell("train", 'cat "$PLUMBLINE_CONTEXT"')
    order = replace(
        order,
        leases=Leases(ports=(20123,)),
        run=replace(order.run, commit="c0ffee", context={"params": {"lr": 0.1}, "globals": {"name": "train"}}),
    )
    backend = machine.open()
    found = json.loads(await run(machine, backend, order))
    home = machine.settings.runs / order.key.run.dns_name("default", "demo")
    assert found == {
        "schema": "plumbline.context/1",
        "run": {
            "key": "train@g1",
            "id": order.key.short_id("default", "demo"),
            "project": "demo",
            "instance": "default",
            "commit": "c0ffee",
            "root": "train",
            "attempt": 1,
            "kind": "job",
        },
        "globals": {"name": "train", **backend.knows(order)},
        "params": {"lr": 0.1},
        "inputs": {},
        "upstream": {},
        "replica": {"role": "main", "index": 0, "count": 1},
        "ports": [20123],
        "artifacts": str(home / "artifacts"),
    }
    assert found["globals"]["run_outputs_path"] == str(home / "artifacts" / "outputs")


async def test_the_tracking_file_can_be_imported(machine):
    text = "import plumbline_tracking as run; run.output('answer', 42); print(run.run_key())"
    order = machine.shell("train", f'exec python -c "{text}"')
    backend = machine.open()
    assert await run(machine, backend, order) == "train@g1\n"
    assert (await phase(machine, backend, order.key, Phase.ENDED)).outputs == {"answer": 42}


async def test_python_looks_where_the_spec_and_the_configuration_say(machine):
    backend = machine.open(env={"PYTHONPATH": "/of/the/machine"})
    own = containing(machine.shell("own", "echo $PYTHONPATH"), env={"PYTHONPATH": "/mine"})
    lib, *others = (await run(machine, backend, own)).strip().split(":")
    assert lib.endswith("/main-0/lib")
    assert others == ["/mine", "/of/the/machine"]
    bare = machine.shell("bare", "echo $PYTHONPATH")
    assert (await run(machine, backend, bare)).strip().split(":")[1:] == ["/of/the/machine"]


async def test_artifacts_are_the_runs_and_not_the_attempts(machine):
    backend = machine.open()
    first = machine.shell("train", 'echo kept > "$PLUMBLINE_ARTIFACTS/outputs/model"; echo gone > scratch')
    await run(machine, backend, first)
    second = machine.shell("train", 'cat "$PLUMBLINE_ARTIFACTS/outputs/model"; ls', attempt=2)
    assert await run(machine, backend, second) == "kept\n"


async def test_an_image_names_an_environment(machine):
    tools = machine.base / "tools" / "bin"
    tools.mkdir(parents=True)
    (tools / "hello").write_text("#!/bin/sh\necho from the environment\n")
    (tools / "hello").chmod(0o755)
    order = containing(machine.shell("train", "hello"), image="ml:1")
    backend = machine.open(environments={"ml:1": tools.parent})
    assert await run(machine, backend, order) == "from the environment\n"


async def test_slots_are_shared_out(machine):
    text = 'echo "$CUDA_VISIBLE_DEVICES $PLUMBLINE_SLOT_LICENCE_A"'
    order = machine.shell("train", text)
    (group,) = order.run.gang.replicas
    container = replace(group.container, resources={"nvidia.com/gpu": "2", "licence-a": "1", "cpu": "500m"})
    order = regang(order, replicas=(Replica("main", 2, container),))
    order = replace(order, leases=Leases(slots={"nvidia.com/gpu": (0, 1, 4, 5), "licence-a": (7, 8)}))
    backend = machine.open(slots={"nvidia.com/gpu": 8})
    assert await run(machine, backend, order) == "==> main-0 <==\n0,1 7\n==> main-1 <==\n4,5 8\n"
    alone = machine.shell("alone", 'echo "[$CUDA_VISIBLE_DEVICES]"')
    assert await run(machine, backend, alone) == "[]\n"


async def test_code_is_copied_for_each_run(machine):
    repository = machine.base / "repository"
    (repository / "lib").mkdir(parents=True)
    (repository / "train.sh").write_text("#!/bin/sh\ncat lib/value; echo changed > lib/value; rm train.sh\n")
    (repository / "train.sh").chmod(0o755)
    (repository / "lib" / "value").write_text("original\n")
    (repository / "link").symlink_to("lib/value")
    machine.trees.known = {"tree": repository, "blob": repository / "lib" / "value"}
    code = (CodeTree("", "tree", ""), CodeTree("lib/value", "blob", "copy/value"))
    backend = machine.open()
    for attempt in (1, 2):
        order = machine.shell("train", "cat link copy/value; ./train.sh; stat -c %a link lib/value", attempt=attempt)
        assert await run(machine, backend, regang(order, code=code)) == "original\noriginal\noriginal\n777\n600\n"
    assert machine.trees.exports == 2


async def test_the_exec_bit_of_a_file_is_its_own(machine):
    for name, mode in (("plain", 0o644), ("program", 0o755)):
        (machine.base / name).write_text("#!/bin/sh\necho ran\n")
        (machine.base / name).chmod(mode)
    backend = machine.open()
    for name, executable in (("plain", False), ("program", True)):
        machine.trees.known = {"blob": machine.base / name}
        tree = CodeTree(name, "blob", "file", is_file=True, executable=executable)
        order = regang(machine.shell(name, "./file || echo not allowed"), code=(tree,))
        printed = await run(machine, backend, order)
        assert printed.splitlines()[-1] == ("ran" if executable else "not allowed")


async def test_the_working_folder_goes_when_it_is_cleaned(machine):
    backend = machine.open()
    order = machine.shell(
        "train", "echo x > work; echo a=1 >> $PLUMBLINE_OUTPUT; echo m > $PLUMBLINE_ARTIFACTS/outputs/m"
    )
    await run(machine, backend, order)
    await backend.clean(order.key)
    home = machine.settings.runs / order.key.run.dns_name("default", "demo")
    left = sorted(path.name for path in home.glob("**/*") if path.is_file())
    assert left == ["artifacts-1.json", "context.json", "m", "output"]
    claim = machine.claim(order)
    assert sorted(path.name for path in claim.iterdir()) == ["claim.json", "cleaned", "main-0.start"]
    assert "env" not in (claim / "claim.json").read_text()


WORKING = [("", "work"), ("sub", "work/sub"), ("/", "/")]


@pytest.mark.parametrize(("folder", "end"), WORKING, ids=["default", "relative", "absolute"])
async def test_working_dir(machine, folder, end):
    machine.trees.known = {"tree": machine.base / "code"}
    (machine.base / "code" / "sub").mkdir(parents=True)
    order = regang(containing(machine.shell("train", "pwd"), working_dir=folder), code=(CodeTree("", "tree", ""),))
    assert (await run(machine, machine.open(), order)).strip().endswith(end)


async def test_a_missing_working_dir_says_so(machine):
    backend = machine.open()
    order = containing(machine.shell("train", "pwd"), working_dir="nowhere")
    await backend.ensure(order)
    end = await phase(machine, backend, order.key, Phase.ENDED)
    assert end.exit_code == 127
    assert end.message == "cannot enter the working folder: No such file or directory"


# --- outputs lie where the program decides ---

TRICKS = {
    "symlink": 'rm -f "$PLUMBLINE_OUTPUT"; ln -s {secret} "$PLUMBLINE_OUTPUT"',
    "hard-link": 'rm -f "$PLUMBLINE_OUTPUT"; ln {secret} "$PLUMBLINE_OUTPUT"',
    "pipe": 'rm -f "$PLUMBLINE_OUTPUT"; mkfifo "$PLUMBLINE_OUTPUT"',
    "folder": 'rm -f "$PLUMBLINE_OUTPUT"; mkdir "$PLUMBLINE_OUTPUT"',
}


@pytest.mark.parametrize("trick", TRICKS.values(), ids=TRICKS.keys())
async def test_only_a_plain_output_file_is_read(machine, trick):
    secret = machine.base / "secret"
    secret.write_text("secret=canary\n")
    backend = machine.open()
    order = machine.shell("train", trick.format(secret=secret))
    await backend.ensure(order)
    assert (await phase(machine, backend, order.key, Phase.ENDED)).outputs == {}


async def test_a_huge_output_file_is_cut(machine):
    backend = machine.open()
    order = machine.shell(
        "train", 'echo first=1 >> $PLUMBLINE_OUTPUT; yes x=y | head -c 3000000 >> "$PLUMBLINE_OUTPUT"'
    )
    await backend.ensure(order)
    end = await phase(machine, backend, order.key, Phase.ENDED)
    assert end.outputs == {"first": "1", "x": "y"}
    assert end.message == "output file: only the first 1 MiB counts"


# --- users ---


async def test_runs_run_as_the_user_of_the_configuration(machine):
    if os.geteuid() != 0:
        with pytest.raises(Unusable, match="only a daemon that is root"):
            machine.open(user="nobody")
        return
    for folder in (machine.base, *machine.base.parents):
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
    machine.trees.known = {"tree": machine.base / "code"}
    (machine.base / "code").mkdir()
    (machine.base / "code" / "file").write_text("content\n")
    text = """
        id -un; cat file; echo x > new; touch $PLUMBLINE_ARTIFACTS/outputs/m
        echo a=1 >> $PLUMBLINE_OUTPUT; test -r "$PLUMBLINE_CONTEXT"; echo $HOME"""
    order = regang(machine.shell("train", text), code=(CodeTree("", "tree", ""),))
    backend = machine.open(user="nobody", allow_root=False)
    home = pwd.getpwnam("nobody").pw_dir
    assert await run(machine, backend, order) == f"nobody\ncontent\n{home}\n"
    assert (await phase(machine, backend, order.key, Phase.ENDED)).outputs == {"a": "1"}
    denied = machine.shell(
        "other",
        f"ls {machine.settings.root} {machine.settings.runs}/.trees {machine.settings.runs} 2>&1 | grep -c denied",
    )
    assert await run(machine, backend, denied) == "3\n"
    assert [said for said in backend.warnings() if "working folders" in said] == []


async def test_a_user_that_cannot_reach_the_runs_is_warned_of(machine):
    (machine.base / "closed").mkdir(mode=0o700)
    if os.geteuid() != 0:
        with pytest.raises(Unusable, match="only a daemon that is root"):
            machine.open(user="nobody")
        return
    backend = machine.open(user="nobody", runs=machine.base / "closed" / "runs")
    await backend.open()
    assert any(str(machine.base) in warning and "nobody" in warning for warning in backend.warnings())


# --- refusals ---


def two_alike(order):
    (group,) = order.run.gang.replicas
    return regang(order, replicas=(group, group))


REFUSALS = {
    "no-command": (
        lambda order: containing(order, command=(), image="tool:1"),
        "the local backend runs processes and needs a command for main; it names only the image tool:1",
    ),
    "target-above": (
        lambda order: regang(order, code=(CodeTree("", "tree", "../other"),)),
        "code target '../other' leads out of the working folder",
    ),
    "absolute-target": (
        lambda order: regang(order, code=(CodeTree("", "tree", "/etc"),)),
        "code target '/etc' leads out of the working folder",
    ),
    "no-decider": (
        lambda order: regang(order, decider="chief"),
        "no replica has the role 'chief', whose exit decides the outcome",
    ),
    "replicas-with-one-port": (
        lambda order: replace(
            regang(order, replicas=(replace(order.run.gang.replicas[0], count=2),)), leases=Leases(ports=(8080,))
        ),
        "all replicas would listen on the same port of this machine: set run.replicas to 1, or declare no run.ports",
    ),
    "same-role": (two_alike, "two replica groups have the same role"),
    "role-as-path": (
        lambda order: regang(order, replicas=(Replica("../x", 1, Container(command=("x",))),), decider="../x"),
        "role '../x' cannot name a folder",
    ),
}


@pytest.mark.parametrize(("change", "message"), REFUSALS.values(), ids=REFUSALS.keys())
async def test_refusals(machine, change, message):
    backend = machine.open()
    order = change(machine.order("train", Script.SUCCEED))
    with pytest.raises(Refused) as caught:
        await backend.ensure(order)
    assert caught.value.message == message
    assert (await backend.observe()).objects == {}
    assert list((machine.settings.root / "making").iterdir()) == []


async def test_overlapping_code_is_refused_and_leaves_nothing(machine):
    machine.trees.known = {"tree": machine.base / "code", "blob": machine.base / "code" / "link"}
    (machine.base / "code").mkdir()
    (machine.base / "code" / "link").symlink_to("other")
    (machine.base / "code" / "other").write_text("x")
    backend = machine.open()
    order = regang(machine.shell("train", "true"), code=(CodeTree("", "tree", ""), CodeTree("", "tree", "")))
    with pytest.raises(Refused, match="overlaps with another one"):
        await backend.ensure(order)
    assert (await backend.observe()).objects == {}
    assert not list(machine.settings.runs.glob("*/a1-*"))


async def test_an_order_of_another_project_is_a_bug(machine):
    order = machine.order("train", Script.SUCCEED)
    with pytest.raises(ValueError, match="an order of default/other at default/demo"):
        await machine.open().ensure(replace(order, stamp=replace(OWNER, project="other")))


def test_a_daemon_that_is_root_needs_leave(machine, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(Unusable, match=r"set backends\.local\.user"):
        machine.open(allow_root=False)


UNUSABLE = {
    "unknown-user": ({"user": "no-such-user"}, "no user of this machine"),
    "missing-environment": ({"environments": {"ml": Path("/nowhere/env")}}, "maps 'ml' to /nowhere/env"),
    "relative-root": ({"root": Path("state")}, "backends.local.root must be an absolute path"),
}


@pytest.mark.parametrize(("changed", "message"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_settings_that_cannot_be_used(machine, changed, message):
    with pytest.raises(Unusable, match=message):
        machine.open(**changed)


def test_another_user_needs_root(machine, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    with pytest.raises(Unusable, match="only a daemon that is root"):
        machine.open(user="nobody")


async def test_the_state_is_private(machine):
    backend = machine.open()
    await run(machine, backend, machine.order("train", Script.SUCCEED))
    assert stat.S_IMODE(machine.settings.root.stat().st_mode) == 0o700
    open_to_others = [
        path
        for path in machine.settings.root.glob("**/*")
        if not path.is_socket() and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    assert open_to_others == []


async def test_long_paths_are_no_limit(machine):
    deep = machine.base / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    far = Machine(deep, Containment.AUTO)
    backend = far.open()
    order = far.order("train", Script.FOREVER)
    heard = set()

    async def listen():
        async for key in backend.changes():
            heard.add(key)

    async with anyio.create_task_group() as tasks:
        await backend.ensure(order)
        await phase(far, backend, order.key, Phase.RUNNING)
        tasks.start_soon(listen)
        await until(far, lambda: list(far.settings.root.glob("listen/*")))
        await backend.stop(order.key, 5.0)
        await until(far, lambda: order.key in heard)
        await phase(far, backend, order.key, Phase.ENDED)
        await backend.close()
    assert heard == {order.key}
    assert far.shut_down() == []
