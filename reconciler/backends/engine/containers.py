"""Containers of ours as a whole: which there are, whose name is free, and their end as things of the engine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from planner import keys
from reconciler.backends.engine import names
from reconciler.backends.engine.client import Denied, Engine
from reconciler.backends.engine.driving import Driving
from reconciler.backends.engine.output import Output
from reconciler.backends.engine.replica import Replica, replicas_of
from reconciler.backends.engine.status import Box
from reconciler.backends.machine.claims import Claim, Claims
from reconciler.backends.machine.damage import Unreadable
from reconciler.errors import Refused, Transient
from reconciler.ports import Order

__all__ = ["Containers"]


class Containers:
    """The containers of one instance and project."""

    def __init__(self, engine: Engine, driving: Driving, output: Output, claims: Claims) -> None:
        self._engine = engine
        self._driving = driving
        self._output = output
        self._claims = claims

    async def check_free(self, order: Order) -> None:
        """Whether the names of an attempt's containers are free.

        Raises:
            Refused: one is taken by something that no claim of ours knows.
            Transient: the engine is away.
        """
        for group in order.run.gang.replicas:
            for index in range(group.count):
                called = names.container_name(order.key, order.stamp, f"{group.role}-{index}")
                box = await self._driving.look(called)
                if box is not None and not self._is_known(box):
                    ledger = box.labels.get(names.LEDGER)
                    whose = f"of the ledger {ledger[:12]}, and no claim of ours" if ledger else "not ours"
                    raise Refused(f"container {called} exists and is {whose}: remove it or give it another name")

    async def listed(self) -> Mapping[str, Mapping[str, Any]]:
        """What the engine has of this instance and project, by name. What is left of a cleaned attempt is removed.

        Raises:
            Transient: the engine is away.
        """
        filters = json.dumps({"label": [f"{names.SCOPE}={self._claims.scope}"]})
        try:
            said = await self._engine.call("GET", "/containers/json", query={"all": "true", "filters": filters})
        except Denied as error:
            raise error.settled("the engine cannot list containers") from None
        found = {str(name).lstrip("/"): one for one in said or () for name in one.get("Names") or ()}
        for called, one in list(found.items()):
            if self._is_left(one.get("Labels") or {}):
                await self._delete(str(one["Id"]))
                del found[called]
        return found

    async def remove(self, claim: Claim) -> None:
        """Keep what the containers of an ended attempt wrote, and remove them.

        Raises:
            Transient: the engine is away, or the disk says no.
        """
        for replica in replicas_of(claim):
            box = await self._driving.look(replica.called)
            if box is None or box.labels.get(names.CLAIM) != claim.record["token"]:
                continue
            if box.has_run:
                await self._keep(replica, box)
            await self._delete(box.id)

    async def _keep(self, replica: Replica, box: Box) -> None:
        try:
            await self._output.keep(replica, box)
        except OSError as error:
            raise Transient(f"the output of {replica.called} cannot be kept: {error.strerror or error}") from error

    async def _delete(self, ident: str) -> None:
        try:
            await self._engine.call("DELETE", f"/containers/{ident}", query={"force": "true", "v": "true"})
        except Denied as error:
            if not error.absent:
                raise error.settled(f"container {ident[:12]} cannot be removed") from None

    def _is_known(self, box: Box) -> bool:
        """Whether a claim of ours has this container: somebody has just made it."""
        key = keys.key_of(box.labels.get(names.KEY, ""))
        claim = self._claims.find(key) if key is not None else None
        return claim is not None and claim.record["token"] == box.labels.get(names.CLAIM)

    def _is_left(self, labels: Mapping[str, str]) -> bool:
        """Whether a container is of an attempt that was cleaned: a request of a daemon that died came late."""
        key = keys.key_of(labels.get(names.KEY, ""))
        if key is None or self._claims.is_live(self._claims.name(key)):
            return False
        try:
            claim = self._claims.find(key)
        except Unreadable:
            return False
        return claim is not None and claim.cleaned() and claim.record["token"] == labels.get(names.CLAIM)
