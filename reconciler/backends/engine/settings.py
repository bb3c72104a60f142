"""What the engine's backend is told: paths, the socket, what containers are like. It reads nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from planner.model.engine import EngineRules
from planner.spec.catalogue import Connection

__all__ = ["MEBIBYTE", "EngineSettings"]

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Settings of the engine's backend (`backends.engine`).

    Attributes:
        root: its state: claims and kept logs. Made with mode 0700; a local disk, not shared.
        runs: working folders, artifacts and exported trees, beside the state; what containers see of this machine.
        socket: where the engine listens.
        user: name of the user that containers run as when the daemon is root; None for the daemon's own.
        allow_root: let them run as root when the daemon is root and `user` is None.
        network: the network that they are in: `bridge`, `host`, `none`, or the name of one of the engine's.
        user_namespace: how users of a container are mapped, as the engine takes it; "" for the engine's way.
        ulimits: soft and hard limit by name, such as `nofile`; what is not said is the engine's.
        security_options: further ones of every container, such as `label=disable`.
        init: whether a process 1 of the engine's stands before the program, which passes signals on.
        pull: `missing`, `always` or `never`, where the spec does not say.
        auth_file: credentials of registries, as `docker login` writes them; None for none.
        env: further variables of every run, named by the configuration.
        log_cap: bytes of output that the engine keeps of a container, and that is kept when it is gone.
        rules: what specs may ask for.
        connections: the catalogue, by name.
        steady: seconds that a service without a probe must live to count as ready.
        boot_id: the file that names this boot of the machine.
    """

    root: Path
    runs: Path
    socket: Path
    user: str | None = None
    allow_root: bool = False
    network: str = "bridge"
    user_namespace: str = ""
    ulimits: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    security_options: tuple[str, ...] = ()
    init: bool = True
    pull: str = "missing"
    auth_file: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    log_cap: int = 64 * MEBIBYTE
    rules: EngineRules = field(default_factory=EngineRules)
    connections: Mapping[str, Connection] = field(default_factory=dict)
    steady: float = 1.0
    boot_id: Path = Path("/proc/sys/kernel/random/boot_id")
