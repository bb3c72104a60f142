"""The section `commands` of the configuration: whose comments on pull requests are obeyed. Reads nothing.

No pull request can change it, as all of the configuration. Off when left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator

from planner.spec.clashes import Clash, Said, fault
from planner.spec.shape import Section
from planner.spec.words import short

__all__ = ["Commands", "clashes_of_commands"]

_MOST = 200
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_TEAM = re.compile(r"[A-Za-z0-9_.-]{1,100}(?:/[A-Za-z0-9_.-]{1,100}){0,19}")


def _logins(value: tuple[str, ...]) -> tuple[str, ...]:
    return _each(value, _LOGIN, "a login", "such as ada, without @")


def _teams(value: tuple[str, ...]) -> tuple[str, ...]:
    return _each(value, _TEAM, "a team", "such as organization/team, or of GitLab the path of a group")


def _each(value: tuple[str, ...], shape: re.Pattern[str], what: str, hint: str) -> tuple[str, ...]:
    if len(value) > _MOST:
        raise fault("PL-204", f"{{field}} names more than {_MOST}", "name a team")
    for name in value:
        if not shape.fullmatch(name) or any(part.strip(".") == "" for part in name.split("/")):
            raise fault("PL-204", f"`{short(name)}` in {{field}} is not {what}", hint)
    return value


class Commands(Section):
    """Commands in comments on pull requests, and who may give them: whoever one of the three lets."""

    permission: Literal["write", "maintain", "admin"] | None = None
    """People who may do at least this in the repository, by its forge; nobody by that when left out."""
    users: Annotated[tuple[str, ...], AfterValidator(_logins)] = ()
    """People by their logins."""
    teams: Annotated[tuple[str, ...], AfterValidator(_teams)] = ()
    """Members of teams, `organization/team`; of GitLab members of groups, by the full path."""
    approve_own: bool = False
    """Whether one may approve on a pull request of his own, and what a commit of his own has caused."""


def clashes_of_commands(said: Said) -> Iterator[Clash]:
    """What else of a configuration must be so where comments are obeyed."""
    commands, previews = said["commands"], said["previews"]
    if not isinstance(commands, Mapping):
        return
    if not (commands.get("permission") or commands.get("users") or commands.get("teams")):
        message = "`commands` lets nobody give any"
        yield ("commands",), fault("PL-202", message, "name a `permission`, `users` or `teams`", ("commands",))
    forge = said["forge"]
    kind = forge.get("kind") if isinstance(forge, Mapping) else forge
    if kind in {None, "notes", "none"}:
        message = "`commands` needs a forge on which people comment"
        yield ("commands", "forge"), fault("PL-209", message, "say which `forge` has the repository", ("commands",))
    if isinstance(previews, Mapping) and previews.get("pulls") is False:
        message = "`commands` needs `previews.pulls`: comments are read where pull requests are previewed"
        yield ("commands", "previews"), fault("PL-209", message, "leave one of them out", ("commands",))
