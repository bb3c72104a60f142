"""The texts of a value: where a backend looks for what an order names. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

__all__ = ["texts_of"]


def texts_of(value: object) -> Iterator[str]:
    """Every text of a value, however deep; of a mapping that of its values."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from texts_of(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from texts_of(one)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from texts_of(getattr(value, field.name))
