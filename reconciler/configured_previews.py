"""What previews mean to the parts of the daemon: which pull requests there are, and what they are planned with."""

from __future__ import annotations

from reconciler.compiler import SourceCompiler
from reconciler.forges.branches import BranchPulls
from reconciler.ports import Clock, Forge
from reconciler.ports_pulls import Pulls
from reconciler.pulls.parts import Parts, Rules
from reconciler.settings import DaemonSettings
from reconciler.source.heads import Heads
from reconciler.source.merging import Merging
from reconciler.source.repository import GitSource
from reconciler.telemetry import log

__all__ = ["previews_of"]


def previews_of(
    settings: DaemonSettings, source: GitSource, forge: Forge, compiler: SourceCompiler, clock: Clock
) -> Parts | None:
    """What pull requests are previewed with; None where there are none, or the configuration wants no previews.

    Args:
        settings: the configuration.
        source: the repository.
        forge: where commits say how it went; it may have pull requests.
        compiler: for merged trees alone, so that no commit waits for them.
        clock: of the daemon.
    """
    said = settings.previews
    port: Pulls | None = None
    if said.branches:
        port = BranchPulls(source, clock, said.branches)
    elif said.pulls and isinstance(forge, Pulls) and settings.repository.branch:
        port = forge
    elif said.pulls and isinstance(forge, Pulls):
        log.warning("pull requests get no preview: repository.branch names no branch that they are merged into")
    if port is None:
        return None
    heads = Heads(source)
    rules = Rules(forks=said.forks, poll=said.poll.total_seconds())
    return Parts(port, heads, Merging(source, heads), compiler, rules)
