"""Makes the objects of an attempt, and of one that is stopped before it was made.

Whoever makes the main object starts the program.
What must never happen here: a second main object for one attempt, or a word about an object that is another ledger's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from planner.canon import Json
from planner.keys import Key
from planner.model.run import Stamp
from reconciler.backends.kubernetes import names
from reconciler.backends.kubernetes.client import APPLY_PATCH, Api
from reconciler.backends.kubernetes.denied import Denied
from reconciler.backends.kubernetes.kinds import path_of
from reconciler.backends.kubernetes.objects import Found, Objects, Scope
from reconciler.backends.kubernetes.render import Manifests, tombstone
from reconciler.backends.kubernetes.settings import KubernetesSettings
from reconciler.backends.kubernetes.status import drift_of
from reconciler.backends.kubernetes.ways import kinds_of
from reconciler.errors import Refused, Transient

__all__ = ["Making", "is_cleaned"]

Object = dict[str, Any]

_TRIES = 5
_SETTLED = (names.GENERATION, names.TIMEOUT, names.GRACE, names.SEQUENCE)
"""Annotations that stay as they were when an object was made: how long it may live, and of when it is."""
_WAY_OUT = "plumbline adopt shows what another ledger left, and removes it; then plumbline retry"


class Making:
    """Objects as they come into being."""

    def __init__(self, api: Api, objects: Objects, owner: Stamp, settings: KubernetesSettings) -> None:
        self._api = api
        self._objects = objects
        self._owner = owner
        self._settings = settings

    async def make(self, manifests: Manifests) -> bool:
        """Make what an attempt consists of; whether this call made its main object.

        Raises:
            Refused: the cluster says no to it, it ran before and was cleaned, or the name is another ledger's.
            Transient: not now; what was made so far is used the next time.
        """
        for item in manifests.before:
            await self._create(item)
        # The way to a service comes first too: once its workload was seen, nobody is asked to make it again.
        for item in manifests.after:
            await self._objects.ways.put(item)
        if service := manifests.workload["metadata"]["labels"].get(names.SERVICE):
            kinds = {item["kind"] for item in manifests.after}
            await self._objects.ways.narrow(manifests.namespace, service, kinds)
        made = await self._create(manifests.workload)
        if made is None:
            await self._taken(manifests)
            return False
        self._objects.put(manifests.workload["kind"], made)
        return True

    async def correct(self, manifests: Manifests, found: Found) -> bool:
        """Have a service and the ways to it be as they are rendered; whether anything of them was not.

        What others added stays, and what is as it was left is not written to. Where the rendering and the server agree,
        only what was looked at is noted, so that nobody looks again before the next change.

        Raises:
            Refused: the cluster says no to it.
            Transient: not now.
        """
        changed = await self._objects.ways.settle(manifests.after)
        if not drift_of(found.main):
            return changed
        for _ in range(_TRIES):
            try:
                return await self._correct(manifests.workload, found) or changed
            except Denied as error:
                if not error.changed:
                    raise error.settled(f"{_called(manifests.workload)} cannot be put right") from None
        raise Transient(f"{_called(manifests.workload)} changes faster than it can be put right")

    async def _correct(self, workload: Object, found: Found) -> bool:
        """Raises Denied where it was changed meanwhile, or is gone."""
        live = (await self._api.call("GET", found.path))["metadata"]
        meta, said = workload["metadata"], live.get("annotations") or {}
        # One of another uid, or that went, is not made again; what changes from here on is seen the next time.
        same = {"uid": found.main["metadata"]["uid"], "resourceVersion": live["resourceVersion"]}
        kept = {name: said[name] for name in _SETTLED if name in said}

        def noting(more: Mapping[str, str]) -> Object:
            return {**workload, "metadata": {**meta, **same, "annotations": {**meta["annotations"], **kept, **more}}}

        tried = await self._applied(noting({}), dryRun="All")
        # The note is a change of its own, and one write counts as one.
        after = noting({names.GENERATION: str(live["generation"] + 1)})
        self._objects.put(workload["kind"], await self._applied(after))
        return bool(tried["metadata"]["generation"] != live["generation"])

    async def bury(self, key: Key, stop: Mapping[str, Json]) -> None:
        """Take the name of an attempt that was never made, in each namespace: nothing ever starts under it.

        Raises:
            Transient: not now.
        """
        dead = tombstone(key, self._owner, self._settings, stop)
        for namespace in namespaces_of(self._settings):
            await self._create({**dead, "metadata": {**dead["metadata"], "namespace": namespace}})

    async def _discard(self, manifests: Sequence[Object]) -> None:
        """Remove what was made for a pod that will not be."""
        for item in manifests:
            await self._delete(item)

    async def _applied(self, item: Object, **query: str) -> Object:
        return await self._api.call("PATCH", path_of(item), item, query={"force": "true", **query}, content=APPLY_PATCH)

    async def _create(self, item: Object) -> Object | None:
        """Make an object; None where its name is taken."""
        try:
            return await self._api.call("POST", path_of(item, collection=True), item)
        except Denied as error:
            if error.taken:
                return None
            raise error.settled(f"{_called(item)} cannot be made") from None

    async def _delete(self, item: Object) -> None:
        try:
            await self._api.call("DELETE", path_of(item))
        except Denied as error:
            if not error.absent:
                raise error.settled(f"{_called(item)} cannot be removed") from None

    async def _taken(self, manifests: Manifests) -> None:
        """What has the name already is ours and may run, or nothing will."""
        found = await self._objects.read(manifests.name)
        mine = next((one for one in found if one.namespace == manifests.namespace), None)
        if mine is None:  # it went between two questions
            await self._discard(manifests.before)
            raise Refused(f"{_called(manifests.workload)} was removed by somebody while it was being made")
        check_ours(mine, self._owner)
        if is_cleaned(mine):
            await self._discard(manifests.before)
            key = names.key_of(mine.main["metadata"])
            raise Refused(f"{key} has run before, and the ledger has lost it: plumbline retry runs it again")


def namespaces_of(settings: KubernetesSettings) -> Sequence[str]:
    """Every namespace that runs can be in, each once."""
    return list(dict.fromkeys((settings.namespace, *settings.run_namespaces)))


def scope_of(settings: KubernetesSettings, selector: str) -> Scope:
    """What is watched of what has these labels: all but names of what was cleaned."""
    live, queued = f"{selector},!{names.CLEANED}", bool(settings.local_queues)
    return Scope(namespaces_of(settings), live, names.OBJECT, kinds_of(settings), queued)


def is_cleaned(found: Found) -> bool:
    """Whether only the name of the attempt is left."""
    return names.CLEANED in (found.main["metadata"].get("labels") or {})


def is_ours(found: Found, owner: Stamp) -> bool:
    """Whether the object is one of our ledger's: any other is none that was ever asked for here."""
    stamp = names.stamp_of(found.main["metadata"])
    return stamp is not None and stamp.ledger == owner.ledger


def check_ours(found: Found, owner: Stamp) -> None:
    """Whether the object is one of our ledger's.

    Raises:
        Refused: it is another's.
    """
    stamp = names.stamp_of(found.main["metadata"])
    there = f"{found.kind} {found.namespace}/{found.name} exists and is"
    if stamp is None:
        raise Refused(f"{there} not ours: whoever made it must remove it first")
    if stamp.ledger != owner.ledger:
        raise Refused(f"{there} of the ledger {stamp.ledger}; {_WAY_OUT}")


def _called(item: Object) -> str:
    meta = item["metadata"]
    return f"{item['kind']} {meta['namespace']}/{meta['name']}"
