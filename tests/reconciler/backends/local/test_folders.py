"""Folders beside the state: whose they are, what of a program's is never touched, and how what it left is removed."""

import os
import stat
from pathlib import Path

import pytest

from planner.model.run import Phase
from reconciler.backends.machine.removal import remove_tree
from reconciler.errors import Refused
from tests.contracts.backend import Script, phase

pytestmark = [pytest.mark.process, pytest.mark.anyio]


@pytest.fixture
def reachable(machine):
    """The machine, with folders that another user can pass; for tests of a daemon that is root."""
    if os.geteuid() != 0:
        pytest.skip("only root can change the user of runs")
    for folder in (machine.base, *machine.base.parents):
        if folder != Path("/"):
            folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
    return machine


async def ends(machine, backend, order):
    await backend.ensure(order)
    end = await phase(machine, backend, order.key, Phase.ENDED)
    assert end.exit_code == 0, end
    return end


def owned(path):
    facts = path.stat()
    return facts.st_uid, stat.S_IMODE(facts.st_mode)


# --- artifacts ---

LEADS_AWAY = 'rmdir "$PLUMBLINE_ARTIFACTS/outputs"; ln -s {secret} "$PLUMBLINE_ARTIFACTS/outputs"'


async def test_the_artifacts_of_another_user_are_refused_and_not_touched(reachable):
    """The user of the runs was changed, and the program of the old one left a symlink to a folder of root's."""
    secret = reachable.base / "secret"
    secret.mkdir(mode=0o755)
    before = owned(secret)
    first = reachable.shell("train", LEADS_AWAY.format(secret=secret))
    await ends(reachable, reachable.open(user="nobody"), first)
    later = reachable.open(user="daemon")
    with pytest.raises(Refused, match=r"/artifacts belongs to user nobody, and runs are user daemon now"):
        await later.ensure(reachable.shell("train", "true", attempt=2))
    assert owned(secret) == before
    await ends(reachable, later, reachable.shell("other", 'touch "$PLUMBLINE_ARTIFACTS/outputs/x"'))


async def test_artifacts_with_a_symlink_are_left_as_they_are(reachable):
    secret = reachable.base / "secret"
    secret.mkdir(mode=0o755)
    before = owned(secret)
    backend = reachable.open(user="nobody")
    await ends(reachable, backend, reachable.shell("train", LEADS_AWAY.format(secret=secret)))
    await ends(reachable, backend, reachable.shell("train", 'test -L "$PLUMBLINE_ARTIFACTS/outputs"', attempt=2))
    assert owned(secret) == before


async def test_artifacts_that_lead_elsewhere_are_refused(machine):
    backend = machine.open()
    order = machine.order("train", Script.SUCCEED)
    home = machine.settings.runs / order.key.run.dns_name("default", "demo")
    home.mkdir(parents=True)
    (home / "artifacts").symlink_to(machine.base)
    with pytest.raises(Refused, match="artifacts is no folder: remove it"):
        await backend.ensure(order)


async def test_a_run_folder_of_another_user_is_refused(reachable):
    backend = reachable.open()
    order = reachable.order("train", Script.SUCCEED)
    home = reachable.settings.runs / order.key.run.dns_name("default", "demo")
    home.mkdir(parents=True)
    os.chown(home, 4711, 4711)
    with pytest.raises(Refused, match="does not belong to the user of the daemon"):
        await backend.ensure(order)
    assert home.stat().st_uid == 4711


async def test_a_closed_umask_closes_nothing(reachable):
    before = os.umask(0o077)
    try:
        backend = reachable.open(user="nobody", runs=reachable.base / "missing" / "runs")
        await ends(reachable, backend, reachable.shell("train", 'touch x "$PLUMBLINE_ARTIFACTS/outputs/x"'))
    finally:
        os.umask(before)
    assert stat.S_IMODE((reachable.base / "missing" / "runs").stat().st_mode) == 0o711


# --- removal ---


def deep(top, levels, *, wide=1):
    """A tree with `levels` levels below `top`: deeper than any path reaches."""
    top.mkdir()
    folder = os.open(top, os.O_RDONLY)
    for _ in range(levels):
        for number in range(wide):
            os.close(os.open(f"file{number}", os.O_CREAT | os.O_WRONLY, dir_fd=folder))
            os.mkdir(f"d{number}", dir_fd=folder)
        below = os.open("d0", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = below
    os.close(folder)


@pytest.mark.parametrize(("levels", "wide"), [(0, 1), (1, 5), (3000, 1), (300, 3)])
def test_a_tree_of_any_depth_is_removed(tmp_path, levels, wide):
    deep(tmp_path / "work", levels, wide=wide)
    files = len(list(Path("/proc/self/fd").iterdir()))
    remove_tree(tmp_path / "work")
    assert list(tmp_path.iterdir()) == []
    assert len(list(Path("/proc/self/fd").iterdir())) == files


def test_removal_follows_no_symlink(tmp_path):
    outside, work = tmp_path / "outside", tmp_path / "work"
    (work / "below").mkdir(parents=True)
    outside.mkdir()
    (outside / "kept").touch()
    for place in (work / "link", work / "below" / "link", tmp_path / "top"):
        place.symlink_to(outside)
    remove_tree(work)
    remove_tree(tmp_path / "top")
    remove_tree(tmp_path / "missing")
    assert not work.exists()
    assert list(outside.iterdir()) == [outside / "kept"]


def test_folders_that_a_program_closed_are_removed(tmp_path):
    closed = tmp_path / "work" / "a" / "b"
    closed.mkdir(parents=True)
    (closed / "file").touch()
    for folder in (closed, closed.parent, closed.parent.parent):
        folder.chmod(0)
    remove_tree(tmp_path / "work")
    assert list(tmp_path.iterdir()) == []


async def test_a_run_that_left_a_deep_folder_is_cleaned(machine):
    backend = machine.open()
    order = machine.python(
        "deep", "import os\nfor _ in range(3000):\n    os.mkdir('d')\n    os.chdir('d')\nopen('up', 'w').close()\n"
    )
    await ends(machine, backend, order)
    await backend.clean(order.key)
    home = machine.settings.runs / order.key.run.dns_name("default", "demo")
    assert sorted(path.name for path in home.glob("a1-*/main-0/*")) == ["context.json", "io"]
    assert (await backend.observe()).objects == {}
