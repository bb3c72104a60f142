"""Stamps are taken off a log's lines, and no byte is lost or given twice, however a connection cuts it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.backends.kubernetes.podlogs import Lines

pytestmark = pytest.mark.unit


def stamp(number: int) -> bytes:
    return f"2026-11-26T06:00:00.{number:09d}Z ".encode()


TEXTS = st.lists(st.binary(max_size=20).map(lambda text: text.replace(b"\n", b"") + b"\n"), max_size=8)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    return [data[begin:end] for begin, end in zip([0, *places], [*places, len(data)], strict=True)]


@given(TEXTS, st.lists(st.integers(0, 400), max_size=6))
def test_stamps_go_and_the_rest_stays(texts, cuts):
    told = b"".join(stamp(number) + text for number, text in enumerate(texts))
    lines = Lines()
    assert b"".join(lines.read(piece) for piece in pieces(told, cuts)) == b"".join(texts)


@given(TEXTS, st.integers(0, 400), st.integers(0, 7))
def test_what_was_had_is_left_out_when_it_is_read_again(texts, cut, since):
    """The connection is lost anywhere; the server gives everything from the second of the last stamp on."""
    told = [stamp(number) + text for number, text in enumerate(texts)]
    whole = b"".join(told)
    lines = Lines()
    first = lines.read(whole[: cut % (len(whole) + 1)])
    had = first.count(b"\n")
    lines.begin()
    assert first + lines.read(b"".join(told[min(since, had) :])) == b"".join(texts)


def test_an_unfinished_line_is_given_at_once():
    lines = Lines()
    assert lines.read(stamp(1) + b"50 %") == b"50 %"
    assert lines.read(b"\r100 %") == b"\r100 %"
    assert lines.read(b"\n" + stamp(2)[:9]) == b"\n"
    assert lines.read(stamp(2)[9:] + b"done\n") == b"done\n"
    assert lines.last == stamp(2).decode().strip()
