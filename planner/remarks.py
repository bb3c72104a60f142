"""What a comment on a pull request asks for: lines that begin with `/plumbline`. Decides nothing about who may.

A word that is quoted, shown as code or hidden is nobody's command. Where Markdown leaves that in doubt the line counts
as quoted: a command that is not obeyed is written again, one that nobody gave cannot be taken back. It must never
raise, whatever it reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["MOST", "VERBS", "Wish", "wishes_of"]

MOST = 10
"""Commands of one comment that are heard."""
VERBS = ("plan", "retry", "approve", "help")

_WORD = "/plumbline"
_LONGEST = 1024
_LINES = re.compile("\r\n|\r|\n")
_LISTED = r" *(?:(?:[-+*]|\d{1,9}[.)]) +)*"
_FENCE = re.compile(rf"(?P<before>{_LISTED})(?P<fence>`{{3,}}|~{{3,}})(?P<rest>.*)", re.DOTALL)
_QUOTE = re.compile(rf"{_LISTED}>")
_TAGS = (
    "pre|code|blockquote|q|samp|kbd|xmp|del|s|strike|script|style|textarea|details|template|noscript|iframe|svg|math"
)
_HIDING = re.compile(rf"<!--|<(?P<tag>{_TAGS})\b", re.IGNORECASE)
_TICKS = re.compile("`+")


@dataclass(frozen=True, slots=True)
class Wish:
    """A command as it was written.

    Attributes:
        verb: one of `VERBS`; "" for what is none.
        target: an operation, a run or a hold; "" where the verb takes none.
        text: the line, cut where it is long. A stranger's words.
    """

    verb: str
    target: str
    text: str


def wishes_of(body: str) -> tuple[Wish, ...]:
    """The commands of a comment, in order, `MOST` at most; the same one twice is one."""
    found: dict[Wish, None] = {}
    for line in _own_lines(body):
        wish = _wish(line)
        if wish is not None:
            found.setdefault(wish)
        if len(found) >= MOST:
            break
    return tuple(found)


def _wish(line: str) -> Wish | None:
    words = line.split()
    if not words or words[0] != _WORD or not line.startswith(_WORD):
        return None
    text = line.strip()[:_LONGEST]
    verb, rest = (words[1], words[2:]) if len(words) > 1 else ("", [])
    takes = verb in {"retry", "approve"}
    if verb not in VERBS or len(rest) != takes or any(len(word) > _LONGEST for word in rest):
        return Wish("", "", text)
    return Wish(verb, rest[0] if takes else "", text)


def _own_lines(body: str) -> Iterator[str]:
    """Lines that are neither quoted nor code nor hidden."""
    fence: tuple[int, str] | None = None
    hidden: _Hidden | None = None
    quoted = several = False
    for raw in _LINES.split(body):
        line = raw.expandtabs(4)
        if fence is not None:
            fence = None if _closes(line, *fence) else fence
            continue
        if hidden is not None:
            hidden = hidden.after(line)
            continue
        if line.strip() == ">>>":  # GitLab's quotes of several lines
            several = not several
            continue
        fence = None if several else _fence(line)
        if several or fence is not None:
            continue
        hidden = _hides(line)
        # The lines that follow a quote, or an open piece of code, go on with it until one is empty.
        quoted = bool(line.strip()) and (quoted or _QUOTE.match(line) is not None)
        if hidden is None and not quoted:
            yield raw
        quoted = quoted or _is_open(line)


def _fence(line: str) -> tuple[int, str] | None:
    """The column and the signs of a fence that begins here."""
    found = _FENCE.fullmatch(line)
    if found is None or (found["fence"][0] == "`" and "`" in found["rest"]):
        return None
    return len(found["before"]), found["fence"]


def _closes(line: str, column: int, fence: str) -> bool:
    """Whether it ends the fence: in another column it may be another list's, and begin one."""
    bare = line.strip(" ")
    indent = len(line) - len(line.lstrip(" "))
    fits = indent <= 3 if column == 0 else indent == column
    return fits and len(bare) >= len(fence) and set(bare) == {fence[0]}


def _is_open(line: str) -> bool:
    """Whether a piece of code begins in this line that may end in another."""
    runs = [len(run) for run in _TICKS.findall(line)]
    while runs:
        first = runs.pop(0)
        if first not in runs:
            return True
        del runs[: runs.index(first) + 1]
    return False


@dataclass(frozen=True, slots=True)
class _Hidden:
    """Something that was begun `depth` times more than it was ended; "" is a comment of HTML, which ends once."""

    tag: str
    depth: int = 1

    def after(self, line: str) -> _Hidden | None:
        """What is left of it behind a line."""
        low = line.lower()
        if not self.tag:
            return None if "-->" in low else self
        begun = len(re.findall(rf"<{self.tag}\b", low))
        depth = self.depth + begun - low.count(f"</{self.tag}")
        return _Hidden(self.tag, depth) if depth > 0 else None


def _hides(line: str) -> _Hidden | None:
    """What this line begins and does not end."""
    place = 0
    while (found := _HIDING.search(line, place)) is not None:
        left = _Hidden((found["tag"] or "").lower()).after(line[found.end() :])
        if left is not None:
            return left
        place = found.end()
    return None
