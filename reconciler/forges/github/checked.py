"""Whether a token of GitHub will do: what GitHub itself says of it, asked with one read.

Classic tokens come with their scopes (docs.github.com, "Scopes for OAuth apps").
Of a fine-grained one, and of an App, GitHub says nothing before it is used; nothing is written to find it out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.forges.http.answers import Answer
from reconciler.forges.http.client import Client
from reconciler.ports_checked import Finding, Grade

__all__ = ["checked"]

_WHAT = "forge"
_STATUSES = frozenset({"repo", "repo:status"})
_COMMENTS = frozenset({"repo", "public_repo"})
_HOW = "docs/github.md has what it needs"


async def checked(client: Client, path: str) -> Sequence[Finding]:
    """What a token may do with the repository at `path` of the API.

    Raises:
        Transient: GitHub does not answer now.
        Refused: it does not take the token.
    """
    name = path.removeprefix("/repos/")
    answer = await client.get(path, means=frozenset({404}))
    if not answer.good:
        advice = f"give the token this repository, or mend forge.repository; {_HOW}"
        return [Finding(_WHAT, Grade.PROBLEM, f"GitHub shows no repository {name} to this token", advice)]
    said = answer.headers.get("x-oauth-scopes")
    if said is None:
        words = f"GitHub shows {name}; what this token may write there it does not say before it is used"
        return [Finding(_WHAT, Grade.OK, words)]
    return _by_scopes(name, {scope.strip() for scope in said.split(",")} - {""}, answer)


def _by_scopes(name: str, scopes: set[str], answer: Answer) -> Sequence[Finding]:
    shown = ", ".join(sorted(scopes)) or "none"
    if not scopes & _STATUSES:
        said = f"the token has the scopes {shown}, and statuses need `repo:status`, or `repo`"
        return [Finding(_WHAT, Grade.PROBLEM, said, f"make one that has it; {_HOW}")]
    if not _pushes(answer):
        said = f"whose token this is may not push to {name}, and so not set statuses"
        return [Finding(_WHAT, Grade.PROBLEM, said, "give that account write access, or take another's token")]
    fine = Finding(_WHAT, Grade.OK, f"GitHub shows {name}, and the token may set statuses")
    if scopes & _COMMENTS:
        return [fine]
    said = f"the token has the scopes {shown}: comments on pull requests need `repo`, or `public_repo`"
    return [fine, Finding(_WHAT, Grade.WARNING, said, f"make one that has it, if previews are wanted; {_HOW}")]


def _pushes(answer: Answer) -> bool:
    """Whether the account may; yes where that is not said."""
    found = answer.value.get("permissions") if isinstance(answer.value, Mapping) else None
    return not isinstance(found, Mapping) or found.get("push") is not False
