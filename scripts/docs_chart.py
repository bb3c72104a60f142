"""Makes docs/chart.md: the values of the chart, from their schema and their defaults."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parents[1] / "charts" / "plumbline"
_HEAD = """\
# Values of the chart

Made from `charts/plumbline/values.schema.json` and `values.yaml` by `make docs`. [Installing](install.md) says how they
go together. A value that is not here is refused.

| Value | Default | Meaning |
|---|---|---|
"""


def page() -> str:
    """The text of the page."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    return _HEAD + "".join(f"| `{name}` | {shown} | {words} |\n" for name, shown, words in _rows(schema, defaults))


def _rows(schema: Mapping[str, Any], defaults: Any, at: str = "") -> Iterator[tuple[str, str, str]]:
    for name, said in schema["properties"].items():
        path, default = f"{at}{name}", (defaults or {}).get(name)
        if "properties" in said and isinstance(default, dict) and "description" not in said:
            yield from _rows(said, default, f"{path}.")
            continue
        yield path, _shown(default), said["description"]
        if "properties" in said and isinstance(default, dict) and name != "resources":
            yield from _rows(said, default, f"{path}.")


def _shown(default: Any) -> str:
    if default in (None, "", [], {}):
        return ""
    if isinstance(default, dict) and None in default.values():
        return ""
    text = default if isinstance(default, str) else yaml.safe_dump(default, default_flow_style=True).splitlines()[0]
    return f"`{text}`"
