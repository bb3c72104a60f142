"""A browser without scripts: asks for pages, and holds each against what a page of ours may consist of."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import httpx

from reconciler.pages.app import pages_app
from reconciler.settings import Api, DaemonSettings, Pages
from reconciler.settings import Repository as RepositorySettings
from tests.reconciler.api.support import World

VOID = {"meta", "link", "input", "br"}
TAGS = {
    "html": {"lang"},
    "head": set(),
    "meta": {"charset", "name", "content", "http-equiv"},
    "title": set(),
    "link": {"rel", "href", "type"},
    "body": set(),
    "a": {"class", "href", "rel"},
    "header": set(),
    "div": {"class", "role", "aria-label", "aria-labelledby", "tabindex"},
    "nav": {"class", "aria-label"},
    "main": {"id", "tabindex"},
    "footer": set(),
    "form": {"class", "method", "action"},
    "label": {"for"},
    "input": {"id", "type", "name", "value", "autocomplete", "required", "maxlength", "autofocus", "aria-describedby"},
    "button": {"class"},
    "h1": set(),
    "h2": {"id"},
    "p": {"class", "id", "role"},
    "ul": {"class", "aria-labelledby"},
    "li": {"class"},
    "dl": {"class"},
    "dt": set(),
    "dd": {"class"},
    "span": {"class"},
    "strong": set(),
    "code": {"class"},
    "br": set(),
    "pre": {"class", "role", "aria-labelledby", "tabindex"},
    "time": {"datetime"},
    "table": set(),
    "thead": set(),
    "tbody": set(),
    "tr": set(),
    "th": {"scope", "class"},
    "td": {"class"},
    "svg": {"class", "viewbox", "width", "height", "role", "aria-label", "aria-hidden"},
    "g": {"class"},
    "rect": {"x", "y", "width", "height", "rx"},
    "path": {"class", "d"},
    "text": {"class", "x", "y"},
}
"""All that a page may have: no script, no style, no handler, nothing from elsewhere."""


@dataclass
class Page(HTMLParser):
    """A page, taken apart.

    Attributes:
        text: what it says.
        links: the addresses that it leads to.
        rows: the words of each row of its tables.
    """

    html: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    links: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[str] = []
        self._marked: dict[str, list[str]] = {}
        self.feed(self.html)
        self.close()
        assert self._open == [], f"not closed: {self._open}"
        self.text = " ".join("".join(self._all).split())

    @property
    def _all(self) -> list[str]:
        return self._marked.setdefault("text", [])

    def handle_decl(self, decl: str) -> None:
        assert decl == "doctype html"

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data!r}")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(f"a declaration: {data!r}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"an instruction: {data!r}")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {"path", "rect"}, tag
        self._check(tag, attrs)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._check(tag, attrs)
        if tag not in VOID:
            self._open.append(tag)
        if tag in {"h1", "h2"}:
            self.heads.append(f"{tag} ")
        if tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"}:
            self.rows[-1].append("")
        self._all.append(" " if tag not in {"a", "span", "time"} else "")

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> of nothing"
        assert self._open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        self._all.append(data)
        if {"td", "th"} & set(self._open):
            self.rows[-1][-1] = " ".join(f"{self.rows[-1][-1]} {data}".split())
        if self._open and {"h1", "h2"} & set(self._open):
            self.heads[-1] = f"{self.heads[-1].rstrip()} {' '.join(data.split())}".rstrip()

    def _check(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, f"<{tag}>"
        named = dict(attrs)
        assert len(named) == len(attrs), attrs
        assert set(named) <= TAGS[tag], f"<{tag} {attrs}>"
        for name in ("href", "action"):
            if name in named:
                value = named[name] or ""
                assert value.startswith(("/", "#", "?")), value
                assert not value.startswith(("//", "/\\")), value
                self.links.append(value)
        if "id" in named:
            self.ids.append(str(named["id"]))
        if tag == "input":
            self.fields[str(named["name"])] = str(named.get("value", ""))


def page(response: httpx.Response) -> Page:
    """The page of an answer, which has all that every answer has."""
    guarded(response)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    found = Page(response.text, response.status_code, response.headers)
    assert found.html.startswith('<!doctype html>\n<html lang="en">')
    assert len(set(found.ids)) == len(found.ids)
    assert [head[:2] for head in found.heads].count("h1") == 1
    return found


def guarded(response: httpx.Response) -> None:
    """Hold the headers of an answer against what every one of ours has."""
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "script-src" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["x-frame-options"] == "DENY"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["cache-control"] in {"no-store", "public, max-age=31536000, immutable"}


@dataclass
class Browser:
    """Somebody who reads pages."""

    client: httpx.AsyncClient

    async def get(self, path: str, status: int = 200, **headers: str) -> Page:
        """The page at `path`, which must have `status`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        response = await self.client.get(path, headers=named)
        assert response.status_code == status, response.text
        return page(response)


def configured(url: str | None = None, listen: str = "127.0.0.1:8061", tokens: Any = ()) -> DaemonSettings:
    """A configuration with pages."""
    return DaemonSettings(
        repository=RepositorySettings(url="/srv/project.git"),
        pages=Pages(url=url, listen=listen),
        api=Api(tokens=tokens),
    )


@contextlib.asynccontextmanager
async def reading(world: World, settings: DaemonSettings | None = None) -> AsyncIterator[Browser]:
    """Somebody who reads the pages of a world, on the machine of the daemon unless the settings say otherwise."""
    world.service.settings = settings or configured()
    base = urljoin(world.service.settings.pages.url or "http://127.0.0.1:8061", "/")
    transport = httpx.ASGITransport(pages_app(world.service), client=("127.0.0.1", 40_000))
    async with httpx.AsyncClient(transport=transport, base_url=base) as client:
        yield Browser(client)
