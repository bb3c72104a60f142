"""The section `previews` of the configuration: what is wrong with it, and which pull requests it means."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from planner.compile import CompileConfig
from reconciler.clock import WallClock
from reconciler.compiler import SourceCompiler
from reconciler.configured_previews import previews_of
from reconciler.errors import Unusable
from reconciler.forges.branches import BranchPulls
from reconciler.forges.memory import SilentForge
from reconciler.pulls.parts import Parts
from reconciler.settings import DaemonSettings, load_settings
from reconciler.source.remote import Origin, parse
from reconciler.source.repository import GitSource
from tests.reconciler.pulls.world import MemoryPulls

pytestmark = pytest.mark.unit

HERE = "repository: {url: /srv/x.git, branch: main}\n"


def loaded(folder: Path, text: str) -> DaemonSettings:
    path = folder / "daemon.yaml"
    path.write_text(text)
    return load_settings(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HERE + "previews: {forks: maybe}\n", "`maybe` is not allowed for field `forks`"),
        (HERE + "previews: {poll: 0}\n", "must be a second or more"),
        (HERE + "previews: {branches: ['']}\n", "are names of branches, such as `feature/*`"),
        (HERE + "previews: {branches: [refs/heads/x]}\n", "are names of branches, such as `feature/*`"),
        (HERE + "previews: {branches: [" + ", ".join(["x"] * 51) + "]}\n", "names at most 50 patterns"),
        (
            "repository: {url: /srv/x.git}\npreviews: {branches: [x]}\n",
            "`previews.branches` needs `repository.branch`",
        ),
        (HERE + "forge: none\npreviews: {branches: [x]}\n", "`previews.branches` needs `forge: notes`"),
        (HERE + "forge: {kind: github}\npreviews: {branches: [x]}\n", "`previews.branches` needs `forge: notes`"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path, text, said):
    with pytest.raises(Unusable, match=re.escape(said)) as caught:
        loaded(tmp_path, text)
    assert "daemon.yaml:" in str(caught.value)


class ForgeWithPulls(SilentForge, MemoryPulls):
    """A forge that has pull requests, too."""


def meant(folder: Path, text: str, forge: SilentForge) -> Parts | None:
    settings = loaded(folder, text)
    source = GitSource(Origin(parse("/srv/x.git"), "main"), folder / "state", "test")
    return previews_of(settings, source, forge, SourceCompiler(source, CompileConfig("project")), WallClock())


def test_which_pull_requests_are_meant(tmp_path):
    forge = ForgeWithPulls()
    assert meant(tmp_path, HERE, SilentForge()) is None
    found = meant(tmp_path, HERE + "previews: {forks: 'off', poll: 5}\n", forge)
    assert found is not None
    assert (found.port, found.rules.forks, found.rules.poll) == (forge, "off", 5.0)
    assert meant(tmp_path, HERE + "previews: {pulls: false}\n", forge) is None
    assert meant(tmp_path, "repository: {url: /srv/x.git}\n", forge) is None
    branches = meant(tmp_path, HERE + "previews: {branches: ['feature/*']}\n", SilentForge())
    assert branches is not None
    assert isinstance(branches.port, BranchPulls)
