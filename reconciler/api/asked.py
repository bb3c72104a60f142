"""What people may ask for: the verbs and their arguments, checked before anything is looked at. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from planner.canon import Json
from planner.model.backfill import MOST_AT_ONCE
from planner.spec.words import listed
from reconciler.api import problems

__all__ = ["LARGEST", "LARGEST_PLAN", "MOST_REFERENCES", "VERBS", "Request"]

LARGEST = 1_000_000
"""Bytes of a command."""

LARGEST_PLAN = 16 << 20
"""Bytes of a desired state that is to be planned: 2,000 DAGs of two nodes have 3 million."""

MOST_REFERENCES = 50
"""References whose contents are asked for at once: each may have 1 MB."""

_LONGEST_NAME = 1024
_MOST_PARAMS = 1000


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks for.

    Attributes:
        verb: one of `VERBS`.
        target: an operation, a run in any form that `find` knows, a hold, or "" for the whole project.
        args: by name; which ones a verb takes is in docs/api.md.
        by: who asks.
    """

    verb: str
    target: str
    args: Mapping[str, Json] = field(default_factory=dict)
    by: str = ""

    def __post_init__(self) -> None:
        """Check what can be checked without looking at anything.

        Raises:
            ApiError: a member is not allowed.
        """
        if self.verb not in VERBS:
            raise problems.bad(f"`{self.verb[:40]}` is not a command; use {listed(VERBS)}")
        known = _ARGS[self.verb]
        for name, value in self.args.items():
            if name not in known:
                takes = listed(known) if known else "none"
                raise problems.bad(f"`{self.verb}` has no argument `{name[:40]}`; it takes {takes}")
            known[name](name, value)
        if self.args.get("resume") is True and self.args.get("copy") is True:
            raise problems.bad(
                "`resume` goes on in the folder of the round before, and `copy` in one of its own: take one"
            )
        if len(self.target) > _LONGEST_NAME:
            raise problems.bad("the target is too long")


def _is_bool(name: str, value: Json) -> None:
    if not isinstance(value, bool):
        raise problems.bad(f"`{name}` is true or false")


def _is_text(name: str, value: Json) -> None:
    if not isinstance(value, str) or not value or len(value) > _LONGEST_NAME:
        raise problems.bad(f"`{name}` is a text")


def _is_mode(name: str, value: Json) -> None:
    if value != "all":
        raise problems.bad(f"`{name}` is `all`, or left out")


def _is_spec(name: str, value: Json) -> None:
    if value not in {"then", "now"}:
        raise problems.bad(f"`{name}` is `then` or `now`")


def _is_count(name: str, value: Json) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_AT_ONCE:
        raise problems.bad(f"`{name}` is a whole number from 1 to {MOST_AT_ONCE:,}")


def _is_seconds(name: str, value: Json) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(float(str(value))) or not 0 < float(str(value)) <= 3_155_760_000:
        raise problems.bad(f"`{name}` is a number of seconds above 0, up to a century")


def _is_params(name: str, value: Json) -> None:
    if not isinstance(value, Mapping) or not all(isinstance(item, str) for item in value.values()):
        raise problems.bad(f"`{name}` maps names to texts")
    if len(value) > _MOST_PARAMS:
        raise problems.bad(f"more than {_MOST_PARAMS} params")


_ARGS: Mapping[str, Mapping[str, Callable[[str, Json], None]]] = {
    "run": {"params": _is_params, "fresh": _is_bool},
    "backfill": {"from": _is_text, "to": _is_text, "concurrency": _is_count},
    "stop": {},
    "retry": {
        "mode": _is_mode,
        "node": _is_text,
        "spec": _is_spec,
        "resume": _is_bool,
        "copy": _is_bool,
        "wake": _is_bool,
    },
    "approve": {"baseline": _is_bool},
    "suspend": {"for": _is_seconds},
    "unsuspend": {},
}

VERBS = tuple(_ARGS)
"""What can be asked for."""
