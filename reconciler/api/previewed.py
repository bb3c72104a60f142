"""What was said of a commit that was never planned: the head of a pull request, or of a branch that stands for one."""

from __future__ import annotations

import re

from planner.canon import Json
from planner.publish import preview_context
from reconciler.api import problems, views
from reconciler.core import Core

__all__ = ["previewed"]

_HEX = re.compile(r"[0-9a-f]{4,64}")
_FULL = frozenset({40, 64})


async def previewed(core: Core, prefix: str) -> dict[str, Json]:
    """The preview of a head: its status, and the comment as it was posted, which is a stranger's words in ours.

    Raises:
        ApiError: nothing was said of such a commit, or it fits more than one head.
    """
    known = {record.head: record for record in (await core.ledger.pulls()).values()} if _HEX.fullmatch(prefix) else {}
    heads = sorted(head for head in known if head.startswith(prefix))
    if len(heads) > 1:
        raise problems.conflict(f"{prefix} fits {len(heads)} heads of pull requests: {', '.join(heads[:10])}")
    ident = heads[0] if heads else prefix
    statuses = await core.ledger.statuses(ident) if heads or len(prefix) in _FULL else ()
    if not heads and not statuses:
        raise problems.missing(f"no planned commit and no head of a pull request begins with {prefix[:64]}")
    record = known.get(ident)
    context = preview_context(core.policy.identity.instance)
    said = next((status for status in statuses if status.context == context), None)
    return {
        "commit": ident,
        "pulls": [one.number for one in (await core.ledger.pulls()).values() if one.head == ident],
        "state": str(said.state) if said else "pending",
        "description": said.description if said else "",
        "at": views.instant(said.at if said else record.at if record else None),
        "base": record.base if record else "",
        "stale": bool(record and record.marked),
        "operations": list(record.roots) if record else [],
        "comment": (await core.ledger.blob(record.text) or "") if record and record.text else "",
    }
