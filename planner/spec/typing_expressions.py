"""Types of inputs and outputs as they are written: a name, or an expression such as `Dict[str, List[int]]`.

The reference evaluates such expressions as Python (reference, section 8.1); here they are read by a small parser of
their own, of bounded length and depth. What the values of a type are is compile's question. This module must never
evaluate what a user wrote.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from planner.spec.clashes import fault
from planner.spec.words import nearest, short

__all__ = ["ANY", "COMPOSITE_TYPES", "CONSTRAINED_TYPES", "SIMPLE_TYPES", "Kind", "kind_of_io", "read_kind"]

SIMPLE_TYPES = (
    "str", "int", "float", "bool", "dict", "list", "any", "date", "datetime", "timedelta",
    "uuid", "email", "uri", "path", "metric", "metadata", "image", "gcs", "s3", "wasb", "auth",
)  # fmt: skip
"""Types of one value or a plain container (reference, section 8.1)."""
COMPOSITE_TYPES = ("git", "dockerfile", "artifacts", "event", "file", "tensorboard")
"""Types that are a section of their own (reference, section 8.2)."""
CONSTRAINED_TYPES = (
    "PositiveInt", "NegativeInt", "NonNegativeInt", "NonPositiveInt", "StrictInt",
    "PositiveFloat", "NegativeFloat", "NonNegativeFloat", "NonPositiveFloat", "StrictFloat", "FiniteFloat",
    "StrictBool", "StrictStr", "Json", "ByteSize", "none",
)  # fmt: skip
"""Names of expressions that take a part of a simple type, or write it in another way."""

_CONTAINERS = {"list": 1, "dict": 2, "set": 1, "tuple": None, "optional": 1, "union": None}
"""How many types may stand in the brackets; None for any number."""
_ALIASES = {
    "List": "list", "Dict": "dict", "Set": "set", "FrozenSet": "set", "frozenset": "set", "Tuple": "tuple",
    "Sequence": "list", "Mapping": "dict", "Optional": "optional", "Union": "union",
    "Any": "any", "None": "none", "NoneType": "none",
    "SecretStr": "str", "SecretBytes": "str", "StrictBytes": "StrictStr", "bytes": "str", "GenericStr": "str",
    "UUID": "uuid", "UUIDStr": "uuid", "EmailStr": "email", "Uri": "uri", "AnyUrl": "uri", "ImageStr": "image",
    "GcsPath": "gcs", "S3Path": "s3", "WasbPath": "wasb", "PastDate": "date", "FutureDate": "date",
    "PaymentCardNumber": "str",
}  # fmt: skip
"""Other names of a type. What compares with today or hides a value is read without that: a spec means the same on
every day, and whoever can read it can read its values."""
_SHOWN = {"list": "List", "dict": "Dict", "set": "Set", "tuple": "Tuple", "union": "Union", "any": "Any"}
_OTHER_WORDS = {
    "string": "str", "text": "str", "integer": "int", "number": "float", "double": "float", "boolean": "bool",
    "map": "dict", "object": "dict", "array": "list",
}  # fmt: skip
_INSTEAD_OF_LITERAL = "write the type of the value, and its `options` in `validation`"
_KNOWN = (*SIMPLE_TYPES, *COMPOSITE_TYPES, *CONSTRAINED_TYPES, *_ALIASES, "set", "tuple")

_TOKEN = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*|\.\.\.|[\[\],|])")
_LONGEST = 200
_DEEPEST = 8
_MOST = 16
"""Names in one expression: each of them is asked of each value."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A type.

    Attributes:
        name: of a simple, composite or constrained type, or `list`, `dict`, `set`, `tuple`, `union`.
        of: types of what is in it; empty for any. A `dict` has that of its keys and that of its values, a `union`
            those that it may be, and a `tuple` those of its items in order, or one and `many`.
        many: whether a tuple has any number of items.
    """

    name: str
    of: tuple[Kind, ...] = ()
    many: bool = False

    def __str__(self) -> str:
        if not self.of:
            return self.name
        if Kind("none") in self.of and self.name == "union":
            rest = tuple(one for one in self.of if one.name != "none")
            return f"Optional[{rest[0] if len(rest) == 1 else Kind('union', rest)}]"
        inner = [_SHOWN["any"] if one == ANY else str(one) for one in self.of]
        return f"{_SHOWN[self.name]}[{','.join([*inner, *(['...'] if self.many else [])])}]"


ANY = Kind("any")
"""The type that takes everything."""


@functools.lru_cache(maxsize=1_000)
def read_kind(text: str) -> Kind:
    """The type that a text is.

    Raises:
        PydanticCustomError: it is none.
    """
    if text in SIMPLE_TYPES or text in COMPOSITE_TYPES:
        return Kind(text)
    if len(text) > _LONGEST:
        raise fault("PL-204", f"a type of {len(text)} characters", f"use {_LONGEST} at most")
    if text.startswith("Literal"):
        raise fault("PL-204", f"unknown type `{short(text)}`", _INSTEAD_OF_LITERAL)
    reader = _Reader(text, _tokens(text))
    kind = reader.union(0)
    if reader.rest:
        raise reader.wrong(f"`{reader.rest[0]}` is not expected here")
    return kind


def kind_of_io(text: str | None, *, is_list: bool) -> Kind:
    """The type of an input or output with its `isList`: `isList` of X is `List[X]`."""
    kind = read_kind(text) if text else ANY
    return Kind("list", (kind,)) if is_list else kind


def _tokens(text: str) -> list[str]:
    found, at = [], 0
    end = len(text.rstrip())
    while at < end:
        token = _TOKEN.match(text, at)
        if token is None:
            raise _unreadable(text, f"`{short(text[at:].strip()[:1])}` has no place in it")
        found.append(token[1])
        at = token.end()
    return found


def _unreadable(text: str, why: str) -> Exception:
    return fault("PL-204", f"`{short(text)}` is not a type: {why}", "write one such as `int` or `List[float]`")


class _Reader:
    """Reads an expression from left to right."""

    def __init__(self, text: str, rest: list[str]) -> None:
        self.text = text
        self.rest = rest
        self.names = 0

    def wrong(self, why: str) -> Exception:
        return _unreadable(self.text, why)

    def union(self, depth: int) -> Kind:
        """Types with `|` between them, or one."""
        found = [self.one(depth)]
        while self.rest[:1] == ["|"]:
            self.rest.pop(0)
            found.append(self.one(depth))
        return found[0] if len(found) == 1 else _either(found)

    def one(self, depth: int) -> Kind:
        """A name, and what it has in brackets."""
        name = self.rest.pop(0) if self.rest else ""
        if not name[:1].isalpha() and name[:1] != "_":
            raise self.wrong(f"`{name}` is not a name" if name else "it ends early")
        self.names += 1
        if depth > _DEEPEST or self.names > _MOST:
            raise self.wrong(f"more than {_MOST if self.names > _MOST else _DEEPEST} types in one another")
        known = self._known(name)
        inner, many = self._inner(depth) if self.rest[:1] == ["["] else (None, False)
        return self._made(known, name, inner, many=many)

    def _known(self, name: str) -> str:
        known = _ALIASES.get(name, name)
        if known in _CONTAINERS or known in SIMPLE_TYPES or known in COMPOSITE_TYPES or known in CONSTRAINED_TYPES:
            return known
        near = nearest(name, (*_KNOWN, *_OTHER_WORDS))
        near = _OTHER_WORDS.get(near, near)
        hint = f"did you mean `{near}`?" if near else ""
        raise fault("PL-204", f"unknown type `{short(name)}`", hint)

    def _inner(self, depth: int) -> tuple[list[Kind], bool]:
        self.rest.pop(0)
        found, many = [self.union(depth + 1)], False
        while self.rest[:1] == [","]:
            self.rest.pop(0)
            if self.rest[:1] == ["..."]:
                self.rest.pop(0)
                many = True
                break
            found.append(self.union(depth + 1))
        if self.rest[:1] != ["]"]:
            raise self.wrong("a `]` is missing")
        self.rest.pop(0)
        return found, many

    def _made(self, known: str, name: str, inner: list[Kind] | None, *, many: bool) -> Kind:
        if inner is None:
            if known in {"optional", "union"}:
                raise self.wrong(f"`{name}` needs types in brackets")
            return Kind(known)
        if known not in _CONTAINERS:
            raise self.wrong(f"`{name}` has nothing in brackets")
        wanted = _CONTAINERS[known]
        if many and (known != "tuple" or len(inner) != 1):
            raise self.wrong("`...` stands behind the one type of a `Tuple`")
        if wanted is not None and len(inner) != wanted:
            raise self.wrong(f"`{name}` has {wanted} in brackets, not {len(inner)}")
        if known == "optional":
            return _either([*inner, Kind("none")])
        if known == "union":
            return _either(inner)
        return Kind(known, () if all(one == ANY for one in inner) and known in {"list", "set"} else tuple(inner), many)


def _either(kinds: list[Kind]) -> Kind:
    """Any of some types, each once."""
    flat = [inner for kind in kinds for inner in (kind.of if kind.name == "union" else (kind,))]
    found = tuple(dict.fromkeys(flat))
    return found[0] if len(found) == 1 else Kind("union", found)
