"""The operations of one file, with names and digests (design: "Discovery").

An operation without a name gets one from its path, with the line to paste. A file with an error gives no root at all; a
fault of ours in one document is an error of it, and what is wrong with the others is said all the same.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

from planner.compile.boundary import guarded
from planner.compile.cache import Kept
from planner.compile.digests import sealed
from planner.compile.given import Override
from planner.compile.operation import Shop, compile_component, compile_root
from planner.compile.origin import Origin, info
from planner.compile.resolve import Found
from planner.errors import Place, Problem
from planner.model.desired import CompiledOperation
from planner.spec.component import Component
from planner.spec.load import Document, Loaded
from planner.spec.operation import Operation
from planner.spec.params import Param

__all__ = ["compile_file"]

_LONGEST = 128
_OTHER = re.compile(r"[^-a-zA-Z0-9_]+")


def compile_file(loaded: Loaded, shop: Shop, commit: str, override: Override | None = None) -> Kept:
    """Compile every document of a file.

    Args:
        loaded: the file.
        shop: with an empty report and a view without questions.
        commit: full commit id, for the run policy `on-commit`.
        override: other params of one of its roots.
    """
    report = shop.report
    for problem in loaded.problems:
        report.add(problem)
    roots: list[CompiledOperation] = []
    names: list[tuple[str, Place]] = []
    for document in loaded.documents:
        report.address = ""
        origin = Origin(document.places)
        if document.kind == "operation":
            name = _name(document, loaded.path, shop)
            names.append((name, origin.first(("name",)).place))
            found = guarded(origin.place, partial(_root, name, _asked(document, override), shop, commit))
        else:
            found = guarded(origin.place, partial(_component, document, shop))
        if isinstance(found, Problem):
            report.add(found)
        elif found is not None:
            roots.append(found)
    bad = bool(report.errors)
    return Kept((() if bad else tuple(roots)), tuple(names), _once(report.problems), bad, shop.view.reads)


def _asked(document: Document, override: Override | None) -> Document:
    """The document with the params that a person gave over its own; its places stay those of the file."""
    spec = document.spec
    if override is None or override.place != document.places.value("") or not isinstance(spec, Operation):
        return document
    params = {name: Param.model_validate({"value": text}) for name, text in override.params.items()}
    return replace(document, spec=spec.model_copy(update={"params": {**(spec.params or {}), **params}}))


def _component(document: Document, shop: Shop) -> None:
    if isinstance(document.spec, Component):
        compile_component(Found(document.spec, Origin(document.places)), shop)


def _root(name: str, document: Document, shop: Shop, commit: str) -> CompiledOperation | None:
    if not isinstance(document.spec, Operation):
        return None
    shop.report.address = name
    compiled = compile_root(name, document.spec, Origin(document.places), shop)
    return sealed(*compiled, commit) if compiled is not None else None


def _name(document: Document, path: str, shop: Shop) -> str:
    """The operation's name, or one from its path."""
    if document.name:
        return document.name
    stem = path.rpartition(".")[0]
    made = _OTHER.sub("-", stem).strip("-")[-_LONGEST:] or "operation"
    if document.index:
        made = f"{made[: _LONGEST - 8]}-{document.index + 1}"
    if isinstance(document.spec, Operation):
        problem = Origin(document.places).problem("PL-307", f"an operation without a name is called `{made}`")
        shop.report.add(info(Problem(problem.code, problem.message, problem.place, hint=f"add `name: {made}`")))
    return made


def _once(problems: list[Problem]) -> tuple[Problem, ...]:
    """Each problem once: several operations may find the same one in their component."""
    found: dict[object, Problem] = {}
    for problem in problems:
        found.setdefault((problem.code, problem.place, problem.pointer, problem.message), problem)
    return tuple(found.values())
