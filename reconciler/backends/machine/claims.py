"""The claims of one instance and project on disk: made once, never made again, listed while they live.

    claims/SCOPE/NAME   the claim; its name is taken for good
    live/SCOPE/NAME     listed by `observe`; holds the key, for when claim.json cannot be read
    making/             drafts; a claim appears complete, by rename
    logs/SCOPE/NAME     captured output

A draft renamed onto a name that exists fails, since a claim is never empty: that is what makes a key start once.
The index is a hint for speed. It is made before the claim and rebuilt after a reboot, so it never lacks a claim.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planner import keys
from planner.keys import Key
from planner.model.run import Stamp
from reconciler.backends.machine import records
from reconciler.backends.machine.damage import Unreadable, claim_record
from reconciler.backends.machine.draft import stamp_record
from reconciler.backends.machine.ownership import Ownership
from reconciler.backends.machine.removal import remove_tree

__all__ = ["Claim", "Claims", "is_over"]

KEPT = frozenset({"version", "key", "token", "stamp", "made_at", "listen", "boot", "boot_path"})  # of a cleaned claim
ABANDONED = 3600.0  # seconds after which a draft without a living maker is removed


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim as read: where it is and what claim.json says."""

    folder: Path
    record: dict[str, Any]

    @property
    def key(self) -> str:
        """Text of the attempt's key."""
        return str(self.record["key"])

    @property
    def names(self) -> list[str]:
        """Names of its replicas; none for a key that was stopped before it was made, or where the format has none."""
        return [replica["name"] for replica in self.record.get("replicas", ())]

    def demand_known(self) -> None:
        """Refuse to act on a claim whose fields may mean something else.

        Raises:
            Unreadable: another version of Plumbline made it, in another format.
        """
        if self.record["version"] != records.FORMAT:
            raise Unreadable(
                f"{self.key} was started by another version of Plumbline (claim format {self.record['version']}, "
                f"known here: {records.FORMAT}); it is left alone until that version is back"
            )

    def cleaned(self) -> bool:
        """Whether the daemon forgot it."""
        return (self.folder / "cleaned").exists()

    def unstarted(self) -> list[str]:
        """Replicas that nobody supervises yet."""
        return [name for name in self.names if not (self.folder / f"{name}.start").exists()]

    def ended(self) -> bool:
        """Whether every replica has its end."""
        return all((self.folder / f"{name}.exit").exists() for name in self.names)


class Claims:
    """The claims of one instance and project below the state folder."""

    def __init__(self, root: Path, owner: Stamp) -> None:
        self._owner = owner
        self._scope = _scope(owner)
        self.root = root
        self.claims = root / "claims" / self._scope
        self.live = root / "live" / self._scope
        self.logs = root / "logs" / self._scope
        self.making = root / "making"
        self.listen = root / "listen"
        self.ownership = Ownership(self.live.with_name(f"{self._scope}.ledger"), owner)

    @property
    def scope(self) -> str:
        """Folder name of this instance and project; the first line of a hint."""
        return self._scope

    def open(self, boot: str) -> None:
        """Make the folders, remove dead drafts, and rebuild the index when the machine restarted.

        Raises:
            Unusable: the claims are another ledger's, or of a later state of ours.
        """
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root.chmod(0o700)
        scoped = (self.claims, self.live, self.logs)
        for folder in (self.making, self.listen, *(path.parent for path in scoped), *scoped):
            folder.mkdir(mode=0o700, exist_ok=True)
        for folder in (self.root, self.claims.parent):
            records.make_durable(folder)
        self.ownership.claim()
        self._sweep_drafts()
        indexed = self.live.with_name(f"{self._scope}.boot")
        if records.read(indexed) != {"boot": boot}:
            self._rebuild()
            records.write_over(indexed, {"boot": boot})

    def name(self, key: Key) -> str:
        """The name of the claim of `key`."""
        return key.dns_name(self._owner.instance, self._owner.project)

    def find(self, key: Key) -> Claim | None:
        """The claim of `key`, cleaned ones included.

        Raises:
            Unreadable: it is there and cannot be read.
        """
        return self._read(self.name(key))

    def listed(self, name: str) -> Claim | None:
        """The claim `name` unless it was cleaned.

        Raises:
            Unreadable: it is there and cannot be read.
        """
        claim = self._read(name)
        if claim is not None and claim.cleaned():
            (self.live / name).unlink(missing_ok=True)
            return None
        return claim

    def names(self) -> list[str]:
        """Names in the index: every claim that is not cleaned, and perhaps some that are not made."""
        return [entry.name for entry in os.scandir(self.live)]

    def key_of(self, name: str) -> Key | None:
        """The key of the claim `name` as the index has it; None where the index lost it."""
        try:
            return keys.parse((self.live / name).read_text())
        except (ValueError, FileNotFoundError):
            return None

    def is_live(self, name: str) -> bool:
        """Whether `name` is in the index."""
        return (self.live / name).exists()

    def make(self, key: Key, record: dict[str, Any], fill: Callable[[], None]) -> bool:
        """Make the claim of `key`, durably, with `fill` called before it appears. False when its name is taken."""
        name = self.name(key)
        with self._draft(name, record) as draft:
            fill()
            self._index(name, str(key))
            # All at once, when everything is there: what comes between two syncs waits for the first one.
            records.make_durable(draft / "claim.json")
            records.make_durable(draft)
            records.point("before-claim")
            try:
                draft.rename(self.claims / name)
            except OSError as error:
                if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                    raise
                return False
            records.point("claimed")
            records.make_durable(self.claims)
            return True

    def bury(self, key: Key, grace: float) -> bool:
        """Make the claim of `key` as stopped: it runs nothing, and nothing ever will under this key."""
        record = {
            "version": records.FORMAT,
            "key": str(key),
            "token": os.urandom(16).hex(),
            "stamp": stamp_record(self._owner),
            "made_at": time.time(),
            "maker": os.getpid(),
            "attempt": "",
            "listen": str(self.listen),
            "grace": grace,
            "ports": [],
            "service": False,
            "replicas": [],
        }
        return self.make(key, record, lambda: None)

    def clean(self, claim: Claim) -> None:
        """Forget an ended claim: keep its name and its markers, drop the rest."""
        # It is there or it is not; what follows syncs the folder, and until then a power cut has it cleaned again.
        (claim.folder / "cleaned").touch(mode=0o600)
        head = {name: value for name, value in claim.record.items() if name in KEPT}
        records.write_over(claim.folder / "claim.json", {**head, "replicas": []})
        with os.scandir(claim.folder) as entries:
            for entry in entries:
                if not entry.name.endswith((".start", ".json")) and entry.name != "cleaned":
                    Path(entry.path).unlink(missing_ok=True)
        (self.live / claim.folder.name).unlink(missing_ok=True)

    def _read(self, name: str) -> Claim | None:
        folder = self.claims / name
        record = claim_record(folder)
        return None if record is None else Claim(folder, record)

    def _index(self, name: str, key: str) -> None:
        fd = os.open(self.live / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(fd, key.encode())
        finally:
            os.close(fd)

    @contextlib.contextmanager
    def _draft(self, name: str, record: dict[str, Any]) -> Iterator[Path]:
        """A folder under `making` with its claim.json; gone at the end, with the attempt's files, unless renamed."""
        draft = self.making / f"{name}.{record['token'][:12]}"
        draft.mkdir(mode=0o700)
        try:
            # Not synced yet: after a power cut nobody needs to know what a draft was about to be.
            records.write_synced(draft / "claim.json", json.dumps(record).encode(), sync=False)
            yield draft
        finally:
            if draft.exists():
                _discard(draft, record)

    def _sweep_drafts(self) -> None:
        with os.scandir(self.making) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):  # another daemon sweeps too, or it was renamed
                    record = _drafted(Path(entry.path, "claim.json"))
                    made = record is not None and records.is_alive(record["maker"])
                    if not made and time.time() - entry.stat().st_mtime > (0 if record else ABANDONED):
                        _discard(Path(entry.path), record)

    def _rebuild(self) -> None:
        with os.scandir(self.claims) as entries:
            for entry in entries:
                if Claim(Path(entry.path), {}).cleaned():
                    continue
                try:
                    claim = self._read(entry.name)
                except Unreadable:
                    (self.live / entry.name).touch(mode=0o600)  # what it holds already may be the key
                else:
                    if claim is not None:
                        self._index(entry.name, claim.key)


def _drafted(path: Path) -> dict[str, Any] | None:
    """The record of a draft; None where its maker was killed before it was whole."""
    try:
        return records.read(path)
    except ValueError:
        return None


def _discard(draft: Path, record: dict[str, Any] | None) -> None:
    if record is not None and record["attempt"]:
        remove_tree(Path(record["attempt"]))
    remove_tree(draft)


def _scope(owner: Stamp) -> str:
    text = json.dumps([owner.instance, owner.project])
    head = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40]
    return f"{head}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def is_over(claims: Claims, key: Key) -> bool:
    """Whether nothing more comes from attempt `key`."""
    try:
        claim = claims.find(key)
        if claim is not None:
            claim.demand_known()
    except Unreadable:
        return True  # nobody can say when it ends: what there is, is shown
    return claim is None or claim.cleaned() or claim.ended()
