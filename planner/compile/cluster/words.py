"""What the checks of a cluster's rules have in common: how they say no, and how they look at plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from planner.canon import Json
from planner.compile.scope import has_template
from planner.model.cluster import Allow, ClusterRules

__all__ = ["RESERVED", "Named", "Rules", "items", "known", "named", "refused", "section"]

RESERVED = "plumbline"
"""What names of volumes, containers, config maps and secrets of ours begin with."""

Rules = ClusterRules
Named = tuple[str, Json]
"""Where a name is written, and the name."""


def refused(what: str, allow: Allow, rules: Rules) -> Iterator[str]:
    """The sentence for something that the configuration can allow and does not."""
    if allow not in rules.allow:
        yield f"{what} is not allowed here: only `{allow}` in `backends.kubernetes.allow` allows it"


def section(value: Json, name: str) -> Mapping[str, Any]:
    """A mapping of a mapping; empty where there is none."""
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def items(value: Json, name: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The mappings of a list of a mapping, with their indexes."""
    found = value.get(name) if isinstance(value, Mapping) else None
    for index, one in enumerate(found if isinstance(found, list | tuple) else ()):
        if isinstance(one, Mapping):
            yield index, one


def known(value: Json) -> str:
    """A text that is known: "" for none, and for a template."""
    return value if isinstance(value, str) and not has_template(value) else ""


def named(at: str, name: Json, rules: Rules) -> Iterator[str]:
    """Why a secret or config map of the namespace may not be used."""
    text = known(name)
    if not text:
        return
    if text.startswith(RESERVED):
        yield f"{at}: `{text}` is Plumbline's own, and runs do not see it"
    elif rules.secrets is not None and not any(fnmatchcase(text, glob) for glob in rules.secrets):
        yield f"{at}: specs may not use `{text}`: add it to `secrets` of `backends.kubernetes`, or use a connection"
