"""What is read of a container that is removed meanwhile: each piece once, from the engine or from what was kept."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reconciler.backends.engine.client import Denied, Question
from reconciler.backends.engine.output import Output
from reconciler.backends.engine.status import Box, Stage
from reconciler.errors import Transient

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

SAID = b"one\ntwo\nthree\n"
BOX = Box("b0c5", {}, Stage.EXITED, started_at=1.0, ended_at=2.0, code=0)
REMOVING = Denied(500, "container b0c5 is being removed")
NOT_FRAMED = b'{"cause":"no such container","message":"no such container","response":500}\n'
ABSENT = Denied(404, "no such container")


def framed(text: bytes) -> bytes:
    return bytes([1, 0, 0, 0]) + len(text).to_bytes(4, "big") + text


@dataclass
class Removing:
    """An engine in which a container goes: what it says of it, and how reading its output ends."""

    looks: Box | Exception | None
    pieces: Sequence[bytes] = ()
    ends: Exception | None = None
    called: str = "box"
    record: dict[str, Any] = field(default_factory=dict)

    async def look(self, called: str) -> Box | None:
        assert called == self.called
        if isinstance(self.looks, Exception):
            raise self.looks
        return self.looks

    @contextlib.asynccontextmanager
    async def stream(self, question: Question) -> AsyncIterator[AsyncIterator[bytes]]:
        assert question.path == f"/containers/{BOX.id}/logs"

        async def read() -> AsyncIterator[bytes]:
            for piece in self.pieces:
                yield piece if piece == NOT_FRAMED else framed(piece)
            if self.ends is not None:
                raise self.ends

        yield read()


@pytest.fixture
def log(tmp_path) -> Path:
    path = tmp_path / "main-0.log"
    path.write_bytes(SAID)
    (tmp_path / "main-1.log").write_bytes(b"of another replica\n")
    return path


async def read(engine: Removing, log: Path, tail: int | None = None) -> bytes:
    async def over() -> bool:
        return True

    engine.record["log"] = str(log)
    output: Any = Output(engine, engine, cap=1 << 20)  # type: ignore[arg-type]
    return b"".join([piece async for piece in output.pieces(engine, follow=False, tail=tail, over=over)])


@pytest.mark.parametrize(
    "engine",
    [
        Removing(None),
        Removing(Transient("the engine cannot look at container box")),
        Removing(BOX, ends=ABSENT),
        Removing(BOX, ends=REMOVING),
        Removing(BOX, [b"one\n", b"tw"], ends=Transient("cut off")),
        Removing(BOX, [NOT_FRAMED]),
        Removing(BOX, [b"one\n", NOT_FRAMED]),
        Removing(BOX, [SAID]),
    ],
    ids=["gone", "no-look", "gone-after-the-look", "being-removed", "cut-off", "no-frame", "a-frame-and-none", "there"],
)
async def test_each_byte_is_given_once(engine, log):
    assert await read(engine, log) == SAID


@pytest.mark.parametrize("ends", [ABSENT, REMOVING])
async def test_the_last_lines_are_those_of_what_was_kept(ends, log):
    assert await read(Removing(BOX, ends=ends), log, tail=1) == b"three\n"


async def test_last_lines_that_are_cut_off_are_not_begun_anew(log):
    with pytest.raises(Transient, match="cut off"):
        await read(Removing(BOX, [b"thr"], ends=Transient("cut off")), log, tail=1)


async def test_an_engine_that_cannot_say_is_a_reason_where_nothing_was_kept(tmp_path):
    with pytest.raises(Transient, match="is being removed"):
        await read(Removing(BOX, ends=REMOVING), tmp_path / "main-0.log")
    assert await read(Removing(None), tmp_path / "main-0.log") == b""


@pytest.mark.parametrize(("pieces", "kept"), [((), SAID), ((b"four\n",), b"four\n")])
async def test_what_was_kept_of_a_container_stays_when_it_is_gone(pieces, kept, log):
    engine = Removing(BOX, pieces, ends=ABSENT)
    engine.record["log"] = str(log)
    output: Any = Output(engine, engine, cap=1 << 20)  # type: ignore[arg-type]
    await output.keep(engine, BOX)
    assert log.read_bytes() == kept
    assert sorted(path.name for path in log.parent.iterdir()) == ["main-0.log", "main-1.log"]
