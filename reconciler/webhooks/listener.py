"""Webhooks of GitHub, GitLab, Gitea and Forgejo over TCP: each is checked, answered at once, and wakes a poll.

Nothing of a delivery is used but that it came: what is new is asked of the forge itself. So a delivery that is forged,
lost, late, doubled or out of order changes when something is looked at, and never what is found.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field

import anyio
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from planner.spec.words import short
from reconciler.hints import Hints
from reconciler.telemetry import Metrics, log
from reconciler.webhooks.door import Door
from reconciler.webhooks.memory import Seen, Strikes
from reconciler.webhooks.senders import Forge, Topic, delivery_of, repository_of, sender_of, topic_of
from reconciler.webhooks.signatures import claim_of, proves
from reconciler.webhooks.verdicts import Verdict, answer

__all__ = ["LARGEST", "PATH", "webhooks_app"]

PATH = "/webhook"
LARGEST = 5 * 1024 * 1024
"""Bytes of a body. Forges send up to 25 MiB, of pushes of thousands of commits: the next poll finds those."""

_SLOWEST = 5.0
"""Seconds that a body may take; forges wait 10 for an answer."""
_SMALL = 64 * 1024
"""Bytes that any body may have in memory at any time."""
_LARGE_ONES = 8
"""Larger bodies at once, so that strangers fill no more than 40 MiB."""


class _TooLargeError(Exception):
    pass


@dataclass(slots=True)
class _Listener:
    """The listener of one daemon."""

    hints: Hints
    metrics: Metrics
    door: Door
    seen: Seen = field(default_factory=Seen)
    strikes: Strikes = field(default_factory=Strikes)
    large: anyio.Semaphore = field(default_factory=lambda: anyio.Semaphore(_LARGE_ONES))

    async def receive(self, request: Request) -> Response:
        """The answer to one delivery."""
        forge = sender_of(request.headers)
        verdict = await self._judge(forge, request)
        self.metrics.delivered(str(forge or "unknown"), str(verdict))
        return answer(verdict)

    async def _judge(self, forge: Forge | None, request: Request) -> Verdict:
        headers = request.headers
        if headers.get("content-type", "").partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
            # Forges do not agree on what they sign of a form.
            return Verdict.FORM
        claim = claim_of(forge, headers) if forge is not None else None
        if forge is None or claim is None:
            return self._wrong(forge, request)
        try:
            with anyio.fail_after(_SLOWEST):
                body = await self._read(request)
        except TimeoutError:
            return Verdict.SLOW
        except _TooLargeError:
            return Verdict.LARGE
        except ClientDisconnect:
            return Verdict.MALFORMED  # nobody hears the answer
        if not proves(claim, self.door.secrets(), body, self.door.clock.now().timestamp()):
            return self._wrong(forge, request)
        return self._heed(forge, headers, body)

    def _heed(self, forge: Forge, headers: Headers, body: bytes) -> Verdict:
        """What follows from a delivery that is signed."""
        self.hints.heard_at, self.hints.heard_of = self.door.clock.now(), str(forge)
        topic = topic_of(forge, headers)
        if topic is Topic.OTHER:
            return Verdict.IGNORED
        try:
            payload = json.loads(body)
        except (ValueError, RecursionError):
            payload = None
        name = repository_of(forge, payload) if isinstance(payload, dict) else ""
        if topic is Topic.PING and isinstance(payload, dict):
            return Verdict.PING  # that of an organisation names no repository
        if not name:
            log.warning("webhook without a repository", forge=str(forge))
            return Verdict.MALFORMED
        # In capitals or not, but of the same letters: other alphabets have some that become ours, such as a long s.
        if not name.isascii() or name.lower() != self.door.repository.lower():
            log.warning("webhook of another repository", forge=str(forge), of=short(name), follows=self.door.repository)
            return Verdict.ELSEWHERE
        if self.seen.again(forge, delivery_of(forge, headers)):
            return Verdict.REPEATED
        log.debug("webhook", forge=str(forge), topic=str(topic))
        self.hints.push() if topic is Topic.PUSH else self.hints.pulls()
        return Verdict.WOKEN

    def _wrong(self, forge: Forge | None, request: Request) -> Verdict:
        """One with a wrong signature, or none. Right ones go on being heard: all may come by the same proxy."""
        if not self.strikes.take():
            return Verdict.OFTEN
        host = request.client.host if request.client is not None else ""
        log.warning("webhook with a wrong signature, or none", forge=str(forge or "unknown"), by=host)
        return Verdict.WRONG

    async def _read(self, request: Request) -> bytes:
        """The body, as it is.

        Raises:
            _TooLargeError: it is, or says so.
            ClientDisconnect: it never ended.
        """
        announced = request.headers.get("content-length", "0")
        if not (announced.isascii() and announced.isdigit() and len(announced) < 10) or int(announced) > LARGEST:
            raise _TooLargeError
        data = bytearray()
        async with contextlib.AsyncExitStack() as held:
            taken = False
            async for chunk in request.stream():
                data += chunk
                if len(data) > LARGEST:
                    raise _TooLargeError
                if len(data) > _SMALL and not taken:
                    await held.enter_async_context(self.large)
                    taken = True
        return bytes(data)


def webhooks_app(hints: Hints, metrics: Metrics, door: Door) -> Starlette:
    """`POST /webhook` for forges. Made inside the event loop, whose clock it goes by."""
    listener = _Listener(hints, metrics, door)
    app = Starlette(routes=[Route(PATH, listener.receive, methods=["POST"])])
    app.router.redirect_slashes = False
    return app
