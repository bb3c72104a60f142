"""Finding what people type: an operation, a run key, the beginning of a short id, `OPERATION@last`, `@last-failed`.

Nothing is guessed: what fits more than one thing is answered with the list of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from planner import keys
from planner.keys import Key
from planner.model.records import RootRecord, RunRecord
from planner.model.status import RunStatus
from planner.spec.words import nearest
from reconciler.api import problems
from reconciler.api.stories import Story, one
from reconciler.core import Core
from reconciler.ports import RunQuery

__all__ = ["Found", "commit", "is_run", "operation", "run", "target"]

_ATTEMPT = re.compile(r"(?P<name>.+)#(?P<number>[1-9][0-9]{0,8})", re.DOTALL)
_SHORT = re.compile(r"r-[a-z2-7]{1,8}")
_LAST = re.compile(r"(?P<root>[-a-zA-Z0-9_]+)@(?P<which>last|last-failed)")
_HEX = re.compile(r"[0-9a-f]{4,64}")
_SHOWN = 10
_PAGES = (100, 10_000)
_FAILED = frozenset({RunStatus.FAILED, RunStatus.UPSTREAM_FAILED})


@dataclass(frozen=True, slots=True)
class Found:
    """What a person meant.

    Attributes:
        root: name of the operation.
        run: a run of it; None when the operation itself was named.
        attempt: the attempt that was named, or 0.
    """

    root: str
    run: RunRecord | None = None
    attempt: int = 0


async def target(core: Core, text: str) -> Found:
    """What `text` names: an operation, or a run.

    Raises:
        ApiError: nothing fits, or more than one thing does.
    """
    found = _ATTEMPT.fullmatch(text)
    name, number = (found["name"], int(found["number"])) if found else (text, 0)
    roots = await core.ledger.roots()
    if name in roots and not number:
        return Found(name)
    if name in roots:
        record = await _last(core, roots[name])
    elif last := _LAST.fullmatch(name):
        record = await _named_last(core, roots, last["root"], last["which"])
    elif key := keys.key_of(name):
        record = await _by_key(core, key)
    elif _SHORT.fullmatch(name):
        record = await _by_short(core, name)
    else:
        raise _unknown(name, roots)
    _check_attempt(record, number)
    return Found(record.root, record, number)


async def run(core: Core, text: str) -> Found:
    """The run that `text` names; the newest one for an operation.

    Raises:
        ApiError: nothing fits, or more than one thing does.
    """
    found = await target(core, text)
    if found.run is not None:
        return found
    record = (await core.ledger.roots())[found.root]
    return Found(found.root, await _last(core, record))


async def operation(core: Core, name: str) -> RootRecord:
    """The record of the operation that `name` is.

    Raises:
        ApiError: there is none; a run is told from it.
    """
    roots = await core.ledger.roots()
    if name in roots:
        return roots[name]
    if is_run(name):
        run_of = (await target(core, name)).root
        raise problems.bad(f"`{name[:80]}` is a run, and an operation is wanted: {run_of}")
    raise problems.missing(f"`{name[:80]}` is no operation here{_meant(name, roots)}")


def is_run(name: str) -> bool:
    """Whether `name` has the form of a run's."""
    return any(form.fullmatch(name) for form in (_ATTEMPT, _LAST, _SHORT)) or keys.key_of(name) is not None


async def commit(core: Core, prefix: str) -> str:
    """The full id of the planned commit that begins with `prefix`.

    Of all commits only those are known by a prefix that something in force, open or pinned names.

    Raises:
        ApiError: none or more than one does.
    """
    if not _HEX.fullmatch(prefix):
        raise problems.bad(f"`{prefix[:80]}` is not a commit id: give 4 hex digits at least")
    if await core.ledger.commit(prefix) is not None:
        return prefix
    known = sorted(ident for ident in await _commits(core) if ident.startswith(prefix))
    if not known:
        raise problems.missing(f"no planned commit begins with {prefix}; give its full id if it is an old one")
    if len(known) > 1:
        raise problems.conflict(f"{prefix} fits {len(known)} commits: {', '.join(known[:_SHOWN])}")
    return known[0]


async def _commits(core: Core) -> set[str]:
    known = {(await core.ledger.project()).head}
    known |= {record.ident for record in await core.ledger.open_commits()}
    known |= set((await core.source.pins()).values())
    for record in (await core.ledger.roots()).values():
        known |= {place.commit for place in (record.planned, record.applied) if place is not None}
    return known - {""}


async def _by_key(core: Core, key: Key) -> RunRecord:
    found = await core.ledger.runs(RunQuery(keys=(key.run,), limit=1))
    if not found:
        if said := _removed((await core.ledger.roots()).get(key.root), key):
            raise problems.missing(said)
        raise problems.missing(f"there is no run {key.run}; plumbline runs --root {key.root} lists those that are")
    return found[0]


def _removed(record: RootRecord | None, key: Key) -> str:
    """What retention has to do with a run that is not there, or ""."""
    if record is None or record.removed is None or (key.generation or 0) > record.highest:
        return ""
    gone = record.removed
    when = f"was removed by retention, on {gone.at:%Y-%m-%d} at the latest (kept are {gone.rule})"
    return f"{key.run} {when}" if key.generation is not None else f"there is no run {key.run}; if there was, it {when}"


async def _by_short(core: Core, short: str) -> RunRecord:
    found = await core.ledger.runs(RunQuery(short=short, limit=_SHOWN + 1))
    if not found:
        raise problems.missing(f"no run has an id that begins with {short}")
    if len(found) > 1:
        listed = ", ".join(str(record.key) for record in found[:_SHOWN])
        more = " and more" if len(found) > _SHOWN else ""
        raise problems.conflict(
            f"{short} fits more than one run: {listed}{more}; type more of the id",
            {"runs": [str(record.key) for record in found[:_SHOWN]]},
        )
    return found[0]


async def _named_last(core: Core, roots: Mapping[str, RootRecord], name: str, which: str) -> RunRecord:
    if name not in roots:
        raise _unknown(name, roots)
    if which == "last":
        return await _last(core, roots[name])
    for limit in _PAGES:
        found = await core.ledger.runs(RunQuery(root=name, live=False, limit=limit))
        failed = [record for record in found if not record.key.place and record.status in _FAILED]
        if failed:
            return failed[0]
        if len(found) < limit:
            raise problems.missing(f"no run of {name} has failed")
    raise problems.missing(f"none of the newest {_PAGES[-1]} runs of {name} has failed")


async def _last(core: Core, record: RootRecord) -> RunRecord:
    story: Story | None = await one(core, record.last) if record.last is not None else None
    hold = record.planned.hold if record.planned else None
    if story is None and hold is not None:
        raise problems.missing(f"{record.name} has not run yet: {hold.reason}; plumbline approve {hold.ident}")
    if story is None:
        raise problems.missing(f"{record.name} has not run yet; plumbline explain {record.name} says why")
    return story.run


def _check_attempt(record: RunRecord, number: int) -> None:
    if number > record.attempt_count:
        count = record.attempt_count
        have = f"{count} attempt{'s' if count != 1 else ''}" if count else "no attempt yet"
        raise problems.missing(f"{record.key} has {have}")


def _unknown(name: str, roots: Mapping[str, RootRecord]) -> problems.ApiError:
    return problems.missing(f"`{name[:80]}` is no operation, run key or run id here{_meant(name, roots)}")


def _meant(name: str, roots: Mapping[str, RootRecord]) -> str:
    near = nearest(name, roots)
    return f"; did you mean {near}?" if near else ""
