"""All texts of a gang in one value, so that they are rendered in one go, and back.

A gang's strings are template text. `spread` lays them out by their path, `gather` puts rendered values back as text:
words of a command that come out empty are dropped, a template that is all of `args` may become several words
(reference, section 9.1).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeGuard

from planner.canon import Json
from planner.compile.scope import escape, words
from planner.compile.template import Bound
from planner.model.gang import Container, Gang, Probe, Replica
from planner.spec.places import pointer

__all__ = ["gather", "is_final", "spread"]

_COMMANDS = frozenset({"command", "args"})
"""Words of further containers, which become text as those of the main one do."""
_AS_ARGS = re.compile(r"\{\{-?\s*params\.as_args\s*-?\}\}")


def is_final(gang: Gang) -> bool:
    """Whether there is nothing to evaluate in a gang and no word to drop: it is what rendering would make of it."""
    texts = [*gang.labels.values(), *gang.annotations.values()]
    for group in gang.replicas:
        one = group.container
        if "" in one.command or "" in one.args:
            return False
        texts += (one.image, one.working_dir, *one.command, *one.args)
        texts += (*one.env.values(), *one.resources.values(), *one.limits.values())
    if gang.probe is not None:
        if "" in gang.probe.command:
            return False
        texts += (gang.probe.http_path or "", *gang.probe.command)
    data = [gang.options, *(group.pod for group in gang.replicas)]
    return "{" not in "".join(texts) and not any(map(_has_brace, filter(None, data)))


def _has_brace(value: Json) -> bool:
    if isinstance(value, str):
        return "{" in value
    if isinstance(value, list | tuple):
        return any(map(_has_brace, value))
    return isinstance(value, dict | Mapping) and any(map(_has_brace, value.values()))


def spread(gang: Gang) -> dict[str, Json]:
    """The texts of a gang: `/replicas/main/args/0` and so on."""
    found: dict[str, Json] = {"replicas": {group.role: _group(group) for group in gang.replicas}}
    for name, texts in (("labels", gang.labels), ("annotations", gang.annotations)):
        if texts:
            found[name] = dict(texts)
    if gang.probe is not None:
        found["probe"] = {"path": gang.probe.http_path, "command": list(gang.probe.command)}
    if gang.options:
        found["options"] = gang.options
    return found


def gather(gang: Gang, bound: Bound, write: Callable[[str], str] = escape) -> Gang:
    """`gang` with the rendered texts of `spread(gang)`; what still waits stays template text.

    Args:
        gang: what was spread.
        bound: its texts, rendered.
        write: how final text is written: as template text, or as it is where nothing will read it again.
    """
    back = _Back(bound, write)
    replicas = tuple(_gathered(group, back.below("replicas", group.role)) for group in gang.replicas)
    return replace(
        gang,
        replicas=replicas,
        labels=back.below("labels").texts(gang.labels),
        annotations=back.below("annotations").texts(gang.annotations),
        probe=_probe(gang.probe, back.below("probe")),
        options=back.below("options").fields(gang.options),
    )


def _group(group: Replica) -> dict[str, Json]:
    found = _container(group.container)
    return {**found, "pod": group.pod} if group.pod else found


def _container(container: Container) -> dict[str, Json]:
    return {
        "image": container.image,
        "command": list(container.command),
        "args": list(container.args),
        "env": dict(container.env),
        "working_dir": container.working_dir,
        "resources": dict(container.resources),
        "limits": dict(container.limits),
    }


class _Back:
    """A part of a rendered value, with where it is."""

    def __init__(self, bound: Bound, write: Callable[[str], str], at: str = "", value: Json = None) -> None:
        self._bound = bound
        self._write = write
        self._at = at
        self._value = value if at else bound.value

    def below(self, *parts: str | int) -> _Back:
        value = self._value
        for part in parts:
            if isinstance(value, dict | Mapping):
                value = value.get(str(part))
            elif isinstance(value, Sequence) and not isinstance(value, str) and isinstance(part, int):
                value = value[part]
        return _Back(self._bound, self._write, self._at + pointer(*parts), value)

    @property
    def pending(self) -> bool:
        return self._at in self._bound.pending

    @property
    def value(self) -> Json:
        return self._value

    def text(self) -> str:
        if self.pending:
            assert isinstance(self._value, str)
            return self._value
        return self._write(words(self._value))

    def entry(self, name: str) -> str:
        value = self._value.get(name) if isinstance(self._value, dict) else None
        return value if _is_plain(value) else self.below(name).text()

    def data(self, written: Json) -> Json:
        """Plain data, its strings rendered; a template that is all of a string has the type of its value."""
        match written:
            case str():
                return self._value if self.pending else _written(self._value, self._write)
            case Mapping():
                return self.fields(written)
            case list() | tuple():
                return [item if _is_plain(item) else self.below(index).data(item) for index, item in enumerate(written)]
            case _:
                return written

    def fields(self, written: Mapping[str, Json]) -> dict[str, Json]:
        return {name: item if _is_plain(item) else self._field(name, item) for name, item in written.items()}

    def _field(self, name: str, written: Json) -> Json:
        part = self.below(name)
        if name in _COMMANDS and isinstance(written, list | tuple):
            texts = [item for item in written if isinstance(item, str)]
            return list(part.command(texts)) if len(texts) == len(written) else part.data(written)
        return part.data(written)

    def texts(self, names: Mapping[str, str]) -> dict[str, str]:
        return {name: self.entry(name) for name in names}

    def command(self, written: Sequence[str]) -> tuple[str, ...]:
        found: list[str] = []
        for index, word in enumerate(written):
            if _is_plain(word):
                found.append(word)
                continue
            part = self.below(index)
            spliced = len(written) == 1 or _AS_ARGS.fullmatch(word) is not None
            if spliced and not part.pending and isinstance(part.value, list | tuple):
                found += [self._write(words(item)) for item in part.value]
            else:
                found.append(part.text())
        return tuple(word for word in found if word)


def _written(value: Json, write: Callable[[str], str]) -> Json:
    """A value of a template, its strings written as final text."""
    match value:
        case str():
            return write(value)
        case Mapping():
            return {name: _written(item, write) for name, item in value.items()}
        case list() | tuple():
            return [_written(item, write) for item in value]
        case _:
            return value


def _is_plain(value: Json) -> TypeGuard[str]:
    """Whether a value is text without a brace, as nearly all are: it renders to itself, and is its own template."""
    return type(value) is str and "{" not in value


def _gathered(group: Replica, back: _Back) -> Replica:
    container = _rendered(group.container, back)
    pod = back.below("pod").fields(group.pod) if group.pod else group.pod
    return Replica(group.role, group.count, container, pod)


def _rendered(container: Container, back: _Back) -> Container:
    return Container(
        image=back.entry("image"),
        command=back.below("command").command(container.command),
        args=back.below("args").command(container.args),
        env=back.below("env").texts(container.env),
        working_dir=back.entry("working_dir"),
        resources=back.below("resources").texts(container.resources),
        limits=back.below("limits").texts(container.limits),
    )


def _probe(probe: Probe | None, back: _Back) -> Probe | None:
    if probe is None:
        return None
    path = None if probe.http_path is None else back.below("path").text()
    return replace(probe, http_path=path, command=back.below("command").command(probe.command))
