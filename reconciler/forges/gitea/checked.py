"""Whether a token of Gitea or Forgejo will do: what the server says of the repository, asked with one read.

https://docs.gitea.com/api/, `repoGet`: `permissions` are those of the user whose token it is. What the token itself may
do of that, the server does not say before it is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.forges.http.client import Client
from reconciler.ports_checked import Finding, Grade

__all__ = ["checked"]

_WHAT = "forge"
_HOW = "docs/gitea.md has what it needs"


async def checked(client: Client, path: str) -> Sequence[Finding]:
    """What a token may do with the repository at `path` of the API.

    Raises:
        Transient: the server does not answer now.
        Refused: it does not take the token.
    """
    answer = await client.get(path, means=frozenset({404}))
    if not answer.good:
        advice = f"let the user of the token see the repository, or mend forge.repository; {_HOW}"
        return [Finding(_WHAT, Grade.PROBLEM, "the forge shows no such repository to this token", advice)]
    permissions = answer.value.get("permissions") if isinstance(answer.value, Mapping) else None
    if isinstance(permissions, Mapping) and permissions.get("push") is False:
        said = "the user of the token may not write to the repository, and so not set statuses"
        return [Finding(_WHAT, Grade.PROBLEM, said, f"let that user write; {_HOW}")]
    words = "the forge shows the repository; what the token may write there it does not say before it is used"
    return [Finding(_WHAT, Grade.OK, words)]
