"""The ways to services, which are Services and their Ingress or HTTPRoute: watched, and kept as they are rendered.

Decides whether one is as we left it. The server counts no changes of a Service, so each has a note of what of it is
ours (decision 0119): what is there now is held against it. What it must never do: call it gone before it has seen a
whole list, or write to one that is as it was left.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from planner import canon
from reconciler.backends.kubernetes import names
from reconciler.backends.kubernetes.client import APPLY_PATCH, Api
from reconciler.backends.kubernetes.denied import Denied
from reconciler.backends.kubernetes.kinds import kind_of, path_of
from reconciler.backends.kubernetes.listwatch import ListWatch, Watched
from reconciler.backends.kubernetes.settings import KubernetesSettings
from reconciler.backends.kubernetes.status.read import annotation, section, text
from reconciler.errors import Refused, Transient

__all__ = ["Watching", "Ways", "kinds_of", "trimmed_way"]

Object = dict[str, Any]

_META = ("name", "namespace", "uid", "resourceVersion", "deletionTimestamp")
_NO_DRY_RUN = "does not support dry run"
_PORT = ("name", "port", "targetPort", "protocol")
_NOTED_APART = frozenset({names.AS_MADE, names.SEQUENCE})
"""Annotations of ours that say nothing of what the object is to be."""


@dataclass(frozen=True, slots=True)
class Watching:
    """Which ways are watched.

    Attributes:
        namespaces: where they are.
        selector: labels that all of them have.
        kinds: of them, such as `Service`.
    """

    namespaces: Sequence[str]
    selector: str
    kinds: Sequence[str]


class Ways:
    """Services and routes."""

    def __init__(self, api: Api, watching: Watching, tell: Callable[[str, str], bool]) -> None:
        """Touches nothing.

        Args:
            api: the server.
            watching: what is watched.
            tell: called with the namespace and name of a service a way of which is not as it was left, or is again;
                whether anybody wants to know, as there is such a service.
        """
        self._api = api
        self._tell = tell
        self._odd: set[tuple[str, str, str]] = set()
        self._watches = {
            (kind, namespace): self._watch(kind, namespace, watching.selector)
            for kind, namespace in itertools.product(watching.kinds, watching.namespaces)
        }

    @property
    def watches(self) -> Sequence[ListWatch]:
        """To be run by whoever watches."""
        return list(self._watches.values())

    def drift(self, workload: Mapping[str, Any]) -> str:
        """How the ways to a service are not as they were left; "" where they are, or that is not known.

        Args:
            workload: its Deployment, which says what leads to it.
        """
        meta = section(workload, "metadata")
        name, namespace = text(section(meta, "labels"), names.SERVICE), text(meta, "namespace")
        said = (self._words(kind, namespace, name) for kind in annotation(workload, names.WAYS).split())
        return " and ".join(filter(None, said)) if name else ""

    async def put(self, item: Object) -> bool:
        """Have a way be as it is rendered; whether anything of ours was not. Fields that others own stay as they are.

        It is asked for as if first: what the server makes of it is in the note that the one write takes along.

        Raises:
            Refused: the cluster says no to it.
            Transient: not now.
        """
        watch = self._watches.get((item["kind"], item["metadata"]["namespace"]))
        known = watch.objects.get(item["metadata"]["name"]) if watch is not None else None
        try:
            tried = await self._tried(item)
            made = await self._apply(_noting(item, _note_of(item, tried)))
        except Denied as error:
            raise _unmade(item, error) from None
        if watch is not None:
            watch.put(made)
            watch.wake()
        return known is None or known["is"] != _digest(item["kind"], tried, _route_names(item))

    async def settle(self, items: Sequence[Object]) -> bool:
        """Have those of the ways to a service that are not as they were left be as they are rendered; as `put`."""
        changed = [await self.put(item) for item in items if self._is_odd(item)]
        return any(changed)

    async def narrow(self, namespace: str, service: str, kinds: Collection[str]) -> None:
        """Remove what leads to a service and is of none of these kinds: its newest version is not reached that way.

        Raises:
            Refused, Transient: the cluster does not let it go.
        """
        for (kind, where), watch in self._watches.items():
            if where == namespace and kind not in kinds and (service in watch.objects or not watch.synced):
                try:
                    await self._api.call("DELETE", kind_of(kind).path(namespace, service))
                except Denied as error:
                    if not error.absent:
                        raise error.settled(f"{kind} {namespace}/{service} cannot be removed") from None

    # --- parts ---

    def _watch(self, kind: str, namespace: str, selector: str) -> ListWatch:
        watched = Watched(kind_of(kind).path(namespace), selector, functools.partial(trimmed_way, kind), may_lack=True)

        def came(way: Object) -> None:
            self._told(kind, way, odd=way["is"] != way["left"])

        def went(way: Object) -> None:
            self._told(kind, way, odd=True)

        return ListWatch(self._api, watched, came, went)

    def _told(self, kind: str, way: Object, *, odd: bool) -> None:
        namespace, name = way["metadata"]["namespace"], way["metadata"]["name"]
        at = (kind, namespace, name)
        wanted = (odd or at in self._odd) and self._tell(namespace, name)
        (self._odd.add if odd and wanted else self._odd.discard)(at)

    def _words(self, kind: str, namespace: str, name: str) -> str:
        watch = self._watches.get((kind, namespace))
        if watch is None or not watch.synced:
            return ""
        way = watch.objects.get(name)
        if way is None:
            return f"somebody else deleted its {kind}"
        going = "deletionTimestamp" in way["metadata"]  # until it is gone nothing of it can be made again
        return f"somebody else changed its {kind}" if way["is"] != way["left"] and not going else ""

    def _is_odd(self, item: Object) -> bool:
        """Whether it may not be as it was left; a way that nobody watches may not."""
        meta = item["metadata"]
        watch = self._watches.get((item["kind"], meta["namespace"]))
        known = watch is not None and watch.synced and not watch.trouble
        return not known or bool(self._words(item["kind"], meta["namespace"], meta["name"]))

    async def _tried(self, item: Object) -> Object:
        """What the server would make of it. A rule of the cluster that cannot be asked as if has it applied twice."""
        try:
            return await self._apply(_noting(item, ""), dryRun="All")
        except Denied as error:
            if _NO_DRY_RUN not in error.message:
                raise
        return await self._apply(_noting(item, ""))

    async def _apply(self, item: Object, **query: str) -> Object:
        return await self._api.call("PATCH", path_of(item), item, query={"force": "true", **query}, content=APPLY_PATCH)


def kinds_of(settings: KubernetesSettings) -> Sequence[str]:
    """Kinds of the ways that this configuration has services reached by."""
    return ("Service", *((settings.route.kind,) if settings.route is not None else ()))


def trimmed_way(kind: str, told: Object) -> Object:
    """What is kept of a way of this kind: which it is, and what of it is ours, now and as it was left, as digests."""
    meta = told["metadata"]
    left, _, named = annotation(told, names.AS_MADE).partition(" ")
    return {
        "metadata": {name: meta[name] for name in _META if name in meta},
        "is": _digest(kind, told, named.split()),
        "left": left,
    }


def _digest(kind: str, way: Mapping[str, Any], more: Sequence[str]) -> str:
    """Of what of a way is ours. What the server gives it, such as an address, and what is its status are not."""
    meta, spec = section(way, "metadata"), section(way, "spec")
    counted: Mapping[str, Any] = spec
    if kind == "Service":
        ports = [{name: port.get(name) for name in _PORT} for port in spec.get("ports") or ()]
        counted = {"type": spec.get("type"), "selector": spec.get("selector"), "ports": ports}
    said = {
        name: value
        for name, value in section(meta, "annotations").items()
        if (name.startswith(names.PREFIX) and name not in _NOTED_APART) or name in more
    }
    return canon.digest({"labels": section(meta, "labels"), "annotations": said, "spec": counted})


def _unmade(item: Object, error: Denied) -> Refused | Transient:
    """What is applied is made where it is not there: what is not found is its namespace, or its kind."""
    meta, kind = item["metadata"], item["kind"]
    doing = f"{kind} {meta['namespace']}/{meta['name']} cannot be made"
    if error.absent and "namespaces" not in error.message:
        return Transient(f"{doing}: the cluster has no {kind}: install what brings it, or set another `route`")
    return error.settled(doing)


def _route_names(item: Object) -> Sequence[str]:
    """Annotations of a way that the configuration has given it."""
    return [name for name in sorted(section(item, "metadata", "annotations")) if not name.startswith(names.PREFIX)]


def _note_of(item: Object, tried: Object) -> str:
    found = _route_names(item)
    return " ".join((_digest(item["kind"], tried, found), *found))


def _noting(item: Object, note: str) -> Object:
    meta = item["metadata"]
    return {**item, "metadata": {**meta, "annotations": {**meta["annotations"], names.AS_MADE: note}}}
