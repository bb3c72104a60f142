"""Specs in the spelling of today: what older ones and the Python client write otherwise is renamed or moved.

Comments, order, quotes and blank lines stay. The converted text means the same: the loader takes both. What cannot be
changed without touching more than it should is left, as it is still valid. This module must never change a bad file.
"""

from __future__ import annotations

import functools
import types
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Union, get_args, get_origin

import yaml

from planner.canon import Json
from planner.errors import Problem
from planner.spec import text as reader
from planner.spec.anatomy import fields, sections
from planner.spec.component import Component
from planner.spec.edits import Edit, Source, applied
from planner.spec.forms import Forms
from planner.spec.io import IO
from planner.spec.kubernetes import Kubernetes
from planner.spec.kubernetes import types as kubernetes
from planner.spec.load import Loaded, load
from planner.spec.meaning import SAME_AS, meaning
from planner.spec.operation import Operation
from planner.spec.shape import Names, OrTemplate, Section, is_template

__all__ = ["Converted", "converted"]

_MOST_ROUNDS = 8
_MOVED: Mapping[str, str] = {"delayValidation": "delay", "options": "options"}
"""Fields of an input that belong in its `validation`."""
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE = "<<"


@dataclass(frozen=True, slots=True)
class Converted:
    """A spec file in the spelling of today.

    Attributes:
        data: of the file; as it was where it has problems.
        problems: of the file as it was.
        refused: whether the edits would have made another file of it, so that there are none.
    """

    data: bytes
    problems: tuple[Problem, ...]
    refused: bool = False


def converted(path: str, data: bytes) -> Converted:
    """Convert a spec file. The same file again changes nothing."""
    loaded = load(path, data)
    if not loaded.valid:
        return Converted(data, loaded.problems)
    mark = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
    made = mark + _rounds(path, data.decode("utf-8-sig")).encode()
    if made == data or _same(loaded, load(path, made)):
        return Converted(made, loaded.problems)
    return Converted(data, loaded.problems, refused=True)


def _same(before: Loaded, after: Loaded) -> bool:
    return after.valid and _meanings(before) == _meanings(after)


def _meanings(loaded: Loaded) -> list[Json]:
    return [meaning(document.spec) for document in loaded.documents]


def _rounds(path: str, text: str) -> str:
    """The text after as many rounds as it takes; "" where one of them made no YAML of it."""
    try:
        for _ in range(_MOST_ROUNDS):
            before = text
            text, settled = _round(path, before)
            if settled or text == before:
                break
    except yaml.YAMLError:
        return ""
    return text


def _round(path: str, text: str) -> tuple[str, bool]:
    """The text with the edits of all documents, and whether another round could find no more."""
    shown = reader.decode(path, text.encode())
    if not isinstance(shown, str) or len(shown) != len(text):
        return text, True  # JSON with halves of characters: places would be wrong
    edits: list[Edit] = []
    more = False
    source, merges, aliases = Source(text, path.endswith(".json")), _MERGE in text, "*" in text
    for node in yaml.compose_all(shown, _LOADER):
        if isinstance(node, yaml.MappingNode):
            kind = next((value.value for key, value in node.value if key.value == "kind"), "")
            walk = _Walk(source, _uses(node) if aliases else {}, merges)
            walk.visit(node, Component if kind == "component" else Operation)
            edits += walk.allowed()
            more = more or walk.more
    changed, whole = applied(text, edits)
    return changed, whole and not more


def _uses(root: yaml.Node) -> Mapping[int, int]:
    """How often each node is used, by identity: those with an anchor may be used several times."""
    uses = Counter([id(root)])
    open_ = [root]
    while open_:
        node = open_.pop()
        for inner in node.value if isinstance(node, yaml.CollectionNode) else ():
            for one in inner if isinstance(inner, tuple) else (inner,):
                uses[id(one)] += 1
                open_ += [one] if uses[id(one)] == 1 else []
    return uses


@dataclass(slots=True)
class _Walk:
    """Goes through a document along its models, and collects edits.

    Attributes:
        source: the text of the file.
        uses: how often each node is used, by identity; empty where none is used twice.
        merges: whether the file may have merge keys.
        more: whether these edits let further ones follow.
    """

    source: Source
    uses: Mapping[int, int]
    merges: bool
    more: bool = False
    _edits: list[tuple[tuple[int, ...], list[Edit]]] = field(default_factory=list)
    _visits: dict[int, list[Any]] = field(default_factory=dict)
    _shared: tuple[int, ...] = ()

    def allowed(self) -> list[Edit]:
        """The edits; none in a value that is used in several places as different things."""
        if not self.uses:
            return [edit for _, edits in self._edits for edit in edits]
        strange = {node for node, kinds in self._visits.items() if self.uses[node] > len(kinds) or len(set(kinds)) > 1}
        return [edit for shared, edits in self._edits if strange.isdisjoint(shared) for edit in edits]

    def _add(self, edits: list[Edit]) -> None:
        self._edits.append((self._shared, edits))

    def visit(self, node: yaml.Node, kind: Any) -> None:
        """A value of a type."""
        if not self.uses:
            self._enter(node, kind)
            return
        kinds = self._visits.setdefault(id(node), [])
        kinds.append(kind if isinstance(kind, str) else id(kind))
        if kinds[-1] in kinds[:-1]:
            return
        before = self._shared
        self._shared = (*before, id(node)) if self.uses[id(node)] > 1 else before
        self._enter(node, kind)
        self._shared = before

    def _enter(self, node: yaml.Node, kind: Any) -> None:
        if isinstance(kind, str):
            self._object(node, kind)
        elif kind is _NAMES:
            if not is_template(node.value):
                self._add(self.source.listed(node))
        elif isinstance(node, yaml.SequenceNode) and get_origin(kind) is tuple:
            for item in node.value:
                self.visit(item, _meant(get_args(kind)[0]))
        elif isinstance(node, yaml.MappingNode):
            self._mapping(node, kind)

    def _mapping(self, node: yaml.MappingNode, kind: Any) -> None:
        if get_origin(kind) is dict:
            for key, value in node.value:
                self.visit(value, kind if key.value == _MERGE else _meant(get_args(kind)[1]))
        elif section := _chosen(node, kind):
            self._section(node, section, kind)

    def _section(self, node: yaml.MappingNode, section: type[Section], kind: Any) -> None:
        names = _names(section)
        for key, value in node.value:
            name = names.get(key.value)
            if key.value == _MERGE:
                for one in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    self.visit(one, kind)
            elif name is not None:
                new = SAME_AS.get(section, {}).get(name, name)
                if new != key.value:
                    self._add(self.source.renamed(key, new))
                    self.more = self.more or new in _MOVED
                if name == "version" and value.value == "1.1":
                    self._add(self.source.number(value, "1.1"))
                self.visit(value, _field(section, name))
        if section is IO and not self.merges:  # what is merged would be covered by a `validation`
            self._add(self._validation(node))

    def _validation(self, node: yaml.MappingNode) -> list[Edit]:
        """The fields that belong in `validation`, moved there; what cannot be moved at once is for the next round."""
        by_name = {key.value: (key, value) for key, value in node.value}
        found = {inner: by_name[name] for name, inner in _MOVED.items() if name in by_name}
        into = by_name.get("validation")
        if into is not None:
            inside = {key.value for key, _ in into[1].value} if isinstance(into[1], yaml.MappingNode) else frozenset()
            outside = {inner: entry for inner, entry in found.items() if inner not in inside}
            edits = self.source.moved(node, outside, into)
            self.more = self.more or 0 < len(edits) <= len(outside)
            return edits
        while found:
            if edits := self.source.wrapped(node, found, "validation"):
                return edits
            del found[next(iter(found))]
        return []

    def _object(self, node: yaml.Node, kind: str) -> None:
        """An object of Kubernetes, or a form of one."""
        if isinstance(node, yaml.SequenceNode) and kind.endswith("[]"):
            for item in node.value:
                self.visit(item, kind.removesuffix("[]"))
        elif isinstance(node, yaml.MappingNode) and kubernetes.is_type(kind):
            known = kubernetes.fields(kind)
            for key, value in node.value:
                if key.value in known:
                    one = known[key.value]
                    self._add(self.source.renamed(key, one.name) if one.name != key.value else [])
                    self.visit(value, one.of)


_NAMES = object()
"""Stands for a list of texts that may be written as one."""


@functools.cache
def _names(section: type[Section]) -> Mapping[str, str]:
    """The YAML names of fields by all their spellings."""
    return {spelling: name for name, attribute in fields(section).items() for spelling in (attribute, name)}


@functools.cache
def _field(section: type[Section], name: str) -> Any:
    found = section.model_fields[fields(section)[name]]
    return _meant(found.annotation, tuple(found.metadata))


@functools.cache
def _sections(kind: Any) -> tuple[type[Section], ...]:
    return tuple(sections(kind))


def _chosen(node: yaml.MappingNode, kind: Any) -> type[Section] | None:
    """The section that a mapping is: of several the one of its `kind`."""
    options = _sections(kind)
    if len(options) < 2:
        return options[0] if options else None
    tag = next((value.value for key, value in node.value if key.value == "kind"), "")
    return next((one for one in options if one.model_fields["kind"].default == tag), None)


def _meant(kind: Any, marks: tuple[Any, ...] = ()) -> Any:
    """What a type holds that is no template: sections, a collection, `_NAMES`, or the name of a type of Kubernetes."""
    for mark in marks:
        match mark:
            case OrTemplate():
                return _meant(mark.kind)
            case Forms():
                return mark.section
            case Kubernetes():
                return mark.kind
            case _:
                continue
    if kind == Names:
        return _NAMES
    if get_origin(kind) is Annotated:
        inner, *inside = get_args(kind)
        return _meant(inner, tuple(inside))
    if get_origin(kind) in {Union, types.UnionType}:
        rest = [one for one in get_args(kind) if one is not type(None)]
        return _meant(rest[0]) if len(rest) == 1 else kind
    return kind
