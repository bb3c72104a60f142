"""The YAML reader: bytes to plain values with places, within limits, and problems instead of exceptions.

It takes PyYAML's event stream and composes its own tree, because the loaders of PyYAML resolve YAML 1.1 words, take
duplicate keys silently and expand aliases without bounds. What it decides:

- Text is as `planner.spec.text` takes it; JSON is read as the YAML that it is.
- Values are those of the core schema (`planner.spec.scalars`). Only its tags are allowed.
- Keys are scalars and always text as written: `8080: x` and `"8080": x` are the same key, and so is `true: x` the
  key `true`. Empty keys without quotes, aliases and collections as keys are refused.
- Merge keys (`<<`) are taken: explicit keys win, then the earlier mapping of a list.
- Duplicate keys, recursive aliases, NUL and lone surrogates are refused.

With and without libyaml the values and their places are the same. The pure parser is stricter about tabs between the
words of a line and about `?` inside of text between brackets (`[a?]`), and for bad syntax it may blame a place nearby.
Behind a key that is nothing at all libyaml loses a bracket or a comma (`[? ]` is right by YAML 1.2), so a text that has
one is read by the pure parser.

This module must never judge what a value means, and never raise for any bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import yaml

from planner.errors import Place, Problem
from planner.spec import syntax
from planner.spec.compose import Composer, Events
from planner.spec.limits import Budget, Stop
from planner.spec.nodes import YamlDocument
from planner.spec.text import decode
from planner.spec.words import short

__all__ = ["Read", "YamlDocument", "read"]


@dataclass(frozen=True, slots=True)
class Read:
    """What a file holds: the documents up to the first syntax error, and all problems up to there."""

    documents: tuple[YamlDocument, ...]
    problems: tuple[Problem, ...]


_Parser = Callable[[str], Events]
_PURE: _Parser = yaml.SafeLoader
_FAST: _Parser = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(path: str, data: bytes) -> Read:
    """The documents of a file.

    Args:
        path: named in places; `.json` at its end allows what only JSON allows.
        data: the whole file.
    """
    return _read(path, data, _FAST)


_MOST_DIRECTIVES = 100
_DIRECTIVES = re.compile(rf"(?:^%[^\n]*\n){{{_MOST_DIRECTIVES}}}%", re.MULTILINE)
"""More lines of directives in a row than any file has: libyaml compares each with all before it."""


def _read(path: str, data: bytes, parser: _Parser) -> Read:
    text = decode(path, data)
    if isinstance(text, Problem):
        return Read((), (text,))
    if found := _DIRECTIVES.search(text):
        place = Place(path, text.count("\n", 0, found.start()) + _MOST_DIRECTIVES + 1, 1)
        message = f"more than {_MOST_DIRECTIVES} directives"
        return Read((), (Problem("PL-105", message, place, hint="remove the lines that start with `%`"),))
    budget = Budget()
    composer = Composer(path, budget)
    problems = budget.problems
    try:
        composer.stream(parser(text))
    except Stop as stop:
        problems.append(stop.problem)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(path, mark.line + 1, mark.column + 1) if mark else Place(path)
        problems.append(syntax.problem(text, str(error.problem or error.context or ""), place))
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        problems.append(Problem("PL-101", f"not valid YAML: {short(str(error))}", composer.here()))
    except (RecursionError, MemoryError):
        problems.append(Problem("PL-105", "too large to read", composer.here()))
    if composer.nameless and parser is not _PURE:
        return _read(path, data, _PURE)
    return Read(tuple(composer.documents), tuple(problems))
