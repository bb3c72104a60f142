"""Every setting of the daemon is in its page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from reconciler.settings import Backends, DaemonSettings, LocalBackend, RemoteAccess
from reconciler.settings_forge import ForgeSettings
from reconciler.telemetry import Metrics

pytestmark = pytest.mark.unit

DOCS = Path(__file__).parents[2] / "docs"


def settings(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if kind is Backends:
            yield "backends.local"
        elif kind is RemoteAccess:
            yield "repository.access"
        elif kind is ForgeSettings:
            yield "forge"
        elif isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from (below for below in settings(kind))
        else:
            yield field.alias or name


PAGES = [
    *(("daemon.md", name) for name in sorted(settings(DaemonSettings))),
    *(("local-backend.md", name) for name in sorted(settings(LocalBackend))),
    *(("forges.md", name) for name in sorted(settings(ForgeSettings))),
    *(("sources.md", name) for name in sorted(settings(RemoteAccess))),
]


@pytest.mark.parametrize(("page", "name"), PAGES, ids=[f"{page}-{name}" for page, name in PAGES])
def test_it_is_documented(page: str, name: str) -> None:
    rows = [line.split("|")[1] for line in (DOCS / page).read_text().splitlines() if line.startswith("| `")]
    words = {word.strip(" `").rpartition(".")[2] for row in rows for word in row.split(",")}
    assert name.rpartition(".")[2] in words


def test_every_metric_is_documented() -> None:
    page = (DOCS / "daemon.md").read_text()
    names = {metric.name for metric in Metrics().registry.collect()}
    assert {name for name in names if f"`{name}" not in page} == set()
