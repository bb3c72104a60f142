"""Which of several replicas leads: part of the configuration. Asks nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, TypeAdapter, ValidationError

from planner.spec.clashes import Clash, Said, fault
from planner.spec.section import Section
from planner.spec.times import Duration
from reconciler.settings_kubernetes import Namespace

__all__ = ["Election", "clashes_of_election"]

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_SHORTEST, _LONGEST = timedelta(seconds=0.2), timedelta(hours=1)
_SECOND = timedelta(seconds=1)


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise fault("PL-204", "{field} must be the name of a Lease", "lower-case letters, digits, `-` and `.`")
    return value


def _pause(value: timedelta) -> timedelta:
    if not _SHORTEST <= value <= _LONGEST:
        raise fault("PL-204", "{field} must be from 0.2 seconds to an hour")
    return value


def _whole(value: timedelta) -> timedelta:
    if _pause(value) % _SECOND or value < _SECOND:
        raise fault("PL-204", "{field} must be whole seconds", "as a Lease has nothing smaller")
    return value


class Election(Section):
    """A Lease of Kubernetes says which replica leads."""

    lease: Annotated[str, AfterValidator(_name)]
    """Name of the Lease: the same for all replicas, and for nobody else."""
    namespace: Namespace | None = None
    """Where it is; the namespace of the daemon's own pod when left out."""
    duration: Annotated[Duration, AfterValidator(_whole)] = timedelta(seconds=15)
    """How long nothing must be heard of the leader before another one takes over."""
    renew: Annotated[Duration, AfterValidator(_pause)] = timedelta(seconds=10)
    """How long a leader goes on trying that cannot renew the Lease."""
    retry: Annotated[Duration, AfterValidator(_pause)] = timedelta(seconds=2)
    """Time between two renewals."""

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """A leader has to have ended before another one begins, and must be able to fail once."""
        times = ("duration", "renew", "retry")
        found = {name: _read(said[name], cls.model_fields[name].default) for name in times}
        duration, renew, retry = (found[name] for name in times)
        if duration is None or renew is None or retry is None:
            return
        if renew + retry >= duration:
            hint = "such as duration: 15, renew: 10, retry: 2"
            message = "`renew` and `retry` together must be shorter than `duration`"
            yield times, fault("PL-204", message, hint, ("renew",))
        elif 2 * retry > renew:
            hint = "so that one renewal that fails does not end a leader"
            yield times, fault("PL-204", "`retry` must be half of `renew` at most", hint, ("retry",))


def clashes_of_election(said: Said) -> Iterator[Clash]:
    """What else of a configuration must be so where there is an election."""
    if said["election"] is None:
        return
    if said["backend"] != "kubernetes":
        message = "an election needs `backend: kubernetes`: runs of this machine can be led from this machine only"
        yield ("election", "backend"), fault("PL-209", message, "leave `election` out", ("election",))
    elif said["ledger"] is None:
        message = "an election needs `ledger.url`: the file of one replica is not there for the others"
        yield ("election", "ledger"), fault("PL-202", message, "docs/daemon.md has how", ("election",))


_DURATION: TypeAdapter[timedelta] = TypeAdapter(Duration)


def _read(written: object, default: timedelta) -> timedelta | None:
    """A time as written; None for what is none, which is said where it stands."""
    try:
        return default if written is None else _DURATION.validate_python(written)
    except ValidationError:
        return None
