"""Where runs run, made as the configuration says. Decides nothing about runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from planner.model.run import Stamp
from reconciler.backends.engine.backend import EngineBackend
from reconciler.backends.local.backend import LocalBackend
from reconciler.backends.machine.folders import trees_cache
from reconciler.clock import WallClock
from reconciler.clones import GitClones
from reconciler.configured import local_of
from reconciler.configured_engine import engine_of
from reconciler.configured_kubernetes import kubernetes_of
from reconciler.errors import Unusable
from reconciler.ports import Backend
from reconciler.settings import DaemonSettings
from reconciler.settings_kubernetes import Agent
from reconciler.trees import SourceTrees

__all__ = ["backend_of"]


async def backend_of(
    settings: DaemonSettings, owner: Stamp, trees: SourceTrees, clones: GitClones
) -> tuple[Backend, Sequence[str]]:
    """The backend, and what a person should know of it, one sentence each.

    Args:
        settings: of the daemon.
        owner: whose runs these are.
        trees: where code of the repository comes from.
        clones: where code of other repositories comes from.

    Raises:
        Unusable: runs cannot run there.
    """
    if settings.backend == "kubernetes":
        return _kubernetes(settings, owner, trees, clones), ()
    if settings.backend == "engine":
        return await _engine(settings, owner, trees, clones)
    local = LocalBackend(local_of(settings), owner, trees, WallClock(), clones)
    await local.open()
    return local, local.warnings()


async def _engine(
    settings: DaemonSettings, owner: Stamp, trees: SourceTrees, clones: GitClones
) -> tuple[Backend, Sequence[str]]:
    connections = {connection.name: connection for connection in settings.connections}
    said = engine_of(settings.backends.engine, settings.state_folder / "engine", settings.runs_folder, connections)
    backend = EngineBackend(said, owner, trees, WallClock(), clones)
    await backend.open()
    return backend, await backend.warnings()


def _kubernetes(settings: DaemonSettings, owner: Stamp, trees: SourceTrees, clones: GitClones) -> Backend:
    try:
        # Only here, as its packages are an extra, and take half a second to import.
        from reconciler.backends.kubernetes.access import access_of  # noqa: PLC0415
        from reconciler.backends.kubernetes.backend import KubernetesBackend  # noqa: PLC0415
        from reconciler.backends.kubernetes.here import Here  # noqa: PLC0415
        from reconciler.backends.kubernetes.tokens import Tokens  # noqa: PLC0415
    except ModuleNotFoundError as error:
        needs = f"backend: kubernetes needs the package {error.name}"
        raise Unusable(f"{needs}: pip install 'plumbline-gitops[kubernetes]'") from None
    said = settings.backends.kubernetes
    access = access_of(said.kubeconfig, said.context)
    connections = {connection.name: connection for connection in settings.connections}
    folder = said.state.expanduser().absolute() if said.state else settings.state_folder / "kubernetes"
    secret = _secret(said.agent, folder) if said.agent is not None and said.agent.contact else None
    tokens = Tokens(secret, owner) if secret else None
    here = Here(folder, trees, trees_cache(settings.runs_folder), tokens, clones)
    return KubernetesBackend(kubernetes_of(said, connections), access, owner, WallClock(), here)


def _secret(agent: Agent, folder: Path) -> bytes:
    """By which tokens of pods are made: what the configuration gives, else one of the folder's own."""
    from reconciler.backends.kubernetes.tokens import given_secret, secret_at  # noqa: PLC0415  as above

    if agent.token_key_file is not None:
        return given_secret(agent.token_key_file.expanduser())
    return secret_at(folder / "token.key")
