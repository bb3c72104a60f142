"""File modes as people write them: `0644`, `u+x`, `go-rwx,u=rw` (chmod of POSIX, without the umask)."""

from __future__ import annotations

import re

__all__ = ["changed"]

_CLAUSE = re.compile(r"([ugoa]*)([-+=])([rwxXst]*)")
_BITS = {"r": 0o444, "w": 0o222, "x": 0o111}
_WHO = {"u": 0o4700, "g": 0o2070, "o": 0o1007, "a": 0o7777}


def changed(mode: int, said: str) -> int:
    """`mode` after a change; set-user, set-group and sticky bits are never given.

    Raises:
        ValueError: `said` is no change of a mode.
    """
    if re.fullmatch(r"0?[0-7]{3,4}", said):
        return int(said, 8) & 0o777
    for clause in filter(None, said.split(",")):
        found = _CLAUSE.fullmatch(clause)
        if found is None:
            raise ValueError(f"{clause!r} is no change of a file's mode")
        who, how, what = found.groups()
        reach = 0
        for letter in who or "a":
            reach |= _WHO[letter]
        bits = sum(_BITS.get(letter, 0) for letter in set(what.replace("X", "x" if mode & 0o111 else ""))) & reach
        mode = mode | bits if how == "+" else mode & ~bits if how == "-" else (mode & ~reach) | bits
    return mode & 0o777
