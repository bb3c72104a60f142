"""What a container is, from the engine's own description of it. Pure: JSON in, a value out.

Docker and Podman spell the same things differently: states, instants that never were, exit codes that nobody knows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

__all__ = ["Box", "Stage", "box_of", "stage_of", "start_failure"]

_STAGES: Mapping[str, str] = {
    "created": "created",
    "configured": "created",
    "initialized": "created",
    "running": "running",
    "restarting": "running",
    "paused": "running",
    "stopping": "running",
    "exited": "exited",
    "stopped": "exited",
    "dead": "exited",
    "removing": "exited",
}
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[-+]\d\d:?\d\d)")
_OF_PROGRAM = re.compile(r'exec:? "|exec /|chdir to cwd', re.IGNORECASE)
"""How runtimes begin what they say of a program; a mount that is missing is not its fault."""
_MISSING = re.compile(r"not found|no such file or directory", re.IGNORECASE)


class Stage(StrEnum):
    """How far a container has come."""

    CREATED = "created"  # its program never ran, as far as the engine knows
    RUNNING = "running"
    EXITED = "exited"


@dataclass(frozen=True, slots=True)
class Box:
    """A container as it was looked at.

    Attributes:
        id: the engine's; a container that is made anew under the same name has another one.
        labels: whose it is.
        stage: how far it has come.
        started_at: seconds since 1970 at which its program began; None where it never did.
        ended_at: at which it ended; None where that is not known.
        code: exit code; None where nobody knows.
        out_of_memory: whether the kernel ended it for its memory.
        message: what the engine says of it, or "".
        image: id of its image.
    """

    id: str
    labels: Mapping[str, str]
    stage: Stage
    started_at: float | None = None
    ended_at: float | None = None
    code: int | None = None
    out_of_memory: bool = False
    message: str = ""
    image: str = ""

    @property
    def has_run(self) -> bool:
        """Whether its program ever began."""
        return self.started_at is not None or self.stage is not Stage.CREATED


def box_of(found: Mapping[str, Any]) -> Box:
    """What `GET /containers/ID/json` says."""
    state = found.get("State") or {}
    started, ended = _instant(state.get("StartedAt")), _instant(state.get("FinishedAt"))
    stage = stage_of(str(state.get("Status", "")))
    if stage is Stage.RUNNING and not state.get("Running", True) and not state.get("Paused", False):
        stage = Stage.EXITED if ended is not None else Stage.CREATED
    code = state.get("ExitCode")
    known = stage is Stage.EXITED and isinstance(code, int) and 0 <= code <= 255
    return Box(
        id=str(found.get("Id", "")),
        labels=(found.get("Config") or {}).get("Labels") or {},
        stage=stage,
        started_at=started,
        ended_at=_end(started, ended) if stage is Stage.EXITED else None,
        code=code if known else None,
        out_of_memory=state.get("OOMKilled") is True,
        message=" ".join(str(state.get("Error") or "").split()),
        image=str(found.get("Image", "")),
    )


def stage_of(status: str) -> Stage:
    """The stage of a state in the engine's words. One that is not known counts as running: nobody takes it for over."""
    return Stage(_STAGES.get(status.lower(), "running"))


def start_failure(message: str) -> int | None:
    """The exit code that a shell would give for a start that failed because of the program; None for another cause."""
    found = _OF_PROGRAM.search(message)
    if found is None:
        return None
    return 127 if _MISSING.search(message, found.start()) and "chdir" not in found[0] else 126


def _end(started: float | None, ended: float | None) -> float | None:
    """The end is not before the start, though the clocks that engines take them from may say so."""
    return ended if ended is None or started is None else max(started, ended)


def _instant(said: object) -> float | None:
    """Seconds since 1970; None for the instants that stand for never."""
    found = _INSTANT.fullmatch(str(said or ""))
    if found is None:
        return None
    zone = "+00:00" if found[3] == "Z" else found[3]
    whole = datetime.fromisoformat(f"{found[1]}{zone}").astimezone(UTC).timestamp() if found[1][:4] > "1970" else 0.0
    return whole + float(f"0.{found[2] or 0}") if whole > 0 else None
