"""What the local backend is told: paths, the user that runs run as, limits. It reads no environment and no file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

__all__ = ["Containment", "LocalSettings"]

MEBIBYTE = 1 << 20


class Containment(StrEnum):
    """How a run's processes are found again, however they hide."""

    AUTO = "auto"  # a control group where that is allowed, and the sweep
    SWEEP = "off"  # the sweep alone: subreaper and /proc


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """Settings of the local backend (`backends.local`).

    Attributes:
        root: its state: claims, logs, the parent's socket. Made with mode 0700; a local disk, not shared.
        runs: working folders, artifacts and exported trees, beside the state; owned by the user of the runs.
        environments: for an image, the folder of an environment (with `bin/`) or of programs, first on PATH.
        user: name of the user that runs run as when the daemon is root; None for the daemon's own.
        allow_root: let runs run as root when the daemon is root and `user` is None.
        slots: how many of each countable resource (`nvidia.com/gpu`, a licence) this machine has.
        env: further variables of every run, named by the configuration.
        log_cap: bytes of captured output a file; there are two files for each replica.
        containment: see `Containment`.
        steady: seconds that a service without a probe must live to count as ready.
        boot_id: the file that names this boot of the machine.
    """

    root: Path
    runs: Path
    environments: Mapping[str, Path] = field(default_factory=dict)
    user: str | None = None
    allow_root: bool = False
    slots: Mapping[str, int] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    log_cap: int = 64 * MEBIBYTE
    containment: Containment = Containment.AUTO
    steady: float = 1.0
    boot_id: Path = Path("/proc/sys/kernel/random/boot_id")
