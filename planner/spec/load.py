"""Loading: the bytes of a spec file to documents and all their problems at once.

Applies the rules of documents (reference, section 1) on top of the models. What a document refers to, and whether its
values fit, is compile's business. Nothing here raises for bad input.

A preset (`isPreset: true`) needs no version, as in the reference; its kind and that field say enough for a file to
count as a spec.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from planner.canon import Json
from planner.errors import Place, Problem, Severity
from planner.spec import faults
from planner.spec import yaml as reader
from planner.spec.component import Component
from planner.spec.limits import MAX_PROBLEMS
from planner.spec.operation import Operation
from planner.spec.places import Places
from planner.spec.run import RUN_KINDS
from planner.spec.shape import truth
from planner.spec.version import is_version, refusal
from planner.spec.words import kind_of, listed, nearest, short

__all__ = ["KINDS", "Document", "Loaded", "Look", "load", "looks_like_spec"]

KINDS: tuple[str, ...] = ("component", "operation")
"""Kinds of documents."""

Spent = dict[str, int]
"""What the documents of a file have cost so far, by what it is; the models count in it."""

Look = Literal["spec", "suspect", "other"]
"""What a file is by the rule of design "Discovery"."""

_COMPILED = "compiled_operation"
_MARKS = re.compile(
    rb"""^(?:\xef\xbb\xbf)?(?:[ \t]{0,40}[{,]?[ \t]{0,8}(?=")|(?!["]))  # JSON may indent, YAML starts at the margin
    (?:["']?version["']?[ \t]{0,8}:[ \t]{0,8}["']?1\.1["']?(?![\w.])
      |["']?kind["']?[ \t]{0,8}:[ \t]{0,8}["']?(?:component|operation)["']?(?![\w.-]))""",
    re.MULTILINE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Document:
    """One component or operation of a file.

    Attributes:
        index: its position in the file, from 0.
        kind: as written; one of `KINDS` when `spec` is set.
        name: as written, or "" without a usable one.
        spec: the model; None when the document has an error.
        places: where its values and keys stand, by JSON pointer from the document's root.
        value: the document as read; not to be changed.
    """

    index: int
    kind: str
    name: str
    spec: Component | Operation | None
    places: Places
    value: Json


@dataclass(frozen=True, slots=True)
class Loaded:
    """A spec file.

    Attributes:
        path: as given.
        documents: all that could be read, those with errors too.
        problems: in order of place.
        look: what `looks_like_spec` says of the file.
    """

    path: str
    documents: tuple[Document, ...]
    problems: tuple[Problem, ...]
    look: Look

    @property
    def valid(self) -> bool:
        """Whether nothing holds the file back."""
        return not any(problem.severity is Severity.ERROR for problem in self.problems)


def load(path: str, data: bytes) -> Loaded:
    """The documents of a spec file, and everything that is wrong with them.

    Args:
        path: of the file in its repository; only named in places.
        data: its bytes.
    """
    read = reader.read(path, data)
    documents: list[Document] = []
    spent: Spent = {}
    problems = list(read.problems)
    for part in read.documents:
        if part.value is None and not part.spoilt:
            continue
        document, found = _document(part, spent)
        documents.append(document)
        problems += _beyond(read.problems, found) if part.spoilt else found
    if not documents and not problems:
        problems.append(Problem("PL-210", "the file has no document", Place(path), hint="remove it, or exclude it"))
    return Loaded(path, tuple(documents), tuple(_shown(problems)), _look(read, data))


def looks_like_spec(data: bytes) -> Look:
    """Whether a file is a spec file (design: "Discovery").

    `spec` has a document with version 1.1 and a kind. `suspect` has none, because it cannot be read or lacks one of
    the two, but a line of it starts like a spec: loading it says what is wrong. `other` is no business of ours.
    """
    if b"version" not in data and b"kind" not in data:
        return "other"
    return _look(reader.read("", data), data)


def _look(read: reader.Read, data: bytes) -> Look:
    if any(_is_spec(document.value) for document in read.documents):
        return "spec"
    return "suspect" if _MARKS.search(data) else "other"


def _is_spec(value: Any) -> bool:
    return isinstance(value, dict) and "kind" in value and (is_version(value.get("version")) or _is_preset(value))


def _is_preset(value: dict[Any, Any]) -> bool:
    return value.get("kind") == "operation" and truth(value.get("isPreset", value.get("is_preset"))) is True


def _beyond(known: tuple[Problem, ...], found: list[Problem]) -> list[Problem]:
    """The problems that stand where the reader had none, and do not only follow from what it took for nothing."""
    places = {problem.place for problem in known}
    lines = {problem.place.line for problem in known}
    return [one for one in found if one.place not in places and not (one.code == "PL-203" and one.place.line in lines)]


def _shown(problems: list[Problem]) -> list[Problem]:
    """Each problem once, in order of place; of too many the first ones, and that there are more."""
    once: dict[object, Problem] = {}
    for problem in sorted(problems, key=lambda problem: problem.sort_key):
        # A template without quotes is a mapping that is the key of a mapping: one mistake, seen several times.
        place = problem.place.line if problem.code == "PL-106" else problem.place
        once.setdefault((problem.code, place, problem.message), problem)
    found = list(once.values())
    if len(found) <= MAX_PROBLEMS:
        return found
    more = Problem("PL-212", "more problems than are shown", found[MAX_PROBLEMS].place, hint="repair these first")
    return [*found[:MAX_PROBLEMS], more]


# One document


def _document(part: reader.YamlDocument, spent: Spent) -> tuple[Document, list[Problem]]:
    value: Any = part.value
    problems = _top(value, part.places)
    fields = value if isinstance(value, dict) else {}
    kind, name = fields.get("kind"), fields.get("name")
    spec: Component | Operation | None = None
    if isinstance(kind, str) and kind in KINDS:
        spec, found = _parse(kind, value, part.places, spent)
        problems += found
    usable = None if problems or part.spoilt else spec
    return Document(part.index, _text(kind), _text(name), usable, part.places, value), problems


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _parse(kind: str, value: Any, places: Places, spent: Spent) -> tuple[Component | Operation | None, list[Problem]]:
    model: type[Component | Operation] = Component if kind == "component" else Operation
    try:
        return model.model_validate(value, context=spent), []
    except ValidationError as error:
        return None, faults.problems(error, model, value, places)


def _top(value: Any, places: Places) -> list[Problem]:
    """The rules that hold at the top of a document only."""
    place = places.value("")
    if not isinstance(value, dict):
        hint = "start with `version: 1.1` and `kind`"
        return [Problem("PL-203", f"a document must be a mapping, not {kind_of(value)}", place, hint=hint)]
    known = isinstance(value.get("kind"), str) and value["kind"] in KINDS
    problems = list(_version_faults(value, places, known=known))
    if "kind" not in value:
        hint = f"add `kind: {'component' if 'run' in value else 'operation'}`"
        problems.append(Problem("PL-202", "required field `kind` is missing", place, "/kind", hint))
    elif not known:
        problems.append(_unknown_kind(value["kind"], places.value("/kind")))
    return problems


def _version_faults(value: dict[Any, Any], places: Places, *, known: bool) -> Iterator[Problem]:
    """A version that is missing, empty or another one; what is not empty is left to the model of a known kind."""
    if "version" not in value:
        if not _is_preset(value):
            message = "required field `version` is missing"
            yield Problem("PL-202", message, places.value(""), "/version", "add `version: 1.1`")
    elif value["version"] is None or not (known or is_version(value["version"])):
        message, hint = refusal(value["version"])
        yield Problem("PL-207", message, places.value("/version"), "/version", hint)


def _unknown_kind(kind: object, place: Place) -> Problem:
    if not isinstance(kind, str):
        message = f"field `kind` must be a string, not {kind_of(kind)}"
        return Problem("PL-203", message, place, "/kind", f"use {listed(KINDS)}")
    near = nearest(kind, KINDS)
    hint = f"did you mean `{near}`?" if near else f"use {listed(KINDS)}"
    if kind in RUN_KINDS:
        hint = "use `component`; this is a kind of its `run`"
    if kind == _COMPILED:
        hint = "a compiled operation is what comes of a component and an operation: write those two"
    return Problem("PL-206", f"unknown kind `{short(kind)}`", place, "/kind", hint)
