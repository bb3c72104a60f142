"""`globals.*`: which variables there are, and at which of three moments each one is known (docs/templates.md).

A variable that is not known yet is a symbol: it stays in the text, and in the digest, as it was written. The name of
the operation is one of them, so that a rename leaves the digest as it is (design: "A changed root").
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from planner.canon import Json
from planner.compile.template import Symbol, compile_template, names
from planner.compile.template.symbols import Partial

__all__ = ["AT_ENSURE", "AT_START", "COMPILED", "NOT_IN_CONTEXT", "OF_SERVICES", "compiled", "read_by", "symbols"]

COMPILED = (
    "instance",
    "owner_name",
    "project_name",
    "project_unique_name",
    "project_uuid",
    "namespace",
)
"""Known when a spec is compiled."""

AT_START = (
    "name",
    "uuid",
    "run_info",
    "commit",
    "created_at",
    "compiled_at",
    "schedule_at",
    "event",
    "iteration",
    "username",
    "user_email",
    "cloning_kind",
    "original_uuid",
    "is_independent",
)
"""Known when a run is bound, before it waits for its place."""

AT_ENSURE = (
    "context_path",
    "artifacts_path",
    "store_path",
    "run_artifacts_path",
    "run_outputs_path",
    "run_relative_outputs_path",
    "started_at",
)
"""Known by the backend, right before an attempt is made."""

OF_SERVICES = ("ports", "base_url", "base_urls")

NOT_IN_CONTEXT = ("ports",)
"""What the context file has a member of its own for (docs/run-contract.md)."""


def compiled(instance: str, project: str, namespace: str) -> dict[str, Json]:
    """The values of `COMPILED`. The owner of a project is the instance."""
    return {
        "instance": instance,
        "owner_name": instance,
        "project_name": project,
        "project_unique_name": f"{instance}.{project}",
        "project_uuid": _uuid(instance, project),
        "namespace": namespace,
    }


@functools.lru_cache(maxsize=64)
def _uuid(instance: str, project: str) -> str:
    name = hashlib.sha256(f"{instance}/{project}".encode()).hexdigest()[:32]
    return "-".join((name[:8], name[8:12], name[12:16], name[16:20], name[20:]))


def _named(names: Iterable[str]) -> Mapping[str, Symbol]:
    return MappingProxyType({name: Symbol(f"globals.{name}") for name in names})


_SYMBOLS = _named((*COMPILED, *AT_START, *AT_ENSURE))
_SYMBOLS_OF_SERVICES = _named(OF_SERVICES)


def symbols(known: Mapping[str, Json], kind: str) -> dict[str, Partial]:
    """`globals` for a run of some kind: what is in `known`, and a symbol for everything else."""
    return {**_SYMBOLS, **(_SYMBOLS_OF_SERVICES if kind == "service" else {}), **known}


def read_by(texts: Iterable[str]) -> frozenset[str]:
    """Which of `COMPILED` some templates read, beside what they wait for."""
    paths = {path for text in texts for path in names(compile_template(text))}
    if ("globals",) in paths:
        return frozenset(COMPILED)
    return frozenset(path[1] for path in paths if path[0] == "globals" and path[1] in COMPILED)
