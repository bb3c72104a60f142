"""What is written under the fields of a section: their documentation, read from the source when somebody asks.

Reading it when the models are made would cost every start of every program a fifth of its imports, and nothing but
the schema for editors needs it. This module must never know a particular section.
"""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from collections.abc import Mapping

__all__ = ["described"]


def described(kind: type) -> Mapping[str, str]:
    """The docstrings of a class's fields by attribute name; those of its base classes where it has none of its own."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        own = _own(base) if base.__module__.startswith(_PACKAGE) else {}
        found = {name: text for name, text in found.items() if name not in _fields(base)} | dict(own)
    return found


_PACKAGE = "planner."


def _fields(kind: type) -> Mapping[str, object]:
    return inspect.get_annotations(kind)


@functools.cache
def _own(kind: type) -> Mapping[str, str]:
    try:
        source = textwrap.dedent(inspect.getsource(kind))
    except (OSError, TypeError):
        return {}  # made without a source file
    (tree,) = ast.parse(source).body
    assert isinstance(tree, ast.ClassDef)
    pairs = zip(tree.body, tree.body[1:], strict=False)
    return {
        field.target.id: inspect.cleandoc(below.value.value)
        for field, below in pairs
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str)
    }
