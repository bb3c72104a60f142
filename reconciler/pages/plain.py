"""A comment on a pull request as plain text: the Markdown that `planner.render.markdown` makes, and no other.

Pure, line by line, as values in it are a stranger's. What it gives is escaped like any other words: nothing here
decides that something is safe.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

__all__ = ["plain"]

_LINK = re.compile(r"\[([^\[\]\n]{0,300})\]\([^()\s]{0,600}\)")
_ALERT = re.compile(r"> \[!(\w+)\]")
_RULE = re.compile(r"\|[-|]+\|")
_FENCE = re.compile(r"`{3,}\w*")
_TAG = re.compile(r"</?(?:code|details|summary|sub|sup)>")
_HEAD = re.compile(r"#{1,6} ")
_GRAPH = "```mermaid"


def plain(markdown: str) -> str:
    """The text, without marks, links and pictures of graphs."""
    shown: list[str] = []
    for line in _lines(markdown):
        if line.strip() or (shown and shown[-1].strip()):
            shown.append(line)
    return "\n".join(shown).strip()


def _lines(markdown: str) -> Iterator[str]:
    is_graph = False
    for line in markdown.split("\n"):
        if is_graph or line == _GRAPH:
            is_graph = line != "```"
        elif not (_FENCE.fullmatch(line) or _RULE.fullmatch(line) or (line[:4] == "<!--" and line[-3:] == "-->")):
            yield _line(line)


def _line(line: str) -> str:
    if alert := _ALERT.fullmatch(line):
        return f"> {alert[1]}"
    text = _LINK.sub(r"\1", line.replace("<br>", "; ").replace("**", ""))
    return html.unescape(_HEAD.sub("", _TAG.sub("", text), count=1))
