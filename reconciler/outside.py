"""What specs refer to out of their repository: looked up once, pinned, and the same from then on.

A reference that led to a component is pinned in the ledger with the content. One with a version is pinned for good.
One without, or a URL, is pinned as long as commits name it: when a commit that is planned names it no more, the next
that does looks it up anew. What led nowhere is tried again. A preview and a check without a daemon look nothing new up
from afar.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

import anyio
import anyio.to_thread

from planner.compile import Outside
from planner.compile.outside import HUB, HubName, hub_name, written
from planner.model.facts import Fact, Pinned
from planner.spec.component import Component
from planner.spec.load import load
from planner.spec.words import nearest, short
from reconciler.errors import Refused, Transient
from reconciler.hubs import FolderHub, Hub, packaged
from reconciler.ports import Clock, Ledger
from reconciler.urls import Urls

__all__ = ["Lookup", "References", "as_planned", "offline"]

_H = TypeVar("_H", bound=Hub)

_AT_ONCE = 8
_COMPARED = 200
"""Components that a name that is not there is compared with."""
_ROUND = 30.0
"""Seconds that one round of look-ups may take: one slow host must not keep a commit waiting."""
_FIRST, _LAST = timedelta(seconds=30), timedelta(minutes=10)
"""Between two tries of what led nowhere: doubled from the first to the last."""
_NEW = Outside(
    failure="not looked up yet",
    hint="that happens when a commit with it is planned, never for a preview",
    elsewhere=True,
)
_AGAIN = "it is tried again by itself"


class Lookup:
    """Looks references up: in the hubs, in order, and at the hosts of `urls`."""

    def __init__(self, hubs: Sequence[Hub] = (), urls: Urls | None = None) -> None:
        self._hubs = (*hubs, packaged())
        self._urls = urls or Urls(())

    async def find(self, key: str) -> Outside:
        """What a reference leads to now, by its key."""
        ref = written(key)
        try:
            if not key.startswith(HUB):
                return _outside(ref, await self._urls.get(ref))
            name = hub_name(ref)
            return await self._in_hubs(ref, name) if name else Outside(failure="it is no name of a component")
        except Transient as error:
            return Outside(failure=error.message, hint=_AGAIN)
        except Refused as error:
            return Outside(failure=error.message)

    async def _in_hubs(self, ref: str, name: HubName) -> Outside:
        hubs = _asked(self._hubs, name.owner)
        if not hubs:
            return _no_hub(name.owner, [hub.name for hub in self._hubs])
        for hub in hubs:
            found = await hub.find(name.name, name.version)
            if found is not None:
                return _outside(f"hub:{ref}/{found.path.rpartition('/')[2]}", found.data)
        known = [one for hub in hubs for one in await hub.listed()]
        return _not_there(name, known)


def offline(keys: Collection[str], folders: Sequence[FolderHub | None] | None = None) -> Mapping[str, Outside]:
    """What references lead to, as far as that can be known without a daemon: hubs that are folders.

    Args:
        keys: of the references.
        folders: hubs of the configuration in order, None for each that is no folder; None without a configuration.
    """
    found = {key: _offline(key, (*(folders or ()), packaged()), known=folders is not None) for key in keys}
    return {key: outside for key, outside in found.items() if outside is not None}


def as_planned(
    keys: Collection[str], pinned: Mapping[str, Outside], folders: Sequence[FolderHub | None]
) -> Mapping[str, Outside]:
    """What references will lead to when a daemon plans a commit with them, as far as a preview may know it.

    Args:
        keys: of the references.
        pinned: those that it pinned, which stay what they are.
        folders: its hubs in order, None for each that is no folder: what is new to it is looked up there.
    """
    new = set(keys) - pinned.keys()
    return {**dict.fromkeys(new, _NEW), **offline(new, folders), **{key: pinned[key] for key in keys if key in pinned}}


def _offline(key: str, hubs: Sequence[FolderHub | None], *, known: bool) -> Outside | None:
    name = hub_name(written(key)) if key.startswith(HUB) else None
    if name is None:
        return None
    for hub in hubs:
        if hub is None:
            return None  # it may have the component, and comes before the others
        if name.owner not in {"", hub.name}:
            continue
        try:
            part = hub.read(name.name, name.version)
        except Transient:
            return None  # the folder is the daemon's, and perhaps not on this machine
        except Refused as error:
            return Outside(failure=error.message)
        if part is not None:
            return _outside(f"hub:{written(key)}/{part.path.rpartition('/')[2]}", part.data)
    folders = [hub for hub in hubs if hub is not None]
    if not known:
        return None
    asked = _asked(folders, name.owner)
    if not asked:
        return _no_hub(name.owner, [hub.name for hub in folders])
    return _not_there(name, [one for hub in asked for one in hub.names()])


def _asked(hubs: Sequence[_H], owner: str) -> Sequence[_H]:
    return [hub for hub in hubs if owner in {"", hub.name}]


def _outside(path: str, data: bytes) -> Outside:
    return Outside(path, f"sha256:{hashlib.sha256(data).hexdigest()}", data)


def _no_hub(owner: str, names: Sequence[str]) -> Outside:
    near = nearest(owner, names)
    hint = f"did you mean `{near}`?" if near else "add it to `hubs` in the daemon's configuration"
    return Outside(failure=f"there is no hub `{short(owner)}`", hint=hint)


def _not_there(name: HubName, known: Sequence[str]) -> Outside:
    wanted = f"{name.name}:{name.version}" if name.version else name.name
    near = nearest(wanted, known[:_COMPARED])
    hint = f"did you mean `{near}`?" if near else "add it to a hub, or use `pathRef`"
    return Outside(failure=f"no hub has the component `{short(wanted)}`", hint=hint)


@dataclass(slots=True)
class _Failed:
    """What led nowhere, and when it is tried again."""

    outside: Outside
    wait: timedelta
    until: datetime


@dataclass(slots=True)
class _Kept:
    """What is known of references: those that are pinned, their contents as far as they were read, and what failed."""

    pins: dict[str, Pinned]
    contents: dict[str, Outside] = field(default_factory=dict)
    failed: dict[str, _Failed] = field(default_factory=dict)


class References:
    """The references of one repository, with their pins in the ledger."""

    def __init__(self, ledger: Ledger, lookup: Lookup, clock: Clock) -> None:
        self._ledger = ledger
        self._lookup = lookup
        self._clock = clock
        self._kept: _Kept | None = None

    async def given(self, keys: Collection[str], *, preview: bool = False) -> Mapping[str, Outside]:
        """What these references lead to. A preview looks nothing up that is not pinned.

        Raises:
            Transient: the ledger cannot be read or written now.
        """
        kept = await self._known()
        found = {key: await self._pinned(kept, key) for key in keys if key in kept.pins}
        new = sorted(set(keys) - found.keys())
        if preview:
            return {**found, **dict.fromkeys(new, _NEW)}
        return {**found, **await self._look_up(kept, new)}

    async def let_go(self, named: Collection[str]) -> None:
        """Let go of pins without a version that no reference of the planned commit names any more."""
        kept = await self._known()
        gone = [pin for key, pin in kept.pins.items() if key not in named and not _has_version(key)]
        if not gone:
            return
        now = self._clock.now()
        await self._ledger.record([Pinned(pin.ref, "", pin.path, now) for pin in gone])
        for pin in gone:
            del kept.pins[pin.ref]
            kept.contents.pop(pin.ref, None)

    async def _known(self) -> _Kept:
        if self._kept is None:
            self._kept = _Kept(dict(await self._ledger.pins()))
        return self._kept

    async def _pinned(self, kept: _Kept, key: str) -> Outside:
        pin = kept.pins[key]
        found = kept.contents.get(key)
        if found is None:
            text = await self._ledger.blob(pin.digest) or ""
            found = kept.contents[key] = Outside(pin.path, pin.digest, text.encode())
        return found

    async def _look_up(self, kept: _Kept, keys: Sequence[str]) -> Mapping[str, Outside]:
        now = self._clock.now()
        waiting = {key: one.outside for key in keys if (one := kept.failed.get(key)) is not None and now < one.until}
        due = [key for key in keys if key not in waiting]
        found = await self._all(due)
        good = {key: outside for key, outside in found.items() if await _is_component(outside)}
        facts: list[Fact] = [Pinned(key, outside.ident, outside.path, now) for key, outside in good.items()]
        if facts:
            blobs = {outside.ident: outside.content.decode() for outside in good.values()}
            await self._ledger.record(facts, blobs)
        for key, outside in found.items():
            if key in good:
                kept.failed.pop(key, None)
                kept.contents[key] = outside
                kept.pins[key] = Pinned(key, outside.ident, outside.path, now)
            else:
                before = kept.failed.get(key)
                wait = min(before.wait * 2, _LAST) if before else _FIRST
                kept.failed[key] = _Failed(outside, wait, now + wait)
        return {**waiting, **found}

    async def _all(self, keys: Sequence[str]) -> Mapping[str, Outside]:
        """Each of them, several at once; what takes too long did not answer."""
        late = Outside(failure=f"it was not had within {_ROUND:g} seconds", hint=_AGAIN)
        found = dict.fromkeys(keys, late)
        limiter = anyio.CapacityLimiter(_AT_ONCE)

        async def one(key: str) -> None:
            async with limiter:
                found[key] = await self._lookup.find(key)

        with anyio.move_on_after(_ROUND):
            async with anyio.create_task_group() as group:
                for key in keys:
                    group.start_soon(one, key)
        return found


def _has_version(key: str) -> bool:
    name = hub_name(written(key)) if key.startswith(HUB) else None
    return name is not None and bool(name.version)


async def _is_component(outside: Outside) -> bool:
    """Whether it may be pinned: a file that is broken may still be repaired where it is."""
    return bool(outside.ident) and await anyio.to_thread.run_sync(_is_sound, outside)


def _is_sound(outside: Outside) -> bool:
    loaded = load(outside.path, outside.content)
    components = [document for document in loaded.documents if isinstance(document.spec, Component)]
    return loaded.valid and len(components) == 1
