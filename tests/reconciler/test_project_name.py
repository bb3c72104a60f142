"""Which name a project gets at first contact; afterwards the ledger's counts (design: section 3, "Discovery")."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler import building
from reconciler.errors import Transient
from reconciler.settings import DaemonSettings, Repository
from reconciler.source.memory import MemorySource
from reconciler.source.memory_remote import MemoryRepository

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

SAID = {".plumbline.yaml": b"project: said\n"}


@pytest.mark.parametrize(
    ("files", "configured", "expected"),
    [
        pytest.param(SAID, None, "said", id="the-file"),
        pytest.param(SAID, "configured", "said", id="the-file-before-the-configuration"),
        pytest.param({"a.yaml": b""}, "configured", "configured", id="the-configuration"),
        pytest.param({"a.yaml": b""}, None, "digits", id="the-last-segment-of-the-url"),
        pytest.param({}, None, "digits", id="an-empty-repository"),
    ],
)
async def test_first_contact(tmp_path: Path, files: dict[str, bytes], configured: str | None, expected: str) -> None:
    remote = MemoryRepository()
    if files:
        remote.commit(files)
    assert await building._project(settings(tmp_path, configured), MemorySource(remote)) == expected  # type: ignore[arg-type]


async def test_a_configured_name_needs_no_repository_that_answers(tmp_path: Path) -> None:
    source = MemorySource(MemoryRepository())
    source.fail("fetch", Transient("away"))
    assert await building._project(settings(tmp_path, "configured"), source) == "configured"  # type: ignore[arg-type]


def settings(state: Path, project: str | None) -> DaemonSettings:
    """A configuration."""
    return DaemonSettings(state=state, repository=Repository(url="/srv/digits.git", project=project))
