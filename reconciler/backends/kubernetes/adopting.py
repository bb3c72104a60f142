"""What another ledger left on a cluster under our instance and project, and its removal.

Names follow from keys, so what a lost ledger left would be in the way of ours. A person who knows that it is lost has
it removed (decision 0110): the cluster ends the pods, with the grace that they have, and our finalizer keeps nothing.
What must never happen here: that an object of our own ledger is touched, or one that is not the one that was seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import anyio

from planner.model.run import Stamp
from reconciler.backends.kubernetes import names
from reconciler.backends.kubernetes.client import MERGE_PATCH, Api
from reconciler.backends.kubernetes.denied import Denied
from reconciler.backends.kubernetes.kinds import MAIN, kind_of
from reconciler.backends.kubernetes.making import namespaces_of
from reconciler.backends.kubernetes.objects import Objects
from reconciler.backends.kubernetes.settings import KubernetesSettings
from reconciler.backends.kubernetes.status.pods import is_over
from reconciler.backends.kubernetes.status.read import section, text
from reconciler.errors import Transient
from reconciler.ports_adopt import Left

__all__ = ["KubernetesAdoption"]

Object = Mapping[str, Any]

AT_ONCE = 16
"""Objects that are removed side by side: ten thousand take a minute."""
_TRIES = 5
_GONE = "deletionTimestamp"


class KubernetesAdoption:
    """`reconciler.ports_adopt.Adoption` for a cluster."""

    def __init__(self, api: Api, objects: Objects, owner: Stamp, settings: KubernetesSettings) -> None:
        self._api = api
        self._objects = objects
        self._owner = owner
        self._settings = settings

    async def left(self) -> Sequence[Left]:
        """See `Adoption.left`."""
        self._objects.open()
        await self._objects.ready()
        return sorted((self._told(kind, meta) for kind, meta in await self._others()), key=lambda one: one.place)

    async def remove(self, told: Sequence[Left]) -> None:
        """See `Adoption.remove`."""
        wanted = {one.place for one in told}
        found = [(kind, meta) for kind, meta in await self._others() if _place(kind, meta) in wanted]
        room, trouble = anyio.CapacityLimiter(AT_ONCE), list[Transient]()

        async def remove(kind: str, meta: Object) -> None:
            async with room:
                try:
                    if not trouble:
                        await self._remove(kind, meta)
                except Transient as error:
                    trouble.append(error)

        async with anyio.create_task_group() as group:
            for kind, meta in found:
                group.start_soon(remove, kind, meta)
        if trouble:
            raise trouble[0]
        services = {(meta["namespace"], text(section(meta, "labels"), names.SERVICE)) for _, meta in found}
        for namespace, service in sorted(services):
            if service:
                await self._let_go_of_service(namespace, service)

    # --- parts ---

    async def _remove(self, kind: str, meta: Object) -> None:
        namespace = meta["namespace"]
        await self._free(kind, meta)
        await self._delete(kind_of(kind).path(namespace, meta["name"]), meta["uid"])
        for beside, name in _beside(meta["name"]):
            await self._delete(kind_of(beside).path(namespace, name))

    async def _others(self) -> Sequence[tuple[str, Object]]:
        """Kind and metadata of the main objects of other ledgers, asked of the API server; cleaned ones too."""
        selector = names.selector(self._owner.instance, self._owner.project)
        found: list[tuple[str, Object]] = []
        for kind in MAIN:
            for namespace in namespaces_of(self._settings):
                heads = await self._objects.heads(kind, namespace, selector)
                found += [(kind, head["metadata"]) for head in heads if not self._is_ours(head["metadata"])]
        return found

    def _is_ours(self, meta: Object) -> bool:
        return text(section(meta, "annotations"), names.LEDGER) == self._owner.ledger

    def _told(self, kind: str, meta: Object) -> Left:
        annotations = section(meta, "annotations")
        known = self._objects.get(meta["name"])
        if _GONE in meta:
            state = "ending"
        elif names.CLEANED in section(meta, "labels"):
            state = "cleaned"
        else:
            # A Deployment has not ended while nobody told it to; a Job has where none of its pods goes on.
            alive = known is not None and any(not is_over(pod) for pod in known.pods)
            state = "running" if alive or kind == "Deployment" else "ended"
        return Left(text(annotations, names.LEDGER), text(annotations, names.KEY), _place(kind, meta), state)

    async def _free(self, kind: str, meta: Object) -> None:
        """Take our finalizer off, unless it is another object by now."""
        path, uid = kind_of(kind).path(meta["namespace"], meta["name"]), meta["uid"]
        for _ in range(_TRIES):
            kept = [one for one in meta.get("finalizers") or () if one != names.FINALIZER]
            if len(kept) == len(meta.get("finalizers") or ()):
                return
            change = {"metadata": {"uid": uid, "resourceVersion": meta["resourceVersion"], "finalizers": kept}}
            try:
                await self._api.call("PATCH", path, change, content=MERGE_PATCH)
            except Denied as error:
                if error.absent:
                    return
                if not error.changed:
                    raise Transient(str(error.settled(f"{_place(kind, meta)} cannot be let go of"))) from None
            else:
                return
            again = await self._read(path)
            if again is None or again["metadata"]["uid"] != uid or self._is_ours(again["metadata"]):
                return
            meta = again["metadata"]
        raise Transient(f"{_place(kind, meta)} changes faster than it can be let go of")

    async def _let_go_of_service(self, namespace: str, service: str) -> None:
        """Remove the way to a service, unless an attempt of ours has it now."""
        heads = await self._objects.heads("Deployment", namespace, f"{names.SERVICE}={service}")
        if any(self._is_ours(head["metadata"]) for head in heads):
            return
        for kind in ("Ingress", "HTTPRoute", "Service"):
            await self._delete(kind_of(kind).path(namespace, service))

    async def _read(self, path: str) -> Object | None:
        try:
            return await self._api.call("GET", path)
        except Denied as error:
            if error.absent:
                return None
            raise Transient(str(error.settled(f"{path} cannot be read"))) from None

    async def _delete(self, path: str, uid: str = "") -> None:
        """Delete an object; one with a `uid` stays by its name until its pods are gone."""
        body: dict[str, Any] = {"propagationPolicy": "Background"}
        if uid:
            body = {"propagationPolicy": "Foreground", "preconditions": {"uid": uid}}
        try:
            await self._api.call("DELETE", path, body)
        except Denied as error:
            if not error.absent and not error.changed:
                raise Transient(str(error.settled(f"{path} cannot be removed"))) from None


def _place(kind: str, meta: Object) -> str:
    return f"{kind} {meta['namespace']}/{meta['name']}"


def _beside(name: str) -> Sequence[tuple[str, str]]:
    """What pods of the object `name` were given, as `names.files_name` and `names.token_name` call it."""
    return (("ConfigMap", f"{names.RESERVED}{name}"), ("Secret", f"{names.RESERVED}{name}-token"))
