"""Words of strangers: wherever one is shown it is text, and nothing of it is a tag, an attribute or a link."""

from __future__ import annotations

import json
import string
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.keys import Key
from planner.model.metric import Metric
from reconciler.backends.memory import Program
from reconciler.pages.drawing import drawing_of
from reconciler.pages.made import Pager
from reconciler.pages.plain import plain
from reconciler.pages.rendering import Lines, Rendering
from reconciler.pages.tail import Tail, readable
from reconciler.pages.trials import trials_of
from reconciler.pages.words import cut, values_of
from tests.reconciler.api.support import World, job
from tests.reconciler.pages.support import Page, reading

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "' autofocus onfocus='alert(1)",
    "javascript:alert(1)",
    "</title></style></textarea><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "<!-- --><![CDATA[ ]]><?php ?>",
    "&lt;b&gt;&#60;script&#62;",
    "user\u202eexe.txt\u2066\u2069",
    "zero\u200bwidth\u00ad\ufeff",
    "bell\x07 escape\x1b[31mred\x1b[0m null\x00",
    "line\u2028separator\nbreak\rreturn\ttab",
    "http://evil.example/\n//evil.example",
    "`code` with ` one more",
    "\ud800 half",
]
HIDDEN = {"\u202e", "\u2066", "\u2069", "\u200b", "\u00ad", "\ufeff", "\x07", "\x1b", "\x00", "\u2028", "\ud800"}
NOW = "2026-11-26T17:00:00Z"

COMMON = {"project": "project", "instance": "test", "version": "1"}
AROUND = {"who": "", "made_at": NOW}


@pytest.fixture(scope="module")
def rendering() -> Rendering:
    return Rendering("", COMMON)


def run_values(text: str) -> Mapping[str, Any]:
    """The page of a run that says `text` wherever somebody else's words can be."""
    names = ("carriedFrom", "cachedFrom", "follows", "newestRound", "because", "reason", "commit", "operation", "kind")
    fields: dict[str, Any] = {
        **dict.fromkeys(names, text),
        "key": text,
        "id": text,
        "status": text,
        "openedAt": NOW,
        "startedAt": NOW,
        "finishedAt": NOW,
        "exitCode": text,
        "attemptList": [1, 2],
        "event": {"kind": text, "ref": text, "by": text},
        "trial": {"params": {text: text}, "from": 1},
    }
    stop = {"by": text, "reason": text}
    times = {"startedAt": NOW, "endedAt": NOW, "took": text}
    node = {"kind": text, "layer": 1, "trigger": text, "refused": "", "joins": 0}
    told = {"status": text, "run": text, "reason": text}
    nodes = [{**node, "path": text, "told": told}, {**node, "path": f"{text}/a", "told": told}]
    graph = {"kind": "dag", "nodes": nodes, "edges": []}
    curve = {"path": "", "words": text}
    return {
        "run": fields,
        "reasons": [text, text],
        "took": text,
        "attempts": [{**times, "number": 1, "exitCode": 1, "reason": text, "stop": stop, "message": cut(text)}],
        "inputs": values_of({text: text, f"{text}2": {text: text}}),
        "replicas": [{"image": text, "command": cut(text), "resources": cut({text: text}), "count": 1}],
        "outputs": values_of({text: [text]}),
        "metrics": {"rows": [{"name": text, "last": text, "step": 1, "curve": curve}], "more": True, "whole": False},
        "artifacts": [text],
        "left": {"names": [text], "files": 1, "size": 1, "more": True},
        "drawing": drawing_of(graph),
        "sweep": text,
        "trials": trials_of(sweep(text), Pager(1, 1)),
        "nodes": [{"id": text, "node": text, **told, "kind": text, **times, "carriedFrom": text}],
        "pager": Pager(1, 200, more=True, total=300),
        "log": Tail(Lines(readable(text.encode(errors="replace"))[0]), is_cut=True, failing=text),
    }


def sweep(text: str) -> Mapping[str, Any]:
    """What the API says of a sweep whose every word is somebody else's."""
    trial = {
        **dict.fromkeys(("run", "id", "status", "reason", "carriedFrom"), text),
        "number": 1,
        "value": 0.5,
        "latest": None,
        "seconds": 1.0,
        "params": {f"name {text}": text, f"list {text}": [text, {text: text}]},
    }
    param = {
        "name": text,
        "count": 1,
        "correlation": None,
        "choices": [{"value": text, "mean": 0.5, "count": 1}],
    }
    said = dict.fromkeys(("status", "search", "progress", "metric"), text)
    # Without a metric there is no column of it: a word of one letter at least.
    return {**said, "metric": f"m{text}", "best": trial, "trials": [trial, trial], "params": [param]}


def commit_values(text: str) -> Mapping[str, Any]:
    place = {"path": text, "line": 1, "column": 1, "severity": text, "code": text, "message": text, "hint": text}
    row = {"operation": text, "what": text, "state": text, "description": text, "at": NOW}
    said = {"commit": text, "state": text, "description": text, "branch": text, "plannedAt": NOW}
    counted = {"problems": 2, "firstProblem": text}
    return {
        "commit": {**said, **counted},
        "problems": [place],
        "rows": [row],
        "plan": {"lines": [text], "counts": [text], "unknown": 1},
        "text": Lines(text),
        "left": 1,
        "pager": Pager(1, 200, total=1),
        "changed": 1,
    }


def operation_values(text: str) -> Mapping[str, Any]:
    hold = {"hold": text, "since": NOW, "reason": text, "release": text}
    run = {"id": text, "key": text, "status": text, "openedAt": NOW, "took": text, "commit": text}
    return {
        "name": text,
        "found": {
            "state": text,
            "answer": text,
            "reasons": [text, text],
            "hold": hold,
            "kind": text,
            "path": text,
            "applied": {"generation": 1, "commit": text, "digest": "a"},
            "target": {"commit": text, "digest": "b"},
            "policy": {"run": text},
            "nextTicks": [NOW],
        },
        "drawing": None,
        "runs": [{**run, "because": text, "reason": text}],
        "pager": Pager(2, 50, more=True),
    }


def overview_values(text: str) -> Mapping[str, Any]:
    last = {"id": text, "key": text, "status": text}
    one = {"operation": text, "kind": text, "state": text, "last": last, "took": text, "nextTick": NOW, "why": text}
    hold = {"since": NOW, "reason": text, "operations": [text] * 12, "release": text}
    return {
        "status": {
            "project": text,
            "repository": text,
            "branch": text,
            "head": text,
            "source": {"seenAt": NOW},
            "problems": 1,
            "firstProblem": text,
            "holds": [hold],
        },
        "notes": [text],
        "operations": [one],
        "pager": Pager(1, 100, total=1),
        "commits": [{"commit": text, "state": text, "plannedAt": NOW, "description": text}],
        "now": datetime(2026, 11, 26, tzinfo=UTC),
    }


def head_values(text: str) -> Mapping[str, Any]:
    said = {"commit": text, "state": text, "description": text, "at": NOW, "base": text, "stale": True}
    head = {**said, "pulls": [text, text], "operations": [text]}
    return {"head": head, "text": Lines(plain(text))}


def problem_values(text: str) -> Mapping[str, Any]:
    return {"heading": text, "detail": text, "runs": [text]}


TEMPLATES = {
    "run.html": run_values,
    "commit.html": commit_values,
    "head.html": head_values,
    "operation.html": operation_values,
    "overview.html": overview_values,
    "problem.html": problem_values,
}


def shown(rendering: Rendering, template: str, text: str, *, who: str = "") -> Page:
    """The page, whose tags and attributes are all of those that ours have (`Page` sees to that)."""
    html = rendering.render(template, {**TEMPLATES[template](text), **AROUND, "who": who or text})
    return Page(html)


@pytest.mark.unit
@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_are_words(rendering: Rendering, template: str, text: str) -> None:
    page = shown(rendering, template, text)
    plain = shown(rendering, template, "plain words")
    # Just what the page has with any other words: nothing of them became a tag, a heading or a row.
    assert [head[:2] for head in page.heads] == [head[:2] for head in plain.heads]
    assert [len(cells) for cells in page.rows] == [len(cells) for cells in plain.rows]
    assert not HIDDEN & set(page.html)
    assert not any("evil" in link or "script" in link for link in page.links)


NASTY = st.text(
    st.one_of(st.characters(), st.sampled_from("<>&\"'`=/\\{}%#:;-\n\r\t \x00\x1b\u202e\u2028")), max_size=60
)


@pytest.mark.unit
@settings(max_examples=150, deadline=None)
@given(text=st.one_of(NASTY, st.sampled_from(HOSTILE)))
@pytest.mark.parametrize("template", TEMPLATES)
def test_no_words_become_a_tag_an_attribute_or_a_link_elsewhere(rendering: Rendering, template: str, text: str) -> None:
    page = shown(rendering, template, text)
    assert all(
        link.startswith(("/commits/", "/operations/", "/runs/", "/assets/", "?page=", "#main", "/sign-out"))
        or link == "/"
        for link in page.links
    )
    visible = set(page.html) - set(string.whitespace)
    assert all(letter.isprintable() for letter in visible)


@pytest.mark.unit
@settings(max_examples=100, deadline=None)
@given(name=NASTY)
def test_a_link_is_of_names_that_we_give_or_there_is_none(rendering: Rendering, name: str) -> None:
    for kind in ("runs", "operations", "commits", "javascript:", "..", "https://evil.example"):
        link = rendering.link(kind, name)
        assert not link or link.startswith(f"/{kind}/")
        assert ".." not in link
        assert "//" not in link


class _Hostile:
    """A backend whose runs say what strangers would."""

    def __init__(self, world: World, log: bytes, points: Sequence[Metric]) -> None:
        self._log, self._points = log, points
        world.backend.logs = self.logs  # type: ignore[method-assign]
        world.backend.metrics = self.metrics  # type: ignore[method-assign]

    async def logs(self, key: Key, *, follow: bool = False, tail: int | None = None) -> AsyncIterator[bytes]:
        yield self._log

    async def metrics(self, key: Key) -> AsyncIterator[Sequence[Metric]]:
        yield self._points


@pytest.mark.unit
@pytest.mark.anyio
async def test_a_run_that_says_hostile_things_has_a_page() -> None:
    everything = "\n".join(HOSTILE)
    outputs = {text.encode(errors="replace").decode(): text.encode(errors="replace").decode() for text in HOSTILE}
    program = Program(seconds=0.0, outputs=outputs)
    world = World(programs={"train": program})
    hostile = _Hostile(world, everything.encode(errors="replace"), [Metric(text[:30], 1.0) for text in HOSTILE[:-1]])
    assert hostile is not None
    world.push({"a.yaml": job("train"), "b.yaml": json.dumps({"kind": HOSTILE[0], HOSTILE[1]: HOSTILE[2]}).encode()})
    async with world.running() as api, reading(world) as browser:
        await api.until("train", "succeeded")
        page = await browser.get("/runs/train@g1")
        assert "<script>alert(1)</script>" in page.text
        assert "user\\u{202e}exe.txt" in page.text
        assert "escapered null\\u{0000}" in page.text.replace("bell\\u{0007} ", "")
        assert not HIDDEN & set(page.html)


@pytest.mark.unit
def test_a_log_is_lines_without_colours_and_with_progress_line_by_line() -> None:
    text, is_cut = readable(b"\x1b[1;32mok\x1b[0m\r\n10%\r20%\rdone\n\tindented\n")
    assert text == "ok\n10%\n20%\ndone\n\tindented"
    assert not is_cut


@pytest.mark.unit
def test_half_a_letter_and_half_a_line_at_a_cut_are_left_out() -> None:
    text, is_cut = readable("…half\nwhole\n".encode()[1:], cut=True)
    assert (text, is_cut) == ("whole", True)
