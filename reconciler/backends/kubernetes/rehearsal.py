"""What a cluster says of an order without making anything: each write is asked for with `dryRun=All`.

Rules of admission that are about pods are not asked when a Job or Deployment is made, so a pod of its template is asked
for too. Quotas are held against what is used now. What a service changes is told against the Deployment that runs, both
in the server's form. What must never happen here: a request that is not a dry run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from planner.model.plan import FieldChange, Rehearsed
from planner.model.run import Stamp
from reconciler.backends.kubernetes import difference, names, render
from reconciler.backends.kubernetes.client import APPLY_PATCH, Api
from reconciler.backends.kubernetes.denied import Denied
from reconciler.backends.kubernetes.kinds import path_of
from reconciler.backends.kubernetes.objects import Objects
from reconciler.backends.kubernetes.render import Manifests
from reconciler.backends.kubernetes.settings import KubernetesSettings
from reconciler.errors import Refused, Transient
from reconciler.ports import Order

__all__ = ["KubernetesRehearsal"]

Object = dict[str, Any]

_TOKEN = "rehearsed"  # noqa: S105 -- no token, and nobody is let in by it
_DRY: Mapping[str, object] = {"dryRun": "All"}


class KubernetesRehearsal:
    """`reconciler.ports_rehearse.Rehearsal` for a cluster."""

    def __init__(self, api: Api, objects: Objects, owner: Stamp, settings: KubernetesSettings) -> None:
        self._api = api
        self._objects = objects
        self._owner = owner
        self._settings = settings

    async def of(self, order: Order) -> Rehearsed:
        """See `Rehearsal.of`."""
        run = str(order.key.run)
        try:
            manifests = render.render(order, self._settings, _TOKEN if self._settings.agent.contact else "")
        except Refused as error:
            return Rehearsed(run, "", refused=(error.message,))
        self._objects.open()
        await self._objects.ready()
        asked = _Asked(self._api)
        for item in manifests.before:
            await asked.create(item)
        answered = await asked.create(manifests.workload)
        pod = _pod_of(manifests.workload)
        as_pod = await asked.create(pod)
        admitted = _admitted(manifests.workload, answered)
        seen = {change.pointer.partition("/spec/template")[2] for change in admitted}
        own = [one for one in _admitted(pod, as_pod) if one.pointer.removeprefix("Pod") not in seen]
        changes = await self._changes(manifests, answered, asked)
        told = Rehearsed(run, _called(manifests.workload), admitted=(*admitted, *own), changes=changes)
        return replace(told, refused=tuple(asked.refused), unknown=tuple(asked.unknown))

    async def _changes(self, manifests: Manifests, answered: Object | None, asked: _Asked) -> tuple[FieldChange, ...]:
        """What differs from the service as it is now, with what leads to it."""
        service = (manifests.workload["metadata"].get("labels") or {}).get(names.SERVICE)
        if service is None:
            return ()
        found, newest = list[FieldChange](), self._live(manifests, str(service))
        live = await asked.get(newest) if newest else None
        if live is not None and answered is not None:
            before, after = (difference.worded(one, _words(one)) for one in (live, answered))
            found += difference.between(before, after, str(manifests.workload["kind"]))
        for item in manifests.after:
            now, next_ = await asked.read(item), await asked.apply(item)
            if now is not None and next_ is not None:
                before, after = (difference.worded(one, _words(one)) for one in (now, next_))
                found += difference.between(before, after, str(item["kind"]))
        return tuple(found)

    def _live(self, manifests: Manifests, service: str) -> str:
        """Path of the newest Deployment of the service that runs and was not told to end; "" for none."""
        mains = [
            found
            for found in self._objects.all()
            if (found.main["metadata"].get("labels") or {}).get(names.SERVICE) == service
            and found.namespace == manifests.namespace
            and found.name != manifests.name
            and names.STOP not in (found.main["metadata"].get("annotations") or {})
        ]
        newest = max(mains, key=lambda found: found.main["metadata"]["creationTimestamp"], default=None)
        return newest.path if newest is not None else ""


class _Asked:
    """Questions, and what they were not answered with."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.refused: list[str] = []
        self.unknown: list[str] = []

    async def create(self, item: Object) -> Object | None:
        """The object as it would be kept; None where it would not be, or that is not known."""
        return await self._ask("POST", path_of(item, collection=True), item, "application/json")

    async def apply(self, item: Object) -> Object | None:
        """The same of one that may be there."""
        return await self._ask("PATCH", path_of(item), item, APPLY_PATCH)

    async def read(self, item: Object) -> Object | None:
        """The object that is there; None where there is none, or it cannot be read."""
        return await self.get(path_of(item))

    async def get(self, path: str) -> Object | None:
        """The same by its path."""
        try:
            return await self._api.call("GET", path)
        except Denied as error:
            if not error.absent:
                self.unknown.append(f"what changes is not known: {error.message or error.reason}")
        except Transient as error:
            self.unknown.append(f"what changes is not known: {error.message}")
        return None

    async def _ask(self, method: str, path: str, item: Object, content: str) -> Object | None:
        query = {**_DRY, **({"force": "true"} if content == APPLY_PATCH else {})}
        kind = item["kind"]
        try:
            return await self._api.call(method, path, item, query=query, content=content)
        except Denied as error:
            if error.taken:
                return None
            words = error.message or error.reason or f"the API server answered {error.code}"
            if error.code == 403 and f"cannot {'create' if method == 'POST' else 'patch'} resource" in words:
                self.unknown.append(f"what the cluster says of the {kind} is not known: {words}")
            elif "does not support dry run" in words:
                self.unknown.append(f"the {kind} cannot be asked for as if: {words}")
            else:
                self.refused.append(f"{kind}: {words}")
        except Transient as error:
            self.unknown.append(f"what the cluster says of the {kind} is not known: {error.message}")
        return None


def _admitted(asked: Object, answered: Object | None) -> tuple[FieldChange, ...]:
    return difference.admitted(asked, answered, str(asked["kind"])) if answered is not None else ()


def _pod_of(workload: Object) -> Object:
    """A pod as the controller of `workload` would make it."""
    template, meta = workload["spec"]["template"], workload["metadata"]
    said = template.get("metadata") or {}
    own = {"generateName": f"{meta['name']}-", "namespace": meta["namespace"], **said}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": own, "spec": template["spec"]}


def _called(item: Object) -> str:
    meta = item["metadata"]
    return f"{item['kind']} {meta['namespace']}/{meta['name']}"


def _words(item: Object) -> dict[str, str]:
    """What names the attempt that an object is of, with what stands for it."""
    meta = item["metadata"]
    labels, annotations = meta.get("labels") or {}, meta.get("annotations") or {}
    found = {
        str(labels.get(names.OBJECT, "")): "{object}",
        str(labels.get(names.RUN, "")): "{id}",
        str(annotations.get(names.COMMIT, "")): "{commit}",
        str(annotations.get(names.DIGEST, "")): "{digest}",
    }
    key, stamp = names.key_of(meta), names.stamp_of(meta)
    if key is not None and stamp is not None:
        found |= {str(key): "{attempt}", str(key.run): "{run}", names.object_name(key.run, stamp): "{folder}"}
    found.pop("", None)
    return found
