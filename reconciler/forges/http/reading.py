"""Reading the body of an answer: never more of it than a cap, however it is packed, and only JSON counts.

The cap is on what is held in memory: a small body that unpacks to gigabytes is given up at the cap.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from typing import cast

from planner.canon import Json

__all__ = ["TooLargeError", "is_json", "parse", "read"]

_GZIP = 31
"""Window of zlib that takes a gzip header."""


class TooLargeError(Exception):
    """The body has more bytes than the cap, or is packed in a way that was not asked for."""


async def read(body: object, encoding: str, most: int) -> bytes:
    """The body of an answer, unpacked.

    Args:
        body: the stream of it, which is left as soon as it is too much.
        encoding: its `content-encoding`.
        most: bytes that are taken.

    Raises:
        TooLargeError: it has more, or its packing is none that was asked for, or broken.
    """
    if encoding.strip().lower() not in {"", "identity", "gzip"}:
        raise TooLargeError
    unpack = zlib.decompressobj(_GZIP) if "gzip" in encoding.lower() else None
    data = bytearray()
    chunks_of = cast("AsyncGenerator[bytes, None]", aiter(cast("AsyncIterable[bytes]", body)))
    async with aclosing(chunks_of) as chunks:
        async for chunk in chunks:
            try:
                data += chunk if unpack is None else unpack.decompress(chunk, most + 1 - len(data))
            except zlib.error:
                raise TooLargeError from None
            if len(data) > most:
                raise TooLargeError
    return bytes(data)


def is_json(content_type: str) -> bool:
    """Whether a `content-type` says JSON, in any of its dialects."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def parse(data: bytes) -> Json:
    """The value of a body.

    Raises:
        ValueError: it is no JSON, or nested beyond all sense.
    """
    try:
        value: Json = json.loads(data)
    except RecursionError:
        raise ValueError("nested too deep") from None
    return value
