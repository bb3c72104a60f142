"""Text of others in Markdown of ours: it is shown, and does nothing.

What a pull request says reaches its comment: names, reasons, values. In a comment a word can call a person, link to an
issue that is then told of it, fetch a picture or end a table. So whatever is not a plain word is shown as code, each
sign of it as a character reference: no forge looks for mentions or links there, and no sign can begin or end anything.
What it must never do: decide by what the text seems to be.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

__all__ = ["code", "fenced", "phrase", "visible"]

_PLAIN = re.compile(r"[(]?[A-Za-z]{1,30}(?:['-][A-Za-z]{1,30})*[)]?|\d{1,4}|\d{4}-\d\d-\d\d|\d\d:\d\d")
"""Words of a sentence, small numbers and instants; what is longer, or has letters and digits, may be a commit."""
_QUOTED = re.compile("`([^`]+)`")
_HARMLESS = frozenset(" ,/=+()-")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_TAIL = ",;:."


def visible(text: str) -> str:
    """The text on one line, with what cannot be seen or turns the direction of reading spelled out."""
    return "".join(letter if _is_visible(letter) else _spelled(letter) for letter in text)


def code(text: str) -> str:
    """The text as code, for any place in Markdown: a sentence, a cell of a table, a heading, HTML."""
    shown = "".join(
        letter if letter.isalnum() or letter in _HARMLESS else f"&#{ord(letter)};" for letter in visible(text)
    )
    return f"<code>{shown}</code>" if shown else ""


def phrase(text: str) -> str:
    """A sentence of ours with words of others in it: plain words as they are, anything else as code.

    What stands between backticks is code as a whole, without them.
    """
    parts = _QUOTED.split(visible(text))
    return "".join(code(part) if number % 2 else _words(part) for number, part in enumerate(parts))


def fenced(lines: Iterable[str], language: str = "") -> str:
    """Lines in a fence that none of them can close."""
    shown = [visible(line) for line in lines]
    longest = max((len(run) for line in shown for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join((f"{fence}{language}", *shown, fence))


def _words(text: str) -> str:
    parts: list[str] = []
    strange: list[str] = []
    for word in text.split(" "):
        bare = word.rstrip(_TAIL)
        is_plain = not bare or _PLAIN.fullmatch(bare) is not None
        if is_plain and strange:
            parts.append(_together(strange))
        (parts if is_plain else strange).append(word)
        if strange and bare != word:
            parts.append(_together(strange))
    return " ".join(parts + ([_together(strange)] if strange else []))


def _together(strange: list[str]) -> str:
    """The words that were gathered, as one piece of code, what ends the last one behind it; none are left."""
    text = " ".join(strange)
    strange.clear()
    bare = text.rstrip(_TAIL)
    return f"{code(bare)}{text[len(bare) :]}"


def _is_visible(letter: str) -> bool:
    return letter == " " or (unicodedata.category(letter) not in _INVISIBLE and not letter.isspace())


def _spelled(letter: str) -> str:
    return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(letter, f"\\u{{{ord(letter):04x}}}")
