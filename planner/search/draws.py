"""Chance that is computed: the same arguments give the same numbers on any machine and any Python.

A number is drawn by what it is for (a seed and a path of words and counts), never by how many were drawn before it. So
the order in which anything is asked for changes nothing. There is no generator, and no state.
"""

from __future__ import annotations

import hashlib
import struct

__all__ = ["permuted", "unit", "units", "whole_seed"]

_ROUNDS = 6
_SCALE = 2.0**-53


def _bytes(seed: str, path: tuple[str | int, ...], length: int) -> bytes:
    # Each part has its length before it: ("a", 11) and ("a1", 1) are two paths.
    parts = [str(part) for part in (seed, *path)]
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.shake_256(text.encode("utf-8", "surrogatepass")).digest(length)


def unit(seed: str, *path: str | int) -> float:
    """A number from 0 to below 1, all multiples of 2**-53 as likely."""
    return (int.from_bytes(_bytes(seed, path, 7), "big") >> 3) * _SCALE


def units(count: int, seed: str, *path: str | int) -> list[float]:
    """`count` such numbers at once, for what asks for thousands. The first ones are the same however many are asked."""
    found = struct.unpack(f">{count}Q", _bytes(seed, path, 8 * count))
    return [(number >> 11) * _SCALE for number in found]


def whole_seed(seed: str, *path: str | int) -> int:
    """A seed for the generator of a library: from 0 to below 2**32."""
    return int.from_bytes(_bytes(seed, path, 4), "big")


def permuted(seed: str, index: int, size: int) -> int:
    """Where `index` goes in an order by chance of the numbers from 0 to below `size`; no list is made.

    A Feistel network over the next power of four, walked until it comes out below `size`.
    """
    if not 0 <= index < size:
        raise ValueError(f"{index} is not below {size}")
    half = max(1, ((size - 1).bit_length() + 1) // 2)
    found = _mixed(seed, index, half)
    while found >= size:
        found = _mixed(seed, found, half)
    return found


def _mixed(seed: str, number: int, half: int) -> int:
    mask = (1 << half) - 1
    left, right = number >> half, number & mask
    for turn in range(_ROUNDS):
        noise = int.from_bytes(_bytes(seed, ("order", turn, right, half), (half + 7) // 8), "big") & mask
        left, right = right, left ^ noise
    return left << half | right
