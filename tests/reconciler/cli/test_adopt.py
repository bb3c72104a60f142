"""`plumbline adopt`: what is there is shown first, and removed only when it is said."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reconciler.ports_adopt import Left
from tests.reconciler.api.support import World
from tests.reconciler.cli.support import daemon

pytestmark = pytest.mark.process

LEFT = (
    Left("ledger-of-before", "train@g1#1", "Job ml/train-1", "running"),
    Left("", "", "Job ml/odd", "ended"),
)


@dataclass
class Adoption:
    """Has things that are gone after a few looks from when they are removed."""

    there: list[Left]
    removed: list[Left] = field(default_factory=list)

    async def left(self) -> Sequence[Left]:
        found = list(self.there)
        if self.removed and self.there:
            self.there.pop()
        return found

    async def remove(self, told: Sequence[Left]) -> None:
        self.removed += told


def test_it_shows_and_then_removes(tmp_path: Path) -> None:
    world, adoption = World(), Adoption(list(LEFT))
    world.backend.adoption = adoption  # type: ignore[attr-defined]
    with daemon(world, tmp_path / "state") as shell:
        shown = shell("adopt", code=1).stdout
        assert "train@g1#1  running  Job ml/train-1  ledger-of-be" in shown
        assert "1 ended, 1 running; plumbline adopt --yes ends and removes all of it, with its logs" in shown
        assert not adoption.removed
        done = shell("adopt", "--yes")
        assert done.stdout.endswith("all 2 were ended and are gone\n")
        assert "2 still end\n1 still end\n" in done.stderr
        assert adoption.removed == list(LEFT)
        adoption.removed.clear()
        assert shell("adopt").stdout == "no other ledger left anything\n"
        assert json.loads(shell("-o", "json", "adopt", "--yes").stdout)["left"] == []
        assert not adoption.removed, "nothing to remove is nothing to ask"


def test_a_machine_has_nothing_to_adopt(tmp_path: Path) -> None:
    with daemon(World(), tmp_path / "state") as shell:
        assert "there is nothing to adopt here" in shell("adopt", code=2).stderr
