"""Sending notices through the connections of the configuration, beside all reconciling.

Each connection goes by itself: one that hangs, fails or is not set up delays nobody else. A notice is sent until it is
taken, with pauses that grow, for a day at most; whether it was is a fact, so that a restart goes on where it was. After
a crash between the two it is sent a second time, under the same id. What goes wrong here never ends the daemon.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

import anyio
from anyio.abc import TaskGroup

from planner.model.facts import Delivered
from planner.model.notices import Notice
from reconciler.core import Core
from reconciler.errors import Refused, Transient, Unusable
from reconciler.messages import Channel, Rejected
from reconciler.telemetry import log

__all__ = ["Notifier"]

GIVEN_UP_AFTER = timedelta(days=1)
"""Age at which a notice that nobody took is given up."""

_AT_ONCE = 50
"""Notices of one connection that are sent in one go."""
_LONGEST_BACK_OFF = 300.0
_LEDGER_AGAIN = 5.0


@dataclass(slots=True)
class _Pause:
    """Until when a connection is left alone, by the loop's clock, and after how many failures."""

    until: float = 0.0
    failures: int = 0


class Notifier:
    """Sends what is owed. `run` returns only when cancelled.

    Attributes:
        stuck: why a connection takes nothing until a person changes something, by its name.
    """

    def __init__(self, core: Core, channels: Mapping[str, Channel], jitter: random.Random) -> None:
        self._core = core
        self._channels = channels
        self._jitter = jitter
        self._pauses: dict[str, _Pause] = {}
        self._busy: set[str] = set()
        self._news = anyio.Event()
        self.stuck: dict[str, str] = {}

    def wake(self) -> None:
        """Something new is owed."""
        self._news.set()

    async def run(self) -> None:
        """Send until cancelled. Without any connection nothing is looked for until something is owed."""
        async with anyio.create_task_group() as group:
            if not self._channels:
                await self._news.wait()
            while True:
                news = self._news = anyio.Event()
                with anyio.move_on_after(await self._look(group)):
                    await news.wait()

    async def _look(self, group: TaskGroup) -> float | None:
        """Start to send what may be sent now; returns the seconds until more may be, None where only news counts."""
        try:
            owed = await self._core.ledger.unsent(_AT_ONCE)
        except Unusable:
            return None  # the ledger is gone for good: whoever reconciles says so and ends the daemon
        except Transient as error:
            log.warning("notices wait", reason=error.message)
            return _LEDGER_AGAIN
        except Exception as error:  # noqa: BLE001 -- nobody's work depends on notices
            log.exception("notices are not sent now", fault=type(error).__name__)
            return _LONGEST_BACK_OFF
        by_connection = {name: list(notices) for name, notices in groupby(owed, key=lambda notice: notice.connection)}
        self.stuck = {name: words for name, words in self.stuck.items() if name in by_connection}
        waits = []
        for name, notices in by_connection.items():
            wait = self._pause(name).until - anyio.current_time()
            if name in self._busy:
                continue  # it wakes us when it is done
            if wait > 0:
                waits.append(wait)
                continue
            self._busy.add(name)
            group.start_soon(self._send, name, notices)
        return min(waits, default=None)

    async def _send(self, name: str, notices: Sequence[Notice]) -> None:
        """Send notices through one connection, oldest first, until one is not taken."""
        try:
            for notice in notices:
                await self._deliver(name, notice)
                self._pause(name).failures = 0
                self.stuck.pop(name, None)
        except Transient as error:
            self._back_off(name, error.message)
        except Refused as error:
            self.stuck[name] = f"nobody is told through the connection `{name}`: {error.message}"
            self._back_off(name, error.message)
        except Exception as error:  # noqa: BLE001 -- ours, or the ledger's end: the other connections go on
            log.exception("a notice was not sent", connection=name)
            self._back_off(name, f"a fault of Plumbline ({type(error).__name__})")
        finally:
            self._busy.discard(name)
            self._news.set()

    async def _deliver(self, name: str, notice: Notice) -> None:
        core, failure = self._core, ""
        now = core.clock.now()
        if now - notice.at > GIVEN_UP_AFTER:
            failure = "nobody took it for a day"
        else:
            try:
                await self._channel(name).send(notice, core.policy.identity)
            except Rejected as error:
                failure = error.message
        if failure:
            log.warning("a notice is given up", connection=name, run=str(notice.key), reason=failure)
        await core.ledger.record([Delivered(notice.ident, core.clock.now(), failure)])

    def _channel(self, name: str) -> Channel:
        channel = self._channels.get(name)
        if channel is None:
            raise Refused("daemon.yaml has no connection of that name through which somebody can be told")
        return channel

    def _pause(self, name: str) -> _Pause:
        return self._pauses.setdefault(name, _Pause())

    def _back_off(self, name: str, reason: str) -> None:
        pause = self._pause(name)
        pause.failures += 1
        seconds = min(1.0 * 2 ** min(pause.failures - 1, 10), _LONGEST_BACK_OFF) * (0.75 + self._jitter.random() / 2)
        pause.until = anyio.current_time() + seconds
        log.warning("trying again", connection=name, reason=reason, seconds=round(seconds, 2), failures=pause.failures)
