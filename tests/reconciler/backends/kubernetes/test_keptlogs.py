"""Logs of pods are kept whole or not at all, by whoever is first."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import anyio
import anyio.lowlevel
import pytest

from reconciler.backends.kubernetes.keptlogs import KeptLogs
from reconciler.errors import Transient

pytestmark = [pytest.mark.unit, pytest.mark.anyio]


@dataclass
class Log:
    """The log of a pod that breaks off, where it does."""

    data: bytes
    pod: str = "train-1-x"
    breaks: bool = False

    async def pieces(self, **_: object) -> AsyncIterator[bytes]:
        for start in range(0, len(self.data), 4):
            await anyio.lowlevel.checkpoint()
            yield self.data[start : start + 4]
        if self.breaks:
            raise Transient("the node is away")


async def test_two_at_once_keep_it_once_and_whole(tmp_path):
    kept = KeptLogs(tmp_path / "logs", 1 << 20)
    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(kept.keep, "train-1", [Log(b"one\ntwo\nthree\n")])
    assert [path.name for path in (tmp_path / "logs").iterdir()] == ["train-1"]
    assert (kept.folder("train-1") / "train-1-x.log").read_bytes() == b"one\ntwo\nthree\n"


async def test_what_breaks_off_leaves_nothing(tmp_path):
    kept = KeptLogs(tmp_path / "logs", 1 << 20)
    with pytest.raises(Transient, match="the node is away"):
        await kept.keep("train-1", [Log(b"one\n", breaks=True)])
    assert not await kept.has("train-1")
    assert list((tmp_path / "logs").iterdir()) == []


async def test_a_long_one_keeps_its_end(tmp_path):
    kept = KeptLogs(tmp_path / "logs", 8)
    await kept.keep("train-1", [Log(b"0123456789abcdefghij")])
    files = {path.name: path.read_bytes() for path in kept.folder("train-1").iterdir()}
    assert files == {"train-1-x.log": b"ghij", "train-1-x.log.1": b"89abcdef"}
