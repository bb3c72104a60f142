"""Ends attempts, and lets go of those that have ended.

A stop is noted on the object before anything is ended, so that whoever looks later knows whose doing the end was. What
must never happen here: a pod that is ended in place of another one of its name, a log that is lost because its pod was
removed first, or a name that is free again while a request under it may still be on its way.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from planner.keys import Key
from planner.model.run import Stamp
from planner.model.status import StopReason
from reconciler.backends.kubernetes import names
from reconciler.backends.kubernetes.client import MERGE_PATCH, Api
from reconciler.backends.kubernetes.denied import Denied
from reconciler.backends.kubernetes.keptlogs import KeptLogs
from reconciler.backends.kubernetes.kinds import MAIN, PODS, kind_of
from reconciler.backends.kubernetes.making import namespaces_of
from reconciler.backends.kubernetes.objects import Found, Objects
from reconciler.backends.kubernetes.podlogs import logs_of
from reconciler.backends.kubernetes.settings import KubernetesSettings
from reconciler.backends.kubernetes.status.stop import Told, note, told
from reconciler.errors import Transient
from reconciler.ports import Clock
from reconciler.telemetry import log

__all__ = ["Ending"]

Object = dict[str, Any]

NAME_KEPT = timedelta(hours=1)
"""How long the name of a cleaned attempt is taken: longer than any request can be on its way."""
LOG_WAITED = timedelta(minutes=10)
"""How long after the end its log is waited for: a node that is gone never gives it."""
_NOTHING = {"suspend": True, "parallelism": 0}
"""Of a Job: a queue that lets it begin after all lets no pods begin."""
_DONE = frozenset({"Succeeded", "Failed"})
_TRIES = 5
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Ending:
    """Attempts as they end."""

    def __init__(self, api: Api, objects: Objects, owner: Stamp, clock: Clock, kept: KeptLogs) -> None:
        self._api = api
        self._objects = objects
        self._owner = owner
        self._clock = clock
        self._kept = kept
        # Since when the oldest name is kept; None while there is none. What others cleaned is seen once, at the start.
        self._oldest: datetime | None = _LONG_AGO

    async def stop(self, found: Found, grace: float, reason: StopReason = StopReason.EXITED) -> None:
        """Begin to end an attempt that is not over; the first `reason` counts.

        Raises:
            Transient: not now.
        """
        pods = await self._objects.pods_of(found)
        noted, now, change = told(found.main), self._clock.now(), dict[str, Any]()
        if noted is None or _is_sooner(noted, now, grace):
            # The first word on when it was told stays: it is when the end of a service is said to have been.
            stop = (
                Told(now, grace, reason)
                if noted is None
                else replace(noted, grace=(now - noted.at).total_seconds() + grace)
            )
            change["metadata"] = {"annotations": {names.STOP: json.dumps(note(stop), sort_keys=True)}}
        if found.kind == "Deployment":
            change["spec"] = {"replicas": 0}
        elif not pods:
            change["spec"] = _NOTHING  # nothing runs, and nothing will
        if change:
            await self._patch(found, change)
        # Pods of a Deployment are ended by it: to end them before it knows would have it make others.
        ending = [pod for pod in pods if found.kind == "Job" or "deletionTimestamp" in pod["metadata"]]
        for pod in ending:
            if (pod.get("status") or {}).get("phase") not in _DONE:
                await self._end(pod, grace)

    async def give_up(self, found: Found) -> None:
        """Have a Job that somebody else suspended, and whose pod is ended by that, begin nothing any more.

        Raises:
            Transient: not now.
        """
        stop = note(Told(self._clock.now(), 0.0, StopReason.PREEMPTED))
        annotations = {names.STOP: json.dumps(stop, sort_keys=True)}
        await self._patch(found, {"metadata": {"annotations": annotations}, "spec": _NOTHING})

    async def clean(self, key: Key, found: Found, ended_at: datetime) -> None:
        """Keep the log of attempt `key`, which is over, leave its name, and remove everything else of it.

        Raises:
            Transient: something of it cannot be read or removed now.
        """
        pods = await self._objects.pods_of(found)
        await self._keep_logs(found, pods, ended_at)
        self._oldest = _older(self._oldest, self._clock.now())
        await self._leave_name(found)
        await self._remove_beside(key, found, pods)

    async def clear(self, key: Key, found: Found) -> None:
        """Remove what a clean of attempt `key` has left that was cut short after it had left the name.

        Raises:
            Transient: something of it cannot be removed now.
        """
        await self._remove_beside(key, found, await self._objects.pods_of(found))

    async def _remove_beside(self, key: Key, found: Found, pods: Sequence[Object]) -> None:
        for pod in pods:
            await self._delete(PODS.path(found.namespace, pod["metadata"]["name"]), pod["metadata"]["uid"])
        beside = {"ConfigMap": names.files_name(key, self._owner), "Secret": names.token_name(key, self._owner)}
        for kind, name in beside.items():
            await self._delete(kind_of(kind).path(found.namespace, name))

    async def keep_log(self, found: Found, ended_at: datetime) -> None:
        """Keep the log of an attempt, which is over; one that nobody gives is waited for, and then given up.

        Raises:
            Transient: it cannot be read now.
        """
        await self._keep_logs(found, await self._objects.pods_of(found), ended_at)

    async def sweep(self, settings: KubernetesSettings, selector: str) -> int:
        """Free the names of what was cleaned long ago; how many. Asks nothing before there may be one.

        Raises:
            Transient: not now.
        """
        now = self._clock.now()
        if self._oldest is None or now < self._oldest + NAME_KEPT:
            return 0
        oldest, self._oldest, freed = self._oldest, None, 0
        try:
            for kind in MAIN:
                for namespace in namespaces_of(settings):
                    for head in await self._objects.heads(kind, namespace, f"{selector},{names.CLEANED}"):
                        cleaned = _instant((head["metadata"].get("annotations") or {}).get(names.CLEANED))
                        if cleaned + NAME_KEPT <= now:
                            await self._free(kind, namespace, head["metadata"])
                            freed += 1
                        else:
                            self._oldest = _older(self._oldest, cleaned)
        except Transient:
            self._oldest = oldest
            raise
        return freed

    # --- parts ---

    async def _free(self, kind: str, namespace: str, meta: Object) -> None:
        await self._let_go_of_service(namespace, (meta.get("labels") or {}).get(names.SERVICE))
        await self._delete(kind_of(kind).path(namespace, meta["name"]), meta["uid"])

    async def _keep_logs(self, found: Found, pods: Sequence[Object], ended_at: datetime) -> None:
        try:
            await self._kept.keep(found.name, logs_of(self._api, found.namespace, pods))
        except Transient as error:
            if self._clock.now() - ended_at < LOG_WAITED:
                raise
            log.warning("a log is lost", name=found.name, reason=error.message)

    async def _leave_name(self, found: Found) -> None:
        now = self._clock.now().isoformat()
        for _ in range(_TRIES):
            meta = found.main["metadata"]
            change: Object = {
                "metadata": {
                    "resourceVersion": meta["resourceVersion"],
                    "finalizers": [one for one in meta.get("finalizers") or () if one != names.FINALIZER],
                    "labels": {names.CLEANED: "true"},
                    "annotations": {names.CLEANED: now},
                }
            }
            try:
                await self._api.call("PATCH", found.path, change, content=MERGE_PATCH)
            except Denied as error:
                if error.absent:
                    return
                if not error.changed:
                    raise Transient(str(error.settled(f"{found.name} cannot be cleaned"))) from None
            else:
                return
            again = [one for one in await self._objects.read(found.name) if one.namespace == found.namespace]
            if not again:
                return
            found = again[0]
        raise Transient(f"{found.name} changes faster than it can be cleaned")

    async def _patch(self, found: Found, change: Object) -> None:
        try:
            self._objects.put(found.kind, await self._api.call("PATCH", found.path, change, content=MERGE_PATCH))
        except Denied as error:
            if not error.absent:
                raise Transient(str(error.settled(f"{found.name} cannot be stopped"))) from None

    async def _end(self, pod: Object, grace: float) -> None:
        meta = pod["metadata"]
        # 0 would not end it but only forget it, while its node may still run it.
        seconds = max(1, math.ceil(grace))
        await self._delete(PODS.path(meta["namespace"], meta["name"]), meta["uid"], seconds)

    async def _delete(self, path: str, uid: str = "", grace: int | None = None) -> None:
        body: Object = {"propagationPolicy": "Background"}
        if uid:
            body["preconditions"] = {"uid": uid}
        if grace is not None:
            body["gracePeriodSeconds"] = grace
        try:
            await self._api.call("DELETE", path, body)
        except Denied as error:
            # Whose uid is another one's is gone; any other conflict has left it where it was.
            is_another = bool(uid) and error.changed and "precondition" in error.message.lower()
            if not error.absent and not is_another:
                raise Transient(str(error.settled(f"{path} cannot be removed"))) from None

    async def _let_go_of_service(self, namespace: str, service: str | None) -> None:
        """Remove the way to a service that has had no attempt for long.

        Not when its last one is cleaned: the next one may be in the making, and its way is there before it is.
        """
        if service is None:
            return
        live = f"{names.SERVICE}={service},!{names.CLEANED}"
        if await self._objects.heads("Deployment", namespace, live):
            return
        for kind in ("Ingress", "HTTPRoute", "Service"):
            await self._delete(kind_of(kind).path(namespace, service))


def _is_sooner(stop: Told, now: datetime, grace: float) -> bool:
    """Whether a stop of `now` ends it before the one that is noted."""
    return now + timedelta(seconds=grace) < stop.at + timedelta(seconds=stop.grace)


def _older(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else min(one, other)


def _instant(text: object) -> datetime:
    """An instant that we wrote; the earliest one where somebody else did."""
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return _LONG_AGO
