"""Texts changed without regard for their meaning, for fuzzing: bytes, lines, tokens."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.generate.dice import Dice

_TOKENS = re.compile(rb"[\w.-]+|[^\w\s]|\s+")
_ODD = (
    *[
        b"\x00",
        b"\xff",
        b"\xef\xbb\xbf",
        b"\t",
        b"\r",
        b"\xe2\x80\xa8",
        b"&a ",
        b"*a",
        b"<<: ",
        b"!!python/name:os ",
        b"!x",
    ],
    *[
        b"{{",
        b"}}",
        b"{% for",
        b"[",
        b"{",
        b"'",
        b'"',
        b"|",
        b">",
        b"%YAML 1.1\n",
        b"---\n",
        b"...\n",
        b"? ",
        b"- " * 80,
    ],
    *[
        b"9" * 400,
        b"1e999",
        b".nan",
        b"-.inf",
        b"0o17",
        b"2026-02-30",
        b"12:30:45",
        b"~",
        b"=",
        b"yes",
        b"0x_1",
        b"1__0",
    ],
)
_MOST = 200_000


def mutated(dice: Dice, text: bytes, most: int = 4) -> bytes:
    """The text after a few changes."""
    for _ in range(dice.whole(1, most)):
        text = dice.pick(_WAYS)(dice, text)[:_MOST]
    return text


def _bytes(dice: Dice, text: bytes) -> bytes:
    at = dice.whole(0, len(text))
    return text[:at] + bytes([dice.whole(0, 255)]) + text[at + dice.whole(0, 1) :]


def _odd(dice: Dice, text: bytes) -> bytes:
    at = dice.whole(0, len(text))
    return text[:at] + dice.pick(_ODD) + text[at:]


def _cut(dice: Dice, text: bytes) -> bytes:
    start = dice.whole(0, len(text))
    return text[:start] + text[start + dice.whole(0, 40) :]


def _lines(dice: Dice, text: bytes) -> bytes:
    lines = text.split(b"\n")
    one, other = dice.whole(0, len(lines) - 1), dice.whole(0, len(lines) - 1)
    match dice.pick(["swap", "repeat", "drop", "indent", "dedent"]):
        case "swap":
            lines[one], lines[other] = lines[other], lines[one]
        case "repeat":
            lines[other:other] = lines[one : one + 3]
        case "drop":
            del lines[one]
        case "indent":
            lines[one] = b"  " + lines[one]
        case _:
            lines[one] = lines[one].removeprefix(b"  ")
    return b"\n".join(lines)


def _tokens(dice: Dice, text: bytes) -> bytes:
    tokens = _TOKENS.findall(text)
    if not tokens:
        return text
    one, other = dice.whole(0, len(tokens) - 1), dice.whole(0, len(tokens) - 1)
    tokens[one] = tokens[other] if dice.chance(0.5) else dice.pick(_ODD)
    return b"".join(tokens)


_WAYS: tuple[Callable[[Dice, bytes], bytes], ...] = (_bytes, _odd, _cut, *[_lines] * 2, *[_tokens] * 2)
