"""Words of a command and values of variables, written so that Kubernetes hands them on as they stand.

Kubernetes makes `$(NAME)` into the value of a variable and `$$` into `$`. No other backend does, and the program of a
spec is to find the same words everywhere. Only a variable that Kubernetes alone looks up may be asked for so.
"""

from __future__ import annotations

import re
from collections.abc import Collection

__all__ = ["literal"]

_DOLLARS = re.compile(r"\$+")


def literal(text: str, looked_up: Collection[str] = ()) -> str:
    """`text` so that a container gets it as it is, but for `$(NAME)` of the variables `looked_up`."""
    if "$" not in text:
        return text

    def kept(found: re.Match[str]) -> str:
        run = found[0]
        if not text.startswith("(", found.end()):
            return run if len(run) == 1 else run * 2
        name = text[found.end() + 1 :].partition(")")[0]
        return run if len(run) == 1 and name in looked_up else run * 2

    return _DOLLARS.sub(kept, text)
