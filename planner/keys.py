"""Keys: the deterministic names of everything that runs.

A key is a path of cause, place, round and attempt (design: "Words"). The same facts give the same key on every
machine, so a restart, a double delivery or two daemons create nothing twice. Text form:

    train@g3                          generation 3 of the root train
    train@2026-11-23T06:00Z/eval~1#2  a tick's DAG node eval, first retry round, second attempt
    train@req-4k2f                    a request (`plumbline run`)
    train@ev-9b1c                     an event
    train@hook-5d0e                   the end of a run of train, which a hook follows
    train@g3/0017                     trial 17 of a sweep, from 0

This module must never look at what a key stands for.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime

__all__ = [
    "SEGMENT",
    "SHORT_ID",
    "Key",
    "event",
    "generation",
    "hook",
    "is_trial",
    "key_of",
    "parse",
    "request",
    "tick",
    "trial",
    "tuner",
    "tuner_number",
]

SEGMENT = re.compile(r"[-a-zA-Z0-9_]+")
"""A root's or node's name: the reference's rule for `name` (section 1)."""

SHORT_ID = re.compile(r"r-[a-z2-7]{8}")
"""What `Key.short_id` gives."""

_KEY = re.compile(
    r"(?P<root>[-a-zA-Z0-9_]+)@(?P<cause>[-a-zA-Z0-9_:]+)(?P<place>(?:/[-a-zA-Z0-9_]+)*)"
    r"(?:~(?P<round>[1-9][0-9]*))?(?:#(?P<attempt>[1-9][0-9]*))?"
)
_GENERATION = re.compile(r"g([1-9][0-9]*)")


@functools.total_ordering
@dataclass(frozen=True, slots=True)
class Key:
    """Name of a run (attempt 0) or of one of its attempts.

    Attributes:
        root: name of the root it belongs to when it was made.
        cause: why it exists: `g3`, an instant, `req-…`, `ev-…` or `hook-…`.
        place: names of DAG nodes or trials below the root, outermost first.
        round: 0, or the number of the retry that a person asked for.
        attempt: 0 for the run, from 1 for its attempts.
    """

    root: str
    cause: str
    place: tuple[str, ...] = ()
    round: int = 0
    attempt: int = 0

    def __str__(self) -> str:
        place = "".join(f"/{name}" for name in self.place)
        again = f"~{self.round}" if self.round else ""
        attempt = f"#{self.attempt}" if self.attempt else ""
        return f"{self.root}@{self.cause}{place}{again}{attempt}"

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Key):
            return NotImplemented
        return self.order < other.order

    @property
    def order(self) -> tuple[object, ...]:
        """What keys are compared by: generations by number, whatever its digits."""
        number = _GENERATION.fullmatch(self.cause)
        cause = (0, int(number[1]), "") if number else (1, 0, self.cause)
        return (self.root, cause, self.place, self.round, self.attempt)

    @property
    def top(self) -> Key:
        """The run that the cause started: no place, round or attempt."""
        return Key(self.root, self.cause)

    @property
    def run(self) -> Key:
        """The run of this attempt."""
        return Key(self.root, self.cause, self.place, self.round) if self.attempt else self

    @property
    def node(self) -> Key:
        """The place without round and attempt: what stays the same over retries."""
        return Key(self.root, self.cause, self.place)

    @property
    def parent(self) -> Key | None:
        """The node that this one is a child of; None for a top."""
        if not self.place:
            return None
        return Key(self.root, self.cause, self.place[:-1])

    def child(self, name: str) -> Key:
        """The node `name` below this one."""
        return Key(self.root, self.cause, (*self.place, name))

    def at_round(self, number: int) -> Key:
        """This node in retry round `number`."""
        return Key(self.root, self.cause, self.place, number)

    def at_attempt(self, number: int) -> Key:
        """Attempt `number` of this run."""
        return Key(self.root, self.cause, self.place, self.round, number)

    @property
    def generation(self) -> int | None:
        """The generation that caused it, or None for other causes."""
        found = _GENERATION.fullmatch(self.cause)
        return int(found[1]) if found else None

    @property
    def tick(self) -> datetime | None:
        """The scheduled instant (UTC) that caused it, or None for other causes."""
        return _instant(self.cause) if self.cause[0].isdigit() else None

    @property
    def recurs(self) -> bool:
        """Whether a schedule, an event or an end caused it, which wants the work done again each time."""
        return self.tick is not None or self.cause.startswith(("ev-", "hook-"))

    def short_id(self, instance: str, project: str) -> str:
        """The id for URLs, labels and typing: `r-` and eight characters, of the run, in its instance and project."""
        text = f"{instance}/{project}/{self.run}"
        return "r-" + base64.b32encode(hashlib.sha256(text.encode()).digest()[:5]).decode().lower()

    def dns_name(self, instance: str, project: str) -> str:
        """A DNS label (63 characters at most) that is unique to this key: readable head, digest tail."""
        return _dns_name(self, instance, project)


@functools.lru_cache(maxsize=4_096)  # of each start it is asked for half a dozen times
def _dns_name(key: Key, instance: str, project: str) -> str:
    digest = hashlib.sha256(f"{instance}/{project}/{key}".encode()).hexdigest()[:12]
    tail = f"-{digest}-{key.attempt}" if key.attempt else f"-{digest}"
    words = (key.root, *key.place)
    head = re.sub(r"[^a-z0-9]+", "-", "-".join(words).lower()).strip("-")[: min(46, 63 - len(tail))].rstrip("-")
    return f"{head or 'run'}{tail}"


def generation(root: str, number: int) -> Key:
    """The top key of a generation, from 1."""
    return Key(root, f"g{number}")


def tick(root: str, at: datetime) -> Key:
    """The top key of a tick; `at` is the scheduled instant, never the wall clock."""
    instant = at.astimezone(UTC).replace(microsecond=0)
    text = instant.strftime("%Y-%m-%dT%H:%MZ" if not instant.second else "%Y-%m-%dT%H:%M:%SZ")
    return Key(root, text)


def request(root: str, ident: str) -> Key:
    """The top key of a person's request; `ident` is the command's id."""
    return Key(root, f"req-{ident}")


def event(root: str, ident: str) -> Key:
    """The top key of an event; `ident` is the event's id."""
    return Key(root, f"ev-{ident}")


def hook(followed: Key, index: int, turn: int) -> Key:
    """The top key of a hook: the hook `index` of run `followed`, which ends for the time `turn` (from 0)."""
    text = f"{followed.run}/{index}/{turn}"
    return Key(followed.root, "hook-" + base64.b32encode(hashlib.sha256(text.encode()).digest())[:8].decode().lower())


def trial(number: int) -> str:
    """The place of a trial below its sweep; its number is from 0."""
    return f"{number:04d}"


def tuner(iteration: int) -> str:
    """The place below its sweep of the tuner's run for an iteration, from 0."""
    return f"tuner-{iteration:04d}"


def tuner_number(name: str) -> int | None:
    """The iteration of a tuner's place; None for any other place."""
    head, _, number = name.rpartition("-")
    return int(number) if head == "tuner" and is_trial(number) else None


def is_trial(name: str) -> bool:
    """Whether a place below a sweep is that of a trial, and not of what builds its image or makes its suggestions."""
    return name.isascii() and name.isdigit()


def parse(text: str) -> Key:
    """The key of its text form.

    Raises:
        ValueError: when `text` is not a key.
    """
    found = _KEY.fullmatch(text)
    if not found:
        raise ValueError(f"not a run key: {text[:80]!r}")
    cause = found["cause"]
    if not (_GENERATION.fullmatch(cause) or cause.startswith(("req-", "ev-", "hook-")) or _is_instant(cause)):
        raise ValueError(f"not a run key: {text[:80]!r}")
    place = tuple(found["place"].split("/")[1:])
    return Key(found["root"], cause, place, int(found["round"] or 0), int(found["attempt"] or 0))


def key_of(text: str) -> Key | None:
    """The key whose text this is; None for the text of none."""
    try:
        return parse(text)
    except ValueError:
        return None


def _is_instant(text: str) -> bool:
    try:
        _instant(text)
    except ValueError:
        return False
    return True


def _instant(text: str) -> datetime:
    form = "%Y-%m-%dT%H:%MZ" if text.count(":") == 1 else "%Y-%m-%dT%H:%M:%SZ"
    return datetime.strptime(text, form).replace(tzinfo=UTC)
