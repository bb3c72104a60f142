"""All that is watched of one instance and project, in each of its namespaces, found by attempt.

Holds jobs and deployments by name, and pods by the attempt that they are of. Decides nothing about what it finds. What
it must never do: answer before it has seen each list whole once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio

from reconciler.backends.kubernetes import names
from reconciler.backends.kubernetes.client import Api
from reconciler.backends.kubernetes.denied import Denied, items_of
from reconciler.backends.kubernetes.kinds import EVENTS, MAIN, PODS, kind_of
from reconciler.backends.kubernetes.listwatch import ListWatch, Watched
from reconciler.backends.kubernetes.queueing import Queueing
from reconciler.backends.kubernetes.status.queue import Queued
from reconciler.backends.kubernetes.trim import trimmed
from reconciler.backends.kubernetes.ways import Watching, Ways
from reconciler.errors import Transient

__all__ = ["Found", "Objects", "Scope"]

Object = dict[str, Any]

FIRST = 15.0
"""Seconds that a look waits for the first lists."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What belongs to one instance and project.

    Attributes:
        namespaces: where its objects are.
        selector: labels that all of them have and that what was cleaned lost.
        attempt: label of a pod that names its main object.
        ways: kinds of what leads to services.
        queued: whether jobs may be in queues of Kueue.
    """

    namespaces: Sequence[str]
    selector: str
    attempt: str
    ways: Sequence[str] = ()
    queued: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """An attempt's main object with its pods.

    Attributes:
        kind: of the main object.
        main: the object, trimmed.
        pods: trimmed, oldest first.
        queued: what is known of a Job in its queue.
    """

    kind: str
    main: Object
    pods: Sequence[Object] = field(default=())
    queued: Queued = field(default=Queued())

    @property
    def namespace(self) -> str:
        """Where they are."""
        return str(self.main["metadata"]["namespace"])

    @property
    def name(self) -> str:
        """Of the main object."""
        return str(self.main["metadata"]["name"])

    @property
    def path(self) -> str:
        """Of the main object."""
        return kind_of(self.kind).path(self.namespace, self.name)


class Objects:
    """The list-watches, and what they hold."""

    def __init__(self, api: Api, scope: Scope, tell: Callable[[str], None]) -> None:
        """Touches nothing; `open` begins.

        Args:
            api: the server.
            scope: whose objects.
            tell: called with the name of a main object that may have changed, or whose pods may have.
        """
        self._api = api
        self._scope = scope
        self._tell = tell
        self._pods: dict[str, dict[str, Object]] = {}
        self._mains: dict[tuple[str, str], ListWatch] = {}
        self._all: list[ListWatch] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._counted = -1
        self._queueing = Queueing(api, scope.namespaces if scope.queued else (), tell)
        for namespace in scope.namespaces:
            for kind in MAIN:
                watched = Watched(kind_of(kind).path(namespace), scope.selector, trimmed)
                self._mains[kind, namespace] = ListWatch(api, watched, self._main_told, self._main_told)
            watched = Watched(PODS.path(namespace), scope.selector, trimmed)
            self._all.append(ListWatch(api, watched, self._pod_came, self._pod_went))
        self._all += self._mains.values()
        self.ways = Ways(api, Watching(scope.namespaces, scope.selector, scope.ways), self._way_told)
        """What leads to services. Nobody waits for it: what is not known of it is no drift."""

    def open(self) -> None:
        """Begin to watch, unless that was done."""
        if not self._tasks:
            running = [watch.run() for watch in (*self._all, *self.ways.watches)]
            self._tasks = [asyncio.create_task(one) for one in (*running, self._queueing.run())]

    async def close(self) -> None:
        """Stop watching."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def ready(self) -> None:
        """Return when each list was seen whole once.

        Raises:
            Transient: one was not, for a while; why.
        """
        if all(watch.synced for watch in self._all):
            return
        with anyio.move_on_after(FIRST) as waited:
            for watch in self._all:
                await watch.wait_synced()
        if waited.cancelled_caught:
            trouble = next((watch.trouble for watch in self._all if watch.trouble), "")
            raise Transient(trouble or "the API server has not said yet what runs on the cluster")

    def get(self, name: str) -> Found | None:
        """The attempt whose main object has this name, as far as is known."""
        for (kind, _), watch in self._mains.items():
            main = watch.objects.get(name)
            if main is not None:
                return self._found(kind, main)
        return None

    def all(self) -> Iterator[Found]:
        """Every attempt that is known."""
        for (kind, _), watch in self._mains.items():
            for main in list(watch.objects.values()):
                yield self._found(kind, main)

    def put(self, kind: str, told: Object) -> Found:
        """Take in a main object that was just made or changed."""
        watch = self._mains[kind, told["metadata"]["namespace"]]
        return self._found(kind, watch.put(told))

    async def read(self, name: str) -> Sequence[Found]:
        """The main objects of this name, asked of the API server; cleaned ones too.

        Raises:
            Transient: it cannot be asked.
        """
        found = []
        for kind, namespace in self._mains:
            with contextlib.suppress(_Absent):
                main = trimmed(await self._get(kind_of(kind).path(namespace, name)))
                found.append(self._found(kind, main))
        return found

    async def listed(self) -> Sequence[str]:
        """Names of the main objects that there are.

        They are asked of the API server where a watch is not well, or told of any that went since the last time: what
        is gone is looked at twice before anybody believes it, and what only stays or comes the watches say themselves.

        Raises:
            Transient: it cannot be asked.
        """
        lost = sum(watch.lost for watch in self._mains.values())
        if lost == self._counted and not any(watch.trouble for watch in self._mains.values()):
            return [name for watch in self._mains.values() for name in watch.objects]
        listed: list[str] = []
        for kind, namespace in self._mains:
            listed += [item["metadata"]["name"] for item in await self.heads(kind, namespace, self._scope.selector)]
        self._counted = lost
        return listed

    async def heads(self, kind: str, namespace: str, selector: str) -> Sequence[Object]:
        """The main objects with these labels, without anything but their metadata.

        Raises:
            Transient: they cannot be listed.
        """
        found: list[Object] = []
        query: dict[str, object] = {"labelSelector": selector, "limit": 1000}
        while True:
            try:
                page = await self._api.heads(kind_of(kind).path(namespace), query)
            except Denied as error:
                raise Transient(
                    str(error.settled(f"the {kind_of(kind).plural} of {namespace} cannot be listed"))
                ) from None
            found += items_of(page)
            query["continue"] = (page.get("metadata") or {}).get("continue")
            if not query["continue"]:
                return found

    async def pods_of(self, found: Found) -> Sequence[Object]:
        """The pods of an attempt that there are, asked of the API server.

        Raises:
            Transient: it cannot be asked.
        """
        query = {"labelSelector": f"{self._scope.attempt}={found.name}"}
        try:
            page = await self._api.call("GET", PODS.path(found.namespace), query=query)
        except Denied as error:
            raise Transient(str(error.settled(f"the pods of {found.name} cannot be listed"))) from None
        return [trimmed(item) for item in items_of(page)]

    async def events(self, found: Found, uid: str) -> Sequence[Object]:
        """Warnings about an object in the namespace of an attempt, as far as they can be read: they only explain."""
        query = {"fieldSelector": f"involvedObject.uid={uid},type=Warning", "limit": 20}
        try:
            page = await self._api.call("GET", EVENTS.path(found.namespace), query=query)
        except (Denied, Transient):
            return ()
        return list(page.get("items") or ())

    async def _get(self, path: str) -> Object:
        try:
            return await self._api.call("GET", path)
        except Denied as error:
            if error.absent:
                raise _Absent from None
            raise Transient(str(error.settled(f"{path} cannot be read"))) from None

    def _found(self, kind: str, main: Object) -> Found:
        pods = self._pods.get(main["metadata"]["name"], {})
        listed = sorted(pods.values(), key=lambda pod: pod["metadata"]["creationTimestamp"])
        return Found(kind, main, listed, self._queueing.of(main))

    def _main_told(self, main: Object) -> None:
        self._tell(main["metadata"]["name"])

    def _way_told(self, namespace: str, service: str) -> bool:
        mains = self._mains["Deployment", namespace].objects.items()
        found = [name for name, main in mains if (main["metadata"].get("labels") or {}).get(names.SERVICE) == service]
        for name in found:
            self._tell(name)
        return bool(found)

    def _pod_came(self, pod: Object) -> None:
        attempt = self._attempt_of(pod)
        self._pods.setdefault(attempt, {})[pod["metadata"]["name"]] = pod
        self._tell(attempt)

    def _pod_went(self, pod: Object) -> None:
        attempt = self._attempt_of(pod)
        pods = self._pods.get(attempt, {})
        pods.pop(pod["metadata"]["name"], None)
        if not pods:
            self._pods.pop(attempt, None)
        self._tell(attempt)

    def _attempt_of(self, pod: Object) -> str:
        return str((pod["metadata"].get("labels") or {}).get(self._scope.attempt, ""))


class _Absent(Exception):  # noqa: N818 -- no error: an answer
    """There is no such object."""
