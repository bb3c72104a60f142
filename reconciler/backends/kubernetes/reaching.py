"""The ways to services of a cluster: the route from outside, and a connection to a pod that is ready.

A daemon in the cluster reaches pods by their addresses, which needs no right; one outside has the API server pass bytes
on (decision 0108). Decides which pod: each connection the next one that is ready now. What it must never do: take a
connection of those that watches and effects need.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import anyio

from planner.keys import Key
from planner.model.run import Stamp
from reconciler.backends.kubernetes import names
from reconciler.backends.kubernetes.access import Access
from reconciler.backends.kubernetes.client import Api
from reconciler.backends.kubernetes.denied import Denied
from reconciler.backends.kubernetes.forward import PROTOCOL, PodStream
from reconciler.backends.kubernetes.kinds import PODS, kind_of
from reconciler.backends.kubernetes.objects import Found, Objects
from reconciler.backends.kubernetes.settings import KubernetesSettings
from reconciler.backends.kubernetes.status.read import condition, section, text
from reconciler.errors import Refused, Transient
from reconciler.ports_reach import Stream

__all__ = ["KubernetesReach", "url_of"]

Object = Mapping[str, Any]

PATIENCE = 10.0
"""Seconds until a pod has to take a connection."""


class KubernetesReach:
    """`reconciler.ports_reach.Reach` for a cluster."""

    def __init__(self, access: Access, objects: Objects, owner: Stamp, settings: KubernetesSettings) -> None:
        """Touches nothing.

        Args:
            access: how the cluster is reached; connections of its own are made by it.
            objects: what is watched.
            owner: whose services.
            settings: of the backend.
        """
        self._api = Api(access)
        self._inside = access.kubeconfig is None
        self._objects = objects
        self._owner = owner
        self._route = settings.route
        self._turn = itertools.count()

    async def outside(self, key: Key) -> str:
        """See `Reach.outside`."""
        found = await self._found(key)
        service = text(section(found.main, "metadata", "labels"), names.SERVICE)
        if self._route is None or not service:
            return ""
        kind = self._route.kind
        try:
            return url_of(await self._api.call("GET", kind_of(kind).path(found.namespace, service)))
        except Denied as error:
            if error.absent:
                return ""
            raise error.settled(f"{kind} {found.namespace}/{service} cannot be read") from None

    async def connect(self, key: Key, port: int) -> Stream:
        """See `Reach.connect`."""
        pods = _ready(await self._found(key))
        if not pods:
            raise Transient(f"no pod of {key} is ready now")
        first, trouble = next(self._turn), Transient("")
        for number in range(len(pods)):
            try:
                return await self._to(pods[(first + number) % len(pods)], port)
            except Transient as error:
                trouble = error
        raise trouble

    async def close(self) -> None:
        """Let go of all connections."""
        await self._api.close()

    async def _found(self, key: Key) -> Found:
        self._objects.open()
        await self._objects.ready()
        found = self._objects.get(names.object_name(key, self._owner))
        if found is None:
            raise Transient(f"{key} is not on the cluster now")
        return found

    async def _to(self, pod: Object, port: int) -> Stream:
        name = text(pod["metadata"], "name")
        try:
            with anyio.fail_after(PATIENCE):
                if self._inside:
                    return await anyio.connect_tcp(text(section(pod, "status"), "podIP"), port)
                return await self._through(pod, port)
        except (OSError, TimeoutError) as error:
            why = str(error) or f"it took longer than {PATIENCE:.0f} seconds"
            raise Transient(f"port {port} of pod {name} does not answer: {why}") from None

    async def _through(self, pod: Object, port: int) -> Stream:
        name, namespace = text(pod["metadata"], "name"), text(pod["metadata"], "namespace")
        path, held = PODS.path(namespace, name, "portforward"), contextlib.AsyncExitStack()
        try:
            socket = await self._api.websocket(path, {"ports": port}, PROTOCOL, held)
        except Denied as error:
            if error.code == 403:
                needs = f"`get` and `create` on `pods/portforward` in the namespace {namespace}"
                raise Refused(f"the daemon may not connect to pods: its account needs {needs}") from None
            raise Transient(f"pod {name} cannot be connected to: {error.message}") from None
        return PodStream(socket, held, f"{namespace}/{name}:{port}")


def url_of(route: Object) -> str:
    """The URL that an Ingress or HTTPRoute of ours stands for; "" where it names no host.

    That of an HTTPRoute is `http`: whether there is a certificate is its gateway's, and so is what leads to it.
    """
    spec = section(route, "spec")
    hosts: Sequence[Any] = spec.get("hostnames") or [text(rule, "host") for rule in spec.get("rules") or ()]
    host = next((str(one) for one in hosts if one), "")
    covered = {name for entry in spec.get("tls") or () for name in entry.get("hosts") or ()}
    return f"{'https' if host in covered else 'http'}://{host}/" if host else ""


def _ready(found: Found) -> Sequence[Object]:
    """The pods that take connections, oldest first."""
    return [
        pod
        for pod in found.pods
        if condition(pod, "Ready")
        and "deletionTimestamp" not in pod["metadata"]
        and section(pod, "status").get("podIP")
    ]
