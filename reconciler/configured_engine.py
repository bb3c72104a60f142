"""What the settings of `backends.engine` mean to the backend. Reads nothing and checks nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from planner.model.engine import EngineRules
from planner.spec.catalogue import Connection
from reconciler.backends.engine.settings import MEBIBYTE, EngineSettings
from reconciler.settings_engine import EngineBackend

__all__ = ["engine_of", "engine_rules_of"]


def engine_rules_of(said: EngineBackend) -> EngineRules:
    """What specs may ask of the engine."""
    return EngineRules(frozenset(said.allow))


def engine_of(said: EngineBackend, root: Path, runs: Path, connections: Mapping[str, Connection]) -> EngineSettings:
    """How the backend runs what it is given.

    Args:
        said: the settings.
        root: folder of its state.
        runs: folder of the runs.
        connections: the catalogue.
    """
    return EngineSettings(
        root=root,
        runs=runs,
        socket=said.socket.expanduser().absolute(),
        user=said.user,
        allow_root=said.allow_root,
        network=said.network,
        user_namespace=said.user_namespace,
        ulimits=said.ulimits,
        security_options=said.security_options,
        init=said.init,
        pull=said.pull,
        auth_file=said.auth_file.expanduser().absolute() if said.auth_file else None,
        env=said.env,
        log_cap=max(1, said.log_megabytes) * MEBIBYTE,
        rules=engine_rules_of(said),
        connections=connections,
    )
