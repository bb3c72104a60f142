"""What a daemon compiles specs by, as a value that it tells and a command line compiles by. It compiles nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from planner.canon import Json
from planner.compile import CompileConfig
from planner.model.cluster import ClusterRules
from planner.model.engine import EngineRules
from planner.spec.catalogue import Connection
from planner.spec.queues import Queue
from reconciler import codec

__all__ = ["config_from", "config_view"]


def config_view(config: CompileConfig) -> dict[str, Json]:
    """The whole of `config`. Secrets of connections are names of them."""
    return {
        "project": config.project,
        "instance": config.instance,
        "backend": config.backend,
        "namespace": config.namespace,
        "environments": None if config.environments is None else sorted(config.environments),
        "slots": None if config.slots is None else dict(config.slots),
        "prune": config.prune,
        "connections": None if config.connections is None else _written(config.connections),
        "queues": None if config.queues is None else _written(config.queues),
        "namespaces": None if config.namespaces is None else sorted(config.namespaces),
        "cluster": None if config.cluster is None else json.loads(codec.encode(config.cluster)),
        "engine": None if config.engine is None else json.loads(codec.encode(config.engine)),
    }


def config_from(told: Mapping[str, Any]) -> CompileConfig:
    """What `config_view` told.

    Raises:
        ValueError: it is of another version, and means nothing here.
    """
    try:
        config = CompileConfig(
            project=str(told["project"]),
            instance=str(told["instance"]),
            backend=str(told["backend"]),
            namespace=str(told["namespace"]),
            prune=bool(told["prune"]),
            fixed=True,
        )
        return replace(
            config,
            environments=_set(told["environments"]),
            slots=told["slots"],
            connections=_read(Connection, told["connections"]),
            queues=_read(Queue, told["queues"]),
            namespaces=_set(told["namespaces"]),
            cluster=_decoded(ClusterRules, told["cluster"]),
            engine=_decoded(EngineRules, told["engine"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not what a daemon compiles by: {error!r}") from error


def _written(sections: Mapping[str, Any]) -> dict[str, Json]:
    return {name: one.model_dump(mode="json", by_alias=True, exclude_none=True) for name, one in sections.items()}


def _read(kind: Any, written: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if written is None else {name: kind.model_validate(one) for name, one in written.items()}


def _decoded(kind: Any, told: object) -> Any:
    return None if told is None else codec.decode(kind, json.dumps(told))


def _set(told: object) -> frozenset[str] | None:
    return None if told is None else frozenset(map(str, _listed(told)))


def _listed(told: object) -> list[object]:
    if not isinstance(told, list):
        raise TypeError(f"{told!r} is no list")
    return told
