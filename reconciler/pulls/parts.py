"""What previews are made of: the forge's side, the merging, a compiler of their own, and the daemon's rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reconciler.compiler import SourceCompiler
from reconciler.ports_checks import Checks
from reconciler.ports_merge_queue import MergeQueue
from reconciler.ports_pulls import Pulls
from reconciler.source.heads import Heads
from reconciler.source.merging import Merging

__all__ = ["Parts", "Rules"]


@dataclass(frozen=True, slots=True)
class Rules:
    """What the daemon's configuration says of previews; no pull request can change it.

    Attributes:
        forks: what one from another repository gets.
        poll: seconds between two looks at all pull requests that need no hint.
        at_once: how many are looked at at once; of these one is compiled at a time.
        most: open pull requests that are looked at.
        queued: entries of a merge queue that are planned after one look at it.
        outcome: seconds between two looks at what came of a merge.
        refresh: seconds after which one whose comment is marked as stale is planned anew, one at each look.
    """

    forks: Literal["status", "comment", "off"] = "status"
    poll: float = 60.0
    at_once: int = 2
    most: int = 500
    queued: int = 100
    outcome: float = 5.0
    refresh: float = 600.0


@dataclass(frozen=True, slots=True)
class Parts:
    """All of it.

    Attributes:
        port: where pull requests are.
        heads: fetches them.
        merging: merges them.
        compiler: compiles merged trees; not the one that commits are compiled by, so that those never wait for it.
        rules: of the configuration.
        checks: puts checks; None where the forge has none.
        queue: the merge queue of the branch; None where the forge has none.
    """

    port: Pulls
    heads: Heads
    merging: Merging
    compiler: SourceCompiler
    rules: Rules = Rules()
    checks: Checks | None = None
    queue: MergeQueue | None = None
