"""What SIGHUP does: takes over from the configuration file what may change while running, and names what may not.

It never takes over half a file: with anything wrong in it, all stays as it was, and the log says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from reconciler.building import Daemon
from reconciler.configured import lookup_of, policy_of, store_of
from reconciler.configured_forge import check_forge
from reconciler.configured_source import check_source
from reconciler.errors import Unusable
from reconciler.settings import DaemonSettings, load_settings
from reconciler.telemetry import log

__all__ = ["reread"]

_OF_MACHINE = tuple(f"backends.{backend}.{name}" for backend in ("local", "engine") for name in ("runsAtOnce", "ports"))
_LIVE = ("budgets.", "firstSync", "resync", "grace", *_OF_MACHINE)
"""Settings that change at once when the file is read again; all others are read at the start only."""


def reread(daemon: Daemon) -> None:
    """Take over from the configuration file what may change while running; say what needs a restart."""
    if daemon.path is None:
        log.info("no configuration file to read again")
        return
    try:
        new = load_settings(daemon.path)
        # What needs a restart must be right, too: that restart may come when nobody looks.
        check_source(new)
        check_forge(new)
        lookup_of(new), store_of(new)
        policy = policy_of(new, daemon.core.policy.identity, daemon.core.policy.warnings)
    except Unusable as error:
        log.error("the configuration stays as it was", reason=error.message)
        return
    daemon.core.policy = replace(policy, branch=daemon.core.policy.branch)
    log.info("configuration read again", needs_restart=_needs_restart(daemon.settings, new))
    # Roots that wait for a place look again: there may be more of them now.
    for name in ("source", "survey", *(f"root:{root}" for root in daemon.core.line.roots)):
        daemon.core.queue.add(name)


def _needs_restart(now: DaemonSettings, wanted: DaemonSettings) -> list[str]:
    """Names of the settings that differ from those that the daemon was started with, and are not live."""
    before, after = (dict(_flat(settings.model_dump(by_alias=True))) for settings in (now, wanted))
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    return sorted(name for name in changed if not name.startswith(_LIVE))


def _flat(settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{below}", item) for below, item in _flat(value))
        else:
            yield name, value
