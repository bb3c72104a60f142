"""Runs as containers of this machine: part of the configuration. Nothing here opens what it names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from planner.model.engine import EngineAllow
from planner.spec.clashes import fault
from planner.spec.container import EnvVar
from planner.spec.shape import Section, Whole

__all__ = ["EngineBackend"]

_NETWORK = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def _network(value: str) -> str:
    if not _NETWORK.fullmatch(value):
        raise fault("PL-204", "{field} must be `bridge`, `host`, `none` or the name of a network of the engine", "")
    return value


def _port_range(value: tuple[int, int]) -> tuple[int, int]:
    first, last = value
    if not 1 <= first <= last <= 65_535:
        raise fault("PL-204", "{field} must be a first and a last port, from 1 to 65535", "such as [20000, 29999]")
    return value


def _limits(value: tuple[int, int]) -> tuple[int, int]:
    if value[0] > value[1]:
        raise fault("PL-204", "{field} must be a soft limit and a hard one that is no lower", "such as [1024, 4096]")
    return value


def _variable(value: str) -> str:
    EnvVar(name=value)
    return value


class EngineBackend(Section):
    """Runs as containers of Docker or Podman."""

    socket: Path = Path("/var/run/docker.sock")
    """Where the engine listens: of Podman `/run/podman/podman.sock`."""
    runs: Path | None = None
    """Folder of working folders, artifacts and exported trees; `<state>-runs` when left out. Logs are in the state."""
    user: str | None = None
    """User of this machine that programs run as when the daemon is root; the daemon's own when left out."""
    allow_root: bool = False
    """Whether programs may be root's."""
    network: Annotated[str, AfterValidator(_network)] = "bridge"
    """`bridge`, `host`, `none`, or the name of a network of the engine."""
    user_namespace: str = ""
    """How users of a container are mapped, as the engine takes it: `keep-id` where Podman runs without root."""
    init: bool = True
    """Whether the engine puts a process 1 before the program, which passes signals on."""
    pull: Literal["missing", "always", "never"] = "missing"
    """When images are fetched whose spec does not say."""
    auth_file: Path | None = None
    """Credentials of registries, as `docker login` writes them; others must not be able to read it."""
    allow: tuple[EngineAllow, ...] = ()
    """What specs may ask for beyond what is safe."""
    slots: dict[str, Whole] = Field(default_factory=dict)
    """How many there are of a countable resource, such as `nvidia.com/gpu: 2`; each is leased to one run."""
    runs_at_once: Whole | None = None
    """Attempts that may be alive at once."""
    ports: Annotated[tuple[Whole, Whole], AfterValidator(_port_range)] = (20000, 29999)
    """First and last port of this machine that services get when their own is taken."""
    log_megabytes: Whole = 64
    """Size at which a container's output is cut."""
    env: dict[Annotated[str, AfterValidator(_variable)], str] = Field(default_factory=dict)
    """Further variables of every run."""
    ulimits: dict[str, Annotated[tuple[Whole, Whole], AfterValidator(_limits)]] = Field(default_factory=dict)
    """Soft and hard limit by name, such as `nofile: [1024, 4096]`; the engine's when left out."""
    security_options: tuple[str, ...] = ()
    """Further ones of every container, such as `label=disable`."""
