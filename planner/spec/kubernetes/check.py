"""Whether a value is an object of a type of Kubernetes, and its canonical spelling. Linear in the size of the value.

A string with a template passes wherever it stands, since nobody knows yet what it will be: what it has become is looked
at again. Nothing is said here that only the API server can know, such as whether a name exists.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from planner.canon import Json
from planner.spec.kubernetes.types import Field, fields, is_type
from planner.spec.limits import MAX_PROBLEMS
from planner.spec.shape import is_template, printed, yes_no
from planner.spec.words import called, kind_of, listed, nearest, short

__all__ = ["Fault", "Looked", "check"]

_MOST = 4 * MAX_PROBLEMS
"""Faults that are told of one value."""
_INT64 = 2**63
_QUANTITY = re.compile(r"[0-9]{1,30}(?:\.[0-9]{0,30})?(?:[eE][-+]?[0-9]{1,3}|[numkMGTPE]|[KMGTPE]i)?|\.[0-9]{1,30}")
_PORT_NAME = re.compile(r"(?=[0-9-]{0,14}[a-z])[a-z0-9](?:[a-z0-9-]{0,13}[a-z0-9])?")

At = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a part of a value.

    Attributes:
        code: a key of `planner.codes.CODES`.
        message: one sentence; `{field}` in it stands for the name of the value as a whole.
        hint: what to do, or "".
        at: keys and indexes below the value, as they are written.
    """

    code: str
    message: str
    hint: str = ""
    at: At = ()


@dataclass(slots=True)
class Looked:
    """A value that was looked at.

    Attributes:
        value: in canonical spelling, without what is null; it counts only without faults.
        faults: in the order of the document.
        prints: whether scalars are taken where text is wanted, as they print.
    """

    value: Json
    faults: list[Fault] = field(default_factory=list)
    prints: bool = False

    def add(self, code: str, at: At, message: str, hint: str = "") -> None:
        """One more fault; `{field}` in its message becomes the name of what stands at `at`."""
        if len(self.faults) < _MOST:
            self.faults.append(Fault(code, message.replace("{field}", _called(at)), hint, at))


def check(value: Json, kind: str, *, prints: bool = False) -> Looked:
    """Look at a value.

    Args:
        value: plain data as written.
        kind: a type of the table, or a form of one: `Toleration[]`, `quantity{}`.
        prints: whether scalars are taken where text is wanted, as they print: what came out of a template is.

    Raises:
        KeyError: for a type that the table does not have.
    """
    looked = Looked(None, prints=prints)
    looked.value = _reader(kind)(value, (), looked)
    return looked


def _called(at: At) -> str:
    return called(at, "{field}")


_Reader = Callable[[Json, At, Looked], Json]
"""From a value and where it is to its canonical spelling; faults go to the third."""


@functools.cache
def _reader(of: str) -> _Reader:
    if of.endswith("[]"):
        return _list_of(of[:-2])
    if of.endswith("{}"):
        return _map_of(of[:-2])
    if of.startswith("|"):
        return _one_of(tuple(of[1:-1].split("|")))
    return _object(of) if is_type(of) else _SCALARS[of]


def _object(kind: str) -> _Reader:
    known = fields(kind)
    required = dict.fromkeys(one.name for one in known.values() if one.required)

    def read(value: Json, at: At, looked: Looked) -> Json:
        if not isinstance(value, dict):
            return _not("a mapping", value, at, looked)
        found: dict[str, Json] = {}
        strange: list[str] = []
        for key, inner in value.items():
            one = known.get(key)
            if one is None:
                strange.append(_unknown(key, known, at, looked))
            elif inner is not None:
                if one.name in found:
                    looked.add("PL-209", (*at, key), f"`{short(key)}` and another spelling of it", "remove one of them")
                found[one.name] = _reader(one.of)(inner, (*at, key), looked)
        for name in required:
            if name not in found and name not in strange:
                looked.add("PL-202", at, f"required field `{name}` is missing")
        return found

    return read


def _unknown(key: object, known: Mapping[str, Field], at: At, looked: Looked) -> str:
    """Tells of a field that there is none of; the name that was probably meant."""
    if len(looked.faults) >= _MOST:
        return ""
    names = list(dict.fromkeys(one.name for one in known.values()))
    near = nearest(str(key), names)
    hint = f"did you mean `{near}`?" if near else f"known fields: {', '.join(names)}"
    looked.add("PL-201", (*at, str(key)), f"unknown field `{short(str(key))}`", hint)
    return near


def _list_of(kind: str) -> _Reader:
    one = _reader(kind)

    def read(value: Json, at: At, looked: Looked) -> Json:
        if not isinstance(value, list | tuple):
            return _not("a list", value, at, looked)
        return [one(item, (*at, index), looked) for index, item in enumerate(value)]

    return read


def _map_of(kind: str) -> _Reader:
    one = _reader(kind)

    def read(value: Json, at: At, looked: Looked) -> Json:
        if not isinstance(value, dict):
            return _not("a mapping", value, at, looked)
        return {name: one(inner, (*at, name), looked) for name, inner in value.items() if inner is not None}

    return read


def _one_of(words: tuple[str, ...]) -> _Reader:
    known = frozenset(words)

    def read(value: Json, at: At, looked: Looked) -> Json:
        if not isinstance(value, str):
            return _not("a string", value, at, looked)
        if value not in known and not is_template(value):
            message, hint = f"`{short(value)}` is not allowed for {{field}}", f"use {listed(filter(None, words))}"
            looked.add("PL-204", at, message, hint)
        return value

    return read


def _not(wanted: str, value: Json, at: At, looked: Looked) -> Json:
    """What is none of the wanted type: a template, which may become one, or a fault."""
    if not is_template(value):
        hint = "quote it" if wanted == "a string" and isinstance(value, bool | int | float) else ""
        if wanted == "true or false":
            hint = yes_no(value)
        elif isinstance(value, str) and wanted in {"a whole number", "a port number"} and value.isdigit():
            hint = "remove the quotes"
        looked.add("PL-203", at, f"{{field}} must be {wanted}, not {kind_of(value)}", hint)
    return value


def _string(value: Json, at: At, looked: Looked) -> Json:
    if looked.prints and isinstance(value, bool | int | float):
        return printed(value)
    return value if isinstance(value, str) else _not("a string", value, at, looked)


def _boolean(value: Json, at: At, looked: Looked) -> Json:
    return value if isinstance(value, bool) else _not("true or false", value, at, looked)


def _integer(value: Json, at: At, looked: Looked) -> Json:
    if isinstance(value, bool) or not isinstance(value, int):
        return _not("a whole number", value, at, looked)
    if not -_INT64 <= value < _INT64:
        looked.add("PL-204", at, "{field} is larger than any number that Kubernetes takes")
    return value


def _quantity(value: Json, at: At, looked: Looked) -> Json:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return _not("an amount", value, at, looked)
    text = printed(value)
    if not is_template(text) and not _QUANTITY.fullmatch(text):
        looked.add("PL-204", at, f"`{short(text)}` is not an amount", "write a number, or one with a unit: 500m, 2Gi")
    return text


def _port(value: Json, at: At, looked: Looked) -> Json:
    if isinstance(value, bool) or not isinstance(value, int):
        return _not("a port number", value, at, looked)
    if not 1 <= value <= 65_535:
        looked.add("PL-204", at, "{field} must be a port number", "use 1 to 65535")
    return value


def _port_or_name(value: Json, at: At, looked: Looked) -> Json:
    if not isinstance(value, str) or value.isdigit():
        return _port(value, at, looked)
    if not is_template(value) and not _PORT_NAME.fullmatch(value):
        looked.add("PL-204", at, f"`{short(value)}` is not the name of a port", "use the `name` of a container's port")
    return value


def _int_or_string(value: Json, at: At, looked: Looked) -> Json:
    return value if isinstance(value, str) else _integer(value, at, looked)


def _anything(value: Json, at: At, looked: Looked) -> Json:
    return value if isinstance(value, dict) else _not("a mapping", value, at, looked)


_SCALARS: dict[str, _Reader] = {
    "string": _string,
    "boolean": _boolean,
    "integer": _integer,
    "quantity": _quantity,
    "port": _port,
    "port-or-name": _port_or_name,
    "int-or-string": _int_or_string,
    "object": _anything,
}
