"""References out of the repository: `hubRef` and `urlRef` (reference, section 4; design: section 6, rule 10).

Decides how a reference is spelled, which ones a file has, and what is wrong with one that leads nowhere. The shell
looks them up; nothing here fetches anything or knows a hub.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from planner.compile.given import Outside
from planner.compile.origin import Origin, warning
from planner.errors import Problem
from planner.spec.load import Loaded
from planner.spec.references import HUB_NAME
from planner.spec.shape import Section
from planner.spec.words import short

__all__ = [
    "HUB",
    "URL",
    "HubName",
    "failure_problem",
    "hub_key",
    "hub_name",
    "outside_references",
    "url_key",
    "written",
]

HUB, URL = "hub:", "url:"
"""How the keys of `CompileInput.outside` begin; the reference as written follows."""

_WITHOUT = frozenset({type(None), bool, int, float, str})
"""What holds no section; nearly all fields of all sections do not."""


@dataclass(frozen=True, slots=True)
class HubName:
    """A `hubRef` in its parts.

    Attributes:
        owner: the hub that is meant, or "" for the first that has it.
        name: of the component.
        version: "" for the one without.
    """

    owner: str
    name: str
    version: str


def hub_name(ref: str) -> HubName | None:
    """The parts of `[owner/]name[:version]`; None where it is no such name."""
    found = HUB_NAME.fullmatch(ref)
    return HubName(found["owner"] or "", found["name"], found["version"] or "") if found else None


def hub_key(ref: str) -> str:
    """The key of a `hubRef`."""
    return HUB + ref


def url_key(ref: str) -> str:
    """The key of a `urlRef`."""
    return URL + ref


def written(key: str) -> str:
    """The reference of a key, as it was written."""
    return key[len(HUB) :]


def outside_references(loaded: Loaded) -> tuple[str, ...]:
    """Keys of all references out of the repository in the documents of a file, each once, in order.

    Wherever a section has them: operations and components inside one another, hooks, builds, tuners.
    """
    found = {key for document in loaded.documents if document.spec is not None for key in _keys(document.spec)}
    return tuple(sorted(found))


def _keys(spec: Section) -> Iterator[str]:
    waiting: list[Any] = [spec]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Section):
            fields = vars(value)
            if "hub_ref" in fields or "url_ref" in fields:
                yield from _own(fields)
            waiting += [part for part in fields.values() if type(part) not in _WITHOUT]
        elif isinstance(value, tuple | list):
            waiting += [part for part in value if type(part) not in _WITHOUT]
        elif isinstance(value, dict | Mapping):
            waiting += [part for part in value.values() if type(part) not in _WITHOUT]


def _own(fields: Mapping[str, Any]) -> Iterator[str]:
    for name, key in (("hub_ref", hub_key), ("url_ref", url_key)):
        ref = fields.get(name)
        if isinstance(ref, str):
            yield key(ref)


def failure_problem(found: Outside | None, ref: str, origin: Origin) -> Problem:
    """What to say of a reference that led nowhere; a warning where somebody else could look it up.

    Args:
        found: what was found; None where the reference was one too many.
        ref: as written.
        origin: where.
    """
    if found is None:
        message = f"`{short(ref)}` is not looked up: too many components refer out of the repository, or too deeply"
        return origin.problem("PL-105", message, "copy some of them into the repository")
    message = f"`{short(ref)}`: {found.failure}"
    if found.elsewhere:
        return warning(origin.problem("PL-311", message, found.hint))
    return origin.problem("PL-310", message, found.hint)
