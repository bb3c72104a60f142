"""From templates and values to HTML: everything is escaped, what cannot be seen is spelled out, links are our own.

All values that reach a page may be a stranger's words. What this must never do: print one as it is, or make a link of
one; `Markup` is made by Jinja alone, for what its own templates say.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from planner.render.foreign import visible
from planner.render.tone import tone
from reconciler.pages import words

__all__ = ["Asset", "Lines", "Rendering", "assets"]

_NAME = re.compile(r"[A-Za-z0-9_@:~-]+(/[A-Za-z0-9_@:~-]+)*")
"""What names of operations, runs and commits consist of; nothing else is made a link of."""
_KINDS = frozenset({"commits", "operations", "runs"})


@dataclass(frozen=True, slots=True)
class Lines:
    """A text whose lines are shown as lines."""

    text: str


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of ours that pages refer to by a name that changes with its content."""

    path: str
    data: bytes
    media_type: str


def assets() -> Mapping[str, Asset]:
    """The stylesheet and the icon."""
    kinds = {"style.css": "text/css", "icon.svg": "image/svg+xml"}
    return {name: _asset(name, kind) for name, kind in kinds.items()}


def _asset(name: str, media_type: str) -> Asset:
    data = (resources.files("reconciler.pages") / "templates" / name).read_bytes()
    stem, _, ending = name.partition(".")
    return Asset(f"/assets/{stem}-{hashlib.sha256(data).hexdigest()[:16]}.{ending}", data, media_type)


class Rendering:
    """Renders pages.

    Args:
        base: path below which browsers see them; "" for the root.
        common: what all pages show.
    """

    def __init__(self, base: str, common: Mapping[str, object]) -> None:
        self.base = base
        self.assets = assets()
        self._environment = Environment(
            loader=PackageLoader("reconciler.pages", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_finalized,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(common)
        self._environment.globals.update(
            base=base,
            style=f"{base}{self.assets['style.css'].path}",
            icon=f"{base}{self.assets['icon.svg'].path}",
            lines=Lines,
            link=self.link,
            size=words.size,
            state_class=tone,
            when=words.when,
        )

    def link(self, kind: str, name: str) -> str:
        """The address of a page of ours; "" where `name` cannot be that of one."""
        if kind not in _KINDS or len(name) > 1000 or not _NAME.fullmatch(name):
            return ""
        return f"{self.base}/{kind}/{quote(name, safe='/@:~')}"

    def render(self, template: str, values: Mapping[str, Any]) -> str:
        """The page."""
        return self._environment.get_template(template).render(values)


def _finalized(value: object) -> object:
    """What is printed for a value; Jinja escapes it after this."""
    match value:
        case Markup():
            return value
        case Lines():
            return "\n".join(_line(line) for line in value.text.split("\n"))
        case str():
            return value if value.isprintable() else visible(value)
        case None:
            return ""
        case _:
            return value


def _line(text: str) -> str:
    return text if text.isprintable() else "\t".join(map(visible, text.split("\t")))
