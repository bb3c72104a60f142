"""All checks of a configuration, one after the other: what each finds, and what went wrong with one as its finding.

Changes nothing and starts nothing. What it must never do: end because one check did, or say a secret.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import anyio

from reconciler.doctor import backend, forge, ledger, machine, reached, repository, secrets
from reconciler.errors import Refused, Transient, Unusable
from reconciler.ports_checked import Finding, Grade
from reconciler.settings import DaemonSettings

__all__ = ["CHECKS", "examine"]

Check = Callable[[DaemonSettings], Awaitable[Sequence[Finding]]]

CHECKS: Mapping[str, Check] = {
    "daemon": machine.daemon,
    "state folder": machine.state,
    "disk": machine.disk,
    "listeners": machine.listeners,
    "git": repository.git,
    "repository": repository.reached,
    "clock": repository.clock,
    "ledger": ledger.ledger,
    "backend": backend.backend,
    "forge": forge.forge,
    "webhooks": secrets.webhooks,
    "notifications": secrets.notifications,
    "artifacts store": secrets.store,
    "pages": reached.pages,
}
"""Each check by what it looks at."""

_SECONDS = 40.0
"""That one check may take: git gives up on a host before that."""


async def examine(settings: DaemonSettings, checks: Mapping[str, Check] = CHECKS) -> list[Finding]:
    """What all checks find, in their order."""
    found: list[Finding] = []
    for what, check in checks.items():
        found += await _done(what, check, settings)
    return found


async def _done(what: str, check: Check, settings: DaemonSettings) -> Sequence[Finding]:
    try:
        with anyio.fail_after(_SECONDS):
            return await check(settings)
    except TimeoutError:
        return [Finding(what, Grade.PROBLEM, f"no answer within {_SECONDS:g} seconds")]
    except (Transient, Refused, Unusable) as error:
        return [Finding(what, Grade.PROBLEM, error.message)]
    except OSError as error:
        return [Finding(what, Grade.PROBLEM, f"this machine says no: {error.strerror or type(error).__name__}")]
    except Exception as error:  # noqa: BLE001 -- our own fault, which must not keep the other checks from being told
        said = f"this check failed by a fault of ours ({type(error).__name__})"
        return [Finding(what, Grade.PROBLEM, said, "please report it")]
