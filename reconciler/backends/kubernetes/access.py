"""How a cluster is reached: what a kubeconfig, or the service account of a pod, says of it; and through which proxy.

The proxy is found once a sign-in. What it must never do: leave that to the HTTP client, which reads the environment and
a netrc file for every single request, in a thread each.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from aiohttp import encode_basic_auth, hdrs
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
    configuration.client_session_kwargs = {"trust_env": False}
    _set_proxy(configuration)
    return configuration


def _set_proxy(configuration: Configuration) -> None:
    """The proxy of the kubeconfig, or of `HTTPS_PROXY` but for hosts of `NO_PROXY`; its user goes into a header."""
    server = urlsplit(str(configuration.host))
    found = configuration.proxy or (None if proxy_bypass(server.netloc) else getproxies().get(server.scheme))
    if not found:
        return
    proxy = urlsplit(found if "://" in found else f"http://{found}")
    where = proxy.netloc.rpartition("@")[2]
    configuration.proxy = proxy._replace(netloc=where).geturl()
    if proxy.username is not None:
        said = encode_basic_auth(unquote(proxy.username), unquote(proxy.password or ""))
        configuration.proxy_headers = {hdrs.PROXY_AUTHORIZATION: said}
