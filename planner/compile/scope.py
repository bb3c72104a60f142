"""The variables that templates see: inputs by name, `params.*` and `globals.*` (reference, section 9.3).

Values that wait for a start are symbols. Values that are templates themselves are evaluated here, in the order in which
they need each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from planner.canon import Json
from planner.compile.template import Bound, Budget, Flaw, Symbol, bind, is_template
from planner.compile.template.symbols import Partial
from planner.compile.template.values import text
from planner.model.desired import Input
from planner.spec.places import pointer

__all__ = [
    "UNKNOWN",
    "Growing",
    "Settled",
    "escape",
    "final",
    "has_template",
    "later",
    "scope_of",
    "settle",
    "strings",
    "words",
]

UNKNOWN = "unknown."
"""How symbols begin that stand for an input with a problem, or for one of a component that is looked at by itself."""

_FORMS = ("value", "as_str", "as_arg")
_PARAMS = "params."
_MOST_TURNS = 64
"""How deep values may be built on one another."""
_BRACE = re.compile(r"\{(?=[{%#])|\r")


def words(value: Json) -> str:
    """A value as text: as templates print it."""
    return value if type(value) is str else text(value, Budget())


def escape(literal: str) -> str:
    """Template text that evaluates to `literal`, and is `literal` where that has nothing to evaluate."""
    if not is_template(literal):
        return literal
    return _BRACE.sub(lambda found: "{{ '\\r' }}" if found[0] == "\r" else "{{ '{' }}", literal)


def final(bound: Bound) -> Json:
    """The value with everything escaped but the templates that wait: evaluating it again changes nothing else."""
    return _final(bound.value, bound.pending, "")


def strings(value: Json, at: str = "") -> Iterator[tuple[str, str]]:
    """Every string of a value, with its JSON pointer."""
    match value:
        case str():
            yield at, value
        case list() | tuple():
            for index, item in enumerate(value):
                yield from strings(item, f"{at}/{index}")
        case dict() | Mapping():
            for key, item in value.items():
                yield from strings(item, at + pointer(key))
        case _:
            pass


def has_template(value: Json) -> bool:
    """Whether some string of a value has something to evaluate."""
    match value:
        case str():
            return "{" in value and is_template(value)
        case None | int() | float():
            return False
        case dict() | Mapping():
            return any(map(has_template, value.values()))
        case list() | tuple():
            return any(map(has_template, value))
        case _:
            return False


def _final(value: Json, pending: Mapping[str, object], at: str) -> Json:
    match value:
        case str():
            return value if at in pending else escape(value)
        case Mapping():
            return {key: _final(item, pending, at + pointer(key)) for key, item in value.items()}
        case list() | tuple():
            return [_final(item, pending, f"{at}/{index}") for index, item in enumerate(value)]
        case _:
            return value


def later(names: Iterable[str], prefix: str = "params.") -> dict[str, Symbol]:
    """Symbols for inputs that are known later."""
    return {name: Symbol(f"{prefix}{name}") for name in names}


def scope_of(
    inputs: Sequence[Input], values: Mapping[str, Json], later: Mapping[str, Symbol], known: Mapping[str, Partial]
) -> Mapping[str, Partial]:
    """The scope of one run.

    Args:
        inputs: every input, in order.
        values: those that are known.
        later: symbols of those that are known later; the others have no value at all.
        known: what `globals` holds.
    """
    return Growing(inputs, values, later, known).scope


class Growing:
    """The scope of one run while its values come to be known; see `scope_of`.

    Attributes:
        scope: as it is now; what is told changes it.
    """

    def __init__(
        self,
        inputs: Sequence[Input],
        values: Mapping[str, Json],
        later: Mapping[str, Symbol],
        known: Mapping[str, Partial],
    ) -> None:
        self._inputs = {item.name: item for item in inputs}
        self._params: dict[str, Partial] = {}
        self._arguments: dict[str, Partial] = {}
        self.scope: dict[str, Partial] = {}
        for name, item in self._inputs.items():
            symbol = later.get(name)
            self._set(item, *(_known(item, values.get(name)) if symbol is None else _waiting(symbol)))
        self.scope["params"] = self._params
        self.scope["globals"] = known
        self.tell({})

    def tell(self, values: Mapping[str, Json]) -> None:
        """These inputs have values now."""
        for name in values.keys() & self._inputs.keys():
            self._set(self._inputs[name], *_known(self._inputs[name], values[name]))
        self._params["as_args"] = [one for one in self._arguments.values() if not (one is None or one == "")]

    def _set(self, item: Input, shown: Partial, entry: Mapping[str, Partial]) -> None:
        self._params[item.name] = {**entry, "type": item.type or None, "connection": item.connection}
        self.scope[item.name] = shown
        if item.role == "input":
            self._arguments[item.name] = entry["as_arg"]


def _waiting(symbol: Symbol) -> tuple[Symbol, Mapping[str, Partial]]:
    return symbol, dict.fromkeys(_FORMS, symbol)


def _known(item: Input, value: Json) -> tuple[Json, Mapping[str, Partial]]:
    """What a known value is under its bare name, and in its forms."""
    argument = _argument(item, value)
    forms = (value, None if value is None else words(value), argument)
    return _shown(item, value, argument), dict(zip(_FORMS, forms, strict=True))


def _shown(item: Input, value: Json, argument: Json) -> Json:
    """The value under the bare name: flags as their argument, typed text as text."""
    if item.is_flag:
        return argument
    return words(value) if item.type == "str" and not item.is_list and value is not None else value


def _argument(item: Input, value: Json) -> Json:
    if value is None:
        return None
    if item.arg_format is not None:
        bound = bind(item.arg_format, {item.name: value})
        return item.arg_format if bound.flaws else words(bound.value)
    if item.is_flag:
        return f"--{item.name}" if value else ""
    return f"--{item.name}={words(value)}"


@dataclass(slots=True)
class Settled:
    """What came of values that are templates.

    Attributes:
        values: those that are known now.
        waiting: those that wait for globals or other inputs, as template text.
        flaws: what is wrong with those that are in neither, by name.
        circular: names that need each other.
        deep: names that are built on others in more turns than are taken.
    """

    values: dict[str, Json] = field(default_factory=dict)
    waiting: dict[str, Json] = field(default_factory=dict)
    flaws: dict[str, tuple[Flaw, ...]] = field(default_factory=dict)
    circular: tuple[str, ...] = ()
    deep: tuple[str, ...] = ()


def settle(
    texts: Mapping[str, Json], growing: Growing, accept: Callable[[str, Json], Json], budget: Budget | None = None
) -> Settled:
    """Evaluate values that are templates, each after those that it needs.

    Args:
        texts: template text by name of the input.
        growing: the scope, in which all of them are known later; it is told their values.
        accept: what an evaluated value becomes under its name: its type is checked there.
        budget: what it may cost in all; without one, as much as `Budget()` has.
    """
    done, budget = Settled(), budget or Budget()
    left, behind = dict(texts), dict.fromkeys(texts, frozenset[str]())
    for turn in range(_MOST_TURNS + 1):
        ready = [name for name in left if not any(other in left for other in behind[name])]
        if not ready:
            done.circular = tuple(left)
            break
        if turn == _MOST_TURNS:
            done.deep = tuple(left)
            break
        unsettled = frozenset(left)  # the scope of this turn has none of them, whatever becomes of them meanwhile
        found: dict[str, Json] = {}
        for name in ready:
            value = left[name]
            bound = bind(value, growing.scope, budget)
            behind[name] = frozenset(other[len(_PARAMS) :] for other in bound.waiting_on if other.startswith(_PARAMS))
            if not bound.flaws and not behind[name].isdisjoint(unsettled):
                continue
            del left[name]
            if bound.flaws:
                done.flaws[name] = bound.flaws
            elif bound.pending:
                done.waiting[name] = final(bound)
            else:
                found[name] = accept(name, bound.value)
        growing.tell(found)
        done.values.update(found)
    return done
