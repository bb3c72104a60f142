"""How a cluster is reached: what a kubeconfig, or the service account of a pod, says of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

from reconciler.errors import Transient, Unusable

__all__ = ["Access", "access_of", "configured"]


@dataclass(frozen=True, slots=True)
class Access:
    """How the cluster is reached.

    Attributes:
        kubeconfig: the file; None for the service account of the pod that this runs in.
        context: of the file; None for its current one.
    """

    kubeconfig: Path | None = None
    context: str | None = None


def access_of(kubeconfig: Path | None, context: str | None) -> Access:
    """As a configuration says it; touches nothing."""
    return Access(kubeconfig.expanduser().absolute() if kubeconfig else None, context)


async def configured(access: Access) -> Configuration:
    """The client's configuration, read anew.

    Raises:
        Transient: what it names cannot be read now.
        Unusable: it does not lead to a cluster.
    """
    configuration = Configuration()
    try:
        if access.kubeconfig is None:
            load_incluster_config(configuration)  # type: ignore[no-untyped-call]
        elif not access.kubeconfig.is_file():
            raise Unusable(f"there is no kubeconfig at {access.kubeconfig}")
        else:
            await load_kube_config(  # type: ignore[no-untyped-call]
                str(access.kubeconfig), access.context, configuration, persist_config=False
            )
    except ConfigException as error:
        where = access.kubeconfig or "the service account of this pod"
        raise Unusable(f"{where} does not lead to a cluster: {str(error).strip().rstrip('.')}") from error
    except OSError as error:
        raise Transient(f"the credentials for the API server cannot be read: {error}") from error
    return configuration
