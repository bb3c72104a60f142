"""Where runs run, made as the configuration says. Decides nothing about runs."""

from __future__ import annotations

from collections.abc import Sequence

from planner.model.run import Stamp
from reconciler.backends.local.backend import LocalBackend
from reconciler.backends.machine.folders import trees_cache
from reconciler.clock import WallClock
from reconciler.clones import GitClones
from reconciler.configured import local_of
from reconciler.configured_kubernetes import kubernetes_of
from reconciler.errors import Unusable
from reconciler.ports import Backend
from reconciler.settings import DaemonSettings
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
    local = LocalBackend(local_of(settings), owner, trees, WallClock(), clones)
    await local.open()
    return local, local.warnings()


def _kubernetes(settings: DaemonSettings, owner: Stamp, trees: SourceTrees, clones: GitClones) -> Backend:
    try:
        # Only here, as its packages are an extra, and take half a second to import.
        from reconciler.backends.kubernetes.access import Access  # noqa: PLC0415
        from reconciler.backends.kubernetes.backend import KubernetesBackend  # noqa: PLC0415
        from reconciler.backends.kubernetes.here import Here  # noqa: PLC0415
        from reconciler.backends.kubernetes.tokens import Tokens, secret_at  # noqa: PLC0415
    except ModuleNotFoundError as error:
        needs = f"backend: kubernetes needs the package {error.name}"
        raise Unusable(f"{needs}: pip install 'plumbline-gitops[kubernetes]'") from None
    said = settings.backends.kubernetes
    access = Access(said.kubeconfig.expanduser().absolute() if said.kubeconfig else None, said.context)
    connections = {connection.name: connection for connection in settings.connections}
    folder = settings.state_folder / "kubernetes"
    contact = said.agent is not None and said.agent.contact
    cache = trees_cache(settings.runs_folder)
    tokens = Tokens(secret_at(folder / "token.key"), owner) if contact else None
    here = Here(folder, trees, cache, tokens, clones)
    return KubernetesBackend(kubernetes_of(said, connections), access, owner, WallClock(), here)
