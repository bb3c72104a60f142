"""What previews mean to the parts of the daemon: which pull requests there are, and what they are planned with."""

from __future__ import annotations

from reconciler.compiler import SourceCompiler
from reconciler.core import Core
from reconciler.forges.branches import BranchPulls
from reconciler.ports import Clock, Forge
from reconciler.ports_checks import Checks
from reconciler.ports_merge_queue import MergeQueue
from reconciler.ports_pulls import Pulls
from reconciler.ports_remarks import Remarks
from reconciler.pulls.parts import Parts, Rules
from reconciler.pulls.pulling import Pulling
from reconciler.remarks.hearing import Hearing
from reconciler.remarks.rights import Rules as WhoMay
from reconciler.settings import DaemonSettings
from reconciler.source.heads import Heads
from reconciler.source.merging import Merging
from reconciler.source.repository import GitSource
from reconciler.telemetry import log

__all__ = ["hear", "hearing_of", "previews_of"]


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
    checks: Checks | None = None
    queue: MergeQueue | None = None
    if said.branches:
        port = BranchPulls(source, clock, said.branches)
    elif said.pulls and isinstance(forge, Pulls) and settings.repository.branch:
        port, checks, queue = forge, getattr(forge, "checks", None), getattr(forge, "queue", None)
    elif said.pulls and isinstance(forge, Pulls):
        log.warning("pull requests get no preview: repository.branch names no branch that they are merged into")
    if port is None:
        return None
    heads = Heads(source)
    rules = Rules(forks=said.forks, poll=said.poll.total_seconds())
    return Parts(port, heads, Merging(source, heads), compiler, rules, checks, queue)


def hearing_of(settings: DaemonSettings, core: Core, pulling: Pulling | None) -> Hearing | None:
    """What hears commands in comments; None where the configuration wants none, or nobody comments.

    Args:
        settings: the configuration.
        core: of the daemon.
        pulling: where pull requests are previewed.
    """
    said, forge = settings.commands, core.forge
    heard = getattr(forge, "remarks", None)
    if said is None or pulling is None or not isinstance(forge, Pulls) or not isinstance(heard, Remarks):
        return None
    rules = WhoMay(said.permission or "", said.users, said.teams, said.approve_own)
    return Hearing(core, heard, forge, pulling, rules)


async def hear(settings: DaemonSettings, core: Core, pulling: Pulling | None) -> None:
    """Hear commands in comments until cancelled, where there are any to be heard."""
    hearing = hearing_of(settings, core, pulling)
    if hearing is not None:
        await hearing.run()
