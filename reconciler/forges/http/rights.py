"""What commands in comments need of a forge, asked with a read each: comments, and the teams of the configuration.

Nothing is written. Decides only what is said of an answer that shows nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from reconciler.forges.http.client import Client
from reconciler.ports_checked import Finding, Grade

__all__ = ["UNSEEN", "shown_comments", "shown_teams"]

UNSEEN = frozenset({403, 404, 410})
_WHAT = "forge"
_MOST = 20
"""Teams that are asked for: each is a request."""
_NAMED = 3


async def shown_comments(client: Client, path: str, size: str, advice: str) -> Sequence[Finding]:
    """Nothing where the comments at `path` are shown, else what that means; `size` is what the forge calls a page's.

    Raises:
        Transient: the forge does not answer now.
        Refused: it does not take the credential.
    """
    answer = await client.get(path, {size: "1"}, UNSEEN)
    if answer.good:
        return []
    said = f"the forge shows no comments ({answer.status}): commands in comments are not heard"
    return [Finding(_WHAT, Grade.WARNING, said, advice)]


async def shown_teams(teams: Sequence[str], is_shown: Callable[[str], Awaitable[bool]], advice: str) -> list[Finding]:
    """Nothing where all teams are shown, else one finding that names some that are not."""
    unseen = [team for team in teams[:_MOST] if not await is_shown(team)]
    if not unseen:
        return []
    names = ", ".join(f"`{team}`" for team in unseen[:_NAMED])
    more = f" and {len(unseen) - _NAMED} more" if len(unseen) > _NAMED else ""
    said = f"the forge does not show {names}{more}, of commands.teams: nobody may give commands as a member"
    return [Finding(_WHAT, Grade.WARNING, said, f"{advice}; or mend the name")]
