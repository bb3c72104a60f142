"""Every setting of the daemon is in its page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from reconciler.settings import Backends, DaemonSettings

pytestmark = pytest.mark.unit

DOCS = Path(__file__).parents[2] / "docs"


def settings(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if kind is Backends:
            yield "backends.local"
        elif isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from (below for below in settings(kind))
        else:
            yield field.alias or name


@pytest.mark.parametrize("name", sorted(settings(DaemonSettings)))
def test_it_is_documented(name: str) -> None:
    rows = [line.split("|")[1] for line in (DOCS / "daemon.md").read_text().splitlines() if line.startswith("| `")]
    words = {word.strip(" `").rpartition(".")[2] for row in rows for word in row.split(",")}
    assert name.rpartition(".")[2] in words
