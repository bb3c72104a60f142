"""Whether what opens GitHub will do: what GitHub itself says of it, asked with reads.

Classic tokens come with their scopes (docs.github.com, "Scopes for OAuth apps"), tokens of an App with its permissions.
Of a fine-grained token GitHub says nothing before it is used; nothing is written to find it out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.forges.http.answers import Answer
from reconciler.forges.http.client import Client
from reconciler.forges.http.remarks import segment
from reconciler.forges.http.rights import UNSEEN, shown_comments, shown_teams
from reconciler.ports_checked import Finding, Grade, Wanted

__all__ = ["checked"]

_WHAT = "forge"
_STATUSES = frozenset({"repo", "repo:status"})
_COMMENTS = frozenset({"repo", "public_repo"})
_HOW = "docs/github.md has what it needs"
_ENOUGH: Mapping[str, frozenset[str]] = {
    "read": frozenset({"read", "write", "admin"}),
    "write": frozenset({"write", "admin"}),
}


@dataclass(frozen=True, slots=True)
class _Need:
    """A permission of an App.

    Attributes:
        name: as GitHub's API has it.
        may: `read` or `write`.
        shown: as GitHub's pages have it.
        lost: what does not work without it.
        grade: how bad that is.
    """

    name: str
    may: str
    shown: str
    lost: str
    grade: Grade = Grade.WARNING


async def checked(
    client: Client, repository: str, wanted: Wanted, granted: Callable[[], Mapping[str, str]] | None = None
) -> Sequence[Finding]:
    """What may be done with `repository` by what opens `client`.

    Args:
        client: of GitHub.
        repository: `owner/name`.
        wanted: what it has to be enough for.
        granted: of an App, the permissions of its token, once it has one.

    Raises:
        Transient: GitHub does not answer now.
        Refused: it does not take the token, or gives the App none.
    """
    answer = await client.get(f"/repos/{repository}", means=frozenset({404}))
    if not answer.good:
        advice = f"give the token this repository, or mend forge.repository; {_HOW}"
        return [Finding(_WHAT, Grade.PROBLEM, f"GitHub shows no repository {repository} to this token", advice)]
    if granted is not None:
        lacking = _lacking(granted(), wanted)
        found = _by_app(repository, lacking, known=bool(granted()))
        # What is known already is not asked for.
        names = {need.name for need in lacking}
        wanted = replace(wanted, commands=wanted.commands and "pull_requests" not in names)
        wanted = replace(wanted, teams=() if "members" in names else wanted.teams)
    elif (said := answer.headers.get("x-oauth-scopes")) is not None:
        scopes = {scope.strip() for scope in said.split(",")} - {""}
        found = _by_scopes(repository, scopes, answer, wanted)
    else:
        words = f"GitHub shows {repository}; what this token may write there it does not say before it is used"
        found = [Finding(_WHAT, Grade.OK, words)]
    return [*found, *await _commands(client, repository, wanted)]


def _lacking(may: Mapping[str, str], wanted: Wanted) -> list[_Need]:
    """What an App has not; nothing where GitHub does not say what it has."""
    return [need for need in _needs(wanted) if may and may.get(need.name) not in _ENOUGH[need.may]]


def _by_app(repository: str, lacking: Sequence[_Need], *, known: bool) -> list[Finding]:
    advice = f"give it on the App's page, and have who owns the repository accept it; {_HOW}"
    found = [
        Finding(_WHAT, need.grade, f"the App has not the permission {need.shown}: {need.lost}", advice)
        for need in lacking
    ]
    if any(need.grade is Grade.PROBLEM for need in lacking):
        return found
    what = "and the App may set statuses" if known else "and not what the App may do there"
    return [Finding(_WHAT, Grade.OK, f"GitHub shows {repository}, {what}"), *found]


def _needs(wanted: Wanted) -> Iterator[_Need]:
    yield _Need("statuses", "write", "Commit statuses: write", "commits cannot say how it went", Grade.PROBLEM)
    if wanted.comments:
        more = ", and commands in them are not answered" if wanted.commands else ""
        yield _Need("pull_requests", "write", "Pull requests: write", f"pull requests get no comment{more}")
    if wanted.checks:
        yield _Need("checks", "write", "Checks: write", "problems are not marked on their lines")
    if wanted.commands:
        yield _Need("contents", "read", "Contents: read", "whose a commit is cannot be told, and `approve` waits")
    if wanted.teams:
        lost = "nobody may give commands as a member of a team"
        yield _Need("members", "read", "Members: read of the organization", lost)


def _by_scopes(repository: str, scopes: set[str], answer: Answer, wanted: Wanted) -> list[Finding]:
    shown = ", ".join(sorted(scopes)) or "none"
    if not scopes & _STATUSES:
        said = f"the token has the scopes {shown}, and statuses need `repo:status`, or `repo`"
        return [Finding(_WHAT, Grade.PROBLEM, said, f"make one that has it; {_HOW}")]
    if not _pushes(answer):
        said = f"whose token this is may not push to {repository}, and so not set statuses"
        return [Finding(_WHAT, Grade.PROBLEM, said, "give that account write access, or take another's token")]
    fine = Finding(_WHAT, Grade.OK, f"GitHub shows {repository}, and the token may set statuses")
    if scopes & _COMMENTS or not wanted.comments:
        return [fine]
    what = "comments on pull requests" + (", and answers to commands in them," if wanted.commands else "")
    said = f"the token has the scopes {shown}: {what} need `repo`, or `public_repo` where the repository is public"
    return [fine, Finding(_WHAT, Grade.WARNING, said, f"make one that has it, or set previews.pulls: false; {_HOW}")]


def _pushes(answer: Answer) -> bool:
    """Whether the account may; yes where that is not said."""
    found = answer.value.get("permissions") if isinstance(answer.value, Mapping) else None
    return not isinstance(found, Mapping) or found.get("push") is not False


async def _commands(client: Client, repository: str, wanted: Wanted) -> Sequence[Finding]:
    """What can be read of what commands need, whatever opens it."""
    if not wanted.commands:
        return []

    async def is_shown(team: str) -> bool:
        organization, _, name = team.partition("/")
        parts = [segment(organization), segment(name)]
        return all(parts) and (await client.get(f"/orgs/{parts[0]}/teams/{parts[1]}", means=UNSEEN)).good

    advice = f"give the token Pull requests: read and write; {_HOW}"
    members = "give it the organization's permission Members: read, or of a classic token the scope `read:org`"
    return [
        *await shown_comments(client, f"/repos/{repository}/issues/comments", "per_page", advice),
        *await shown_teams(wanted.teams, is_shown, members),
    ]
