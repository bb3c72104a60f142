"""Two or more replicas of a daemon, one of which leads: standing by, leading, and the end of either.

Decides when a replica lives as a daemon, and when it must not any more. It knows nothing of runs. What it must never
do: let go of the lease while anything of the daemon still works.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from reconciler.alarm import Alarm
from reconciler.elected import Leader, View
from reconciler.errors import Unusable
from reconciler.settings import DaemonSettings, environment
from reconciler.settings_election import Election as Said
from reconciler.standing import Listening, Standing
from reconciler.telemetry import log
from reconciler.told import Signals, unless_told

if TYPE_CHECKING:
    from reconciler.backends.kubernetes.client import Api
    from reconciler.backends.kubernetes.election import Election

__all__ = ["Leads", "lead"]

_OF_THIS_POD = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_ANY = {"0.0.0.0", "::"}  # noqa: S104 -- compared, not listened on


class Leads:
    """That this replica leads."""

    def __init__(self, election: Election, standing: Standing, term: int) -> None:
        self.term = term
        self.view: View = _Seen(election)
        self._election = election
        self._standing = standing

    async def raise_above(self, term: int) -> None:
        """Lead in a term that is greater than `term`, which a ledger has seen.

        Raises:
            Unusable: this replica leads no more.
        """
        self.term = await self._election.raise_above(term)

    async def begin(self) -> None:
        """Give the addresses back, for the daemon to answer there."""
        await self._standing.stop()


async def lead(settings: DaemonSettings, signals: Signals, live: Callable[[Leads], Awaitable[None]]) -> None:
    """Stand by until this replica leads, and then `live`; return when told to end.

    Raises:
        Unusable: it leads no more, or cannot take part.
    """
    assert settings.election is not None
    api, election = _election_of(settings, settings.election)
    try:
        async with anyio.create_task_group() as group:
            standing = Standing(_listening_of(settings), _Seen(election))
            group.start_soon(standing.run)
            log.info("standing by", lease=str(election.place))
            term = await unless_told(election.win(), signals)
            if term is None:
                log.info("ended while standing by")
            else:
                log.info("leads", lease=str(election.place), term=term)
                standing.begins = True
                group.start_soon(election.hold)
                await live(Leads(election, standing, term))
            group.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await election.release()
            await api.close()


class _Seen:
    """`reconciler.standing.View` of an election."""

    def __init__(self, election: Election) -> None:
        self._election = election

    @property
    def lease(self) -> str:
        """See `View.lease`."""
        return str(self._election.place)

    @property
    def replica(self) -> str:
        """See `View.replica`."""
        return self._election.identity

    @property
    def leader(self) -> Leader | None:
        """See `View.leader`."""
        held = self._election.seen
        return Leader(held.holder, held.since, held.addresses) if held is not None else None

    @property
    def unseen(self) -> str:
        """See `View.unseen`."""
        return self._election.unseen


def _election_of(settings: DaemonSettings, said: Said) -> tuple[Api, Election]:
    try:
        # Only here, as its packages are an extra.
        from reconciler.backends.kubernetes.access import access_of  # noqa: PLC0415
        from reconciler.backends.kubernetes.client import Api  # noqa: PLC0415
        from reconciler.backends.kubernetes.election import Election, Place, Times  # noqa: PLC0415
        from reconciler.backends.kubernetes.lease import Claim  # noqa: PLC0415
    except ModuleNotFoundError as error:
        needs = f"an election needs the package {error.name}"
        raise Unusable(f"{needs}: pip install 'plumbline-gitops[kubernetes]'") from None
    _demand_one_secret(settings)
    times = Times(said.duration.total_seconds(), said.renew.total_seconds(), said.retry.total_seconds())
    place = Place(said.namespace or _namespace(), said.lease)
    claim = Claim(_identity(), _addresses(settings), int(times.duration))
    alarm = Alarm(f"the lease {place} is lost, and this daemon did not end in time: it is ended")
    api = Api(access_of(settings.backends.kubernetes.kubeconfig, settings.backends.kubernetes.context))
    return api, Election(api, place, claim, times, alarm)


def _demand_one_secret(settings: DaemonSettings) -> None:
    """Make sure that a pod whose leader has changed is known to the next one.

    Raises:
        Unusable: each replica would have a secret of its own.
    """
    said = settings.backends.kubernetes
    agent = said.agent
    if agent is not None and agent.contact and agent.token_key_file is None and said.state is None:
        raise Unusable(
            "each replica would make a secret of its own for the tokens of pods, which the next leader would not "
            "take: name one for all in backends.kubernetes.agent.tokenKeyFile, or a folder that all of them mount in "
            "backends.kubernetes.state"
        )


def _identity() -> str:
    """Of this process, and of no other one: a container that starts again is another replica."""
    return f"{environment().get('POD_NAME') or socket.gethostname()}_{os.urandom(4).hex()}"


def _namespace() -> str:
    try:
        found = environment().get("POD_NAMESPACE") or _OF_THIS_POD.read_text().strip()
    except OSError:
        found = ""
    if not found:
        raise Unusable("election.namespace must say where the lease is: this is no pod with a namespace of its own")
    return found


def _listened(settings: DaemonSettings) -> dict[str, str]:
    """What a leader answers others than people on, by what."""
    agent = settings.backends.kubernetes.agent
    found = {"pods": agent.listen if agent is not None else None, "events": settings.api.events}
    found["webhooks"] = settings.webhooks.listen if settings.webhooks is not None else None
    found["pages"] = settings.pages.listen
    return {what: address for what, address in found.items() if address}


def _listening_of(settings: DaemonSettings) -> Listening:
    own = _addresses(settings).values()
    return Listening(settings.state_folder, settings.api.health or "", _listened(settings), own)


def _addresses(settings: DaemonSettings) -> dict[str, str]:
    """Where other replicas reach this one.

    Raises:
        Unusable: nobody says.
    """
    found, own = {}, environment().get("POD_IP", "")
    for what, listened in _listened(settings).items():
        host, _, port = listened.rpartition(":")
        if host.strip("[]") in _ANY:
            if not own:
                raise Unusable(
                    f"other replicas cannot be told where this one answers {what}: it listens on {listened}, and "
                    "POD_IP is not set; set it to the address of the pod (fieldRef: status.podIP)"
                )
            host = f"[{own}]" if ":" in own else own
        found[what] = f"{host}:{port}"
    return found
