"""A repository with pull requests, a forge in memory, and the part of a daemon that previews them."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from planner.compile import CompileConfig
from planner.desire.view import Identity
from planner.guard import Budgets
from planner.model.pulls import QUEUED, Comment, Pull, PullState
from planner.publish import preview_context
from planner.render.budget import GITHUB, Limit
from reconciler.backends.memory import MemoryBackend
from reconciler.commits import Commits
from reconciler.compiler import SourceCompiler
from reconciler.core import Core, Policy, Ports
from reconciler.events import Events
from reconciler.forges.memory import MemoryForge
from reconciler.ledger.memory import MemoryLedger
from reconciler.outside import References
from reconciler.publish import Publisher
from reconciler.pulls.parts import Parts, Rules
from reconciler.pulls.pulling import Pulling
from reconciler.source.heads import HeadLimits, Heads
from reconciler.source.memory_remote import Content
from reconciler.source.merging import Merging
from reconciler.source.remote import Origin, parse
from reconciler.source.repository import GitSource
from tests.reconciler.source.remotes import GitRemote

T0 = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


def job(name: str, command: str = "fit", **more: Any) -> bytes:
    """An operation as a file."""
    lines = [f"version: 1.1\nkind: operation\nname: {name}\n"]
    lines += [f"{key}: {value}\n" for key, value in more.items()]
    lines += [f"component: {{run: {{kind: job, container: {{image: x, command: [{command}]}}}}}}\n"]
    return "".join(lines).encode()


class TestClock:
    """A clock that is told the time."""

    __test__ = False

    def __init__(self) -> None:
        self.at = T0

    def now(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at


class MemoryPulls:
    """Pull requests of a forge that keeps comments, and counts what it is asked."""

    def __init__(self) -> None:
        self.open: dict[str, Pull] = {}
        self.over: dict[str, Pull] = {}
        self.comments: dict[str, tuple[str, str]] = {}
        self.written: list[str] = []
        self.looked: list[str] = []
        self.failures: list[Exception] = []
        self.most = GITHUB

    @property
    def limit(self) -> Limit:
        return self.most

    async def pulls(self, base: str, known: Collection[str]) -> Sequence[Pull]:
        return [*self.open.values(), *(pull for number, pull in self.over.items() if number in known)]

    def ident(self, comment: Comment) -> str:
        return comment.ident

    async def put_comment(self, comment: Comment) -> str:
        if self.failures:
            raise self.failures.pop(0)
        assert self.most.size(comment.body) <= self.most.most
        ident = comment.ident if comment.ident in self.comments else f"c{len(self.written) + 1}"
        self.comments[ident] = (comment.pull, comment.body)
        self.written.append(comment.pull)
        return ident

    async def find_comment(self, pull: str, marker: str) -> str:
        self.looked.append(pull)
        found = (ident for ident, (on, body) in self.comments.items() if on == pull and marker in body)
        return next(found, "")

    def on(self, number: str) -> str:
        """The one comment on a pull request; "" for none."""
        found = [body for on, body in self.comments.values() if on == number]
        assert len(found) <= 1
        return found[0] if found else ""


class Waiting:
    """The merge queue of a forge, as it shows it; None where it shows none."""

    def __init__(self) -> None:
        self.now: dict[str, Pull] | None = {}
        self.failures: list[Exception] = []

    async def entries(self, base: str) -> Sequence[Pull] | None:
        if self.failures:
            raise self.failures.pop(0)
        return None if self.now is None else [one for one in self.now.values() if one.base == base]


class Lives:
    """The world, with one life of a previewing daemon at a time."""

    def __init__(self, folder: Path, **rules: Any) -> None:
        self.remote = GitRemote(folder / "remote.git")
        self.source = GitSource(Origin(parse(str(self.remote.path)), "main"), folder / "state", "test")
        self.ledger = MemoryLedger()
        self.port = MemoryPulls()
        self.queue = Waiting()
        self.forge = MemoryForge()
        self.clock = TestClock()
        self.backend = MemoryBackend(self.clock)
        self.rules = Rules(**rules)
        self.budgets = Budgets(starts=20)
        self.limits = HeadLimits()
        self.lookup: Any = None
        self.checks: Any = None
        self.files: dict[str, Content] = {}
        self.begin()

    def begin(self) -> None:
        """Another life, on what the ledger and the forge have."""
        identity = Identity("test", "project")
        config = CompileConfig(project="project", instance="test")
        outside = References(self.ledger, self.lookup, self.clock) if self.lookup is not None else None
        compiler = SourceCompiler(self.source, config, outside)
        ports = Ports(self.ledger, self.backend, self.source, compiler, self.forge, self.clock)
        self.core = Core(ports, Policy(identity, "main", self.budgets))
        heads = Heads(self.source, self.limits)
        apart = SourceCompiler(self.source, config, outside)
        parts = Parts(self.port, heads, Merging(self.source, heads), apart, self.rules, self.checks, self.queue)
        self.pulling = Pulling(self.core, parts, random.Random(1))
        self.publisher = Publisher(self.core)
        self.commits = Commits(self.core, self.publisher, Events(self.core))
        self.pulling.knows(lambda: self.commits.desired)

    async def end(self) -> None:
        """Let go of everything."""
        await self.source.close()
        for stream in self.backend._hints:
            stream.close()

    async def push(self, files: Mapping[str, Content | None]) -> str:
        """Commit over what the branch has, and have that planned."""
        merged = {**self.files, **files}
        self.files = {path: content for path, content in merged.items() if content is not None}
        commit = self.remote.commit(self.files)
        await self.commits.reconcile()
        return commit

    def pull(self, number: str, files: Mapping[str, Content | None], *, fork: bool = False, base: str = "main") -> str:
        """Open a pull request, or push another head to it, on the branch as it is now."""
        branch = f"pull-{number}"
        self.remote.point(self.remote.git("rev-parse", base), ref=f"refs/heads/{branch}")
        merged = {**self.files, **files}
        head = self.remote.commit({path: one for path, one in merged.items() if one is not None}, branch=branch)
        ref = f"refs/pull/{number}/head"
        self.remote.point(head, ref=ref)
        self.port.open[number] = Pull(number, head, ref, "main", fork=fork)
        return head

    def enqueue(self, name: str, files: Mapping[str, Content | None], after: str = "main") -> str:
        """Have a merge of these wait in the queue, behind the commit `after`; its commit."""
        ref = f"refs/heads/gh-readonly-queue/main/{name}"
        behind = self.remote.git("rev-parse", after)
        self.remote.point(behind, ref=ref)
        there = self.tree(behind)
        merged = {path: one for path, one in {**there, **files}.items() if one is not None}
        head = self.remote.commit(merged, branch=ref.removeprefix("refs/heads/"))
        assert self.queue.now is not None
        self.queue.now[name] = Pull(f"{QUEUED}{name}", head, ref, "main")
        return head

    def tree(self, commit: str) -> dict[str, Content]:
        """The files of a commit."""
        names = self.remote.git("ls-tree", "-r", "--name-only", commit).splitlines()
        return {name: (self.remote.git("show", f"{commit}:{name}") + "\n").encode() for name in names}

    def dequeue(self, name: str, *, merged: bool = False) -> None:
        """Have one leave the queue; one that was merged is where the branch is then."""
        assert self.queue.now is not None
        entry = self.queue.now.pop(name)
        self.remote.point(None, ref=entry.ref)
        if merged:
            self.remote.point(entry.head)
            self.files = self.tree(entry.head)

    def merge(self, number: str) -> None:
        """Merge it by moving the branch."""
        pull = self.port.open.pop(number)
        self.remote.point(pull.head)
        self.port.over[number] = Pull(
            number, pull.head, pull.ref, "main", fork=pull.fork, state=PullState.MERGED, merged=pull.head
        )

    async def settle(self) -> None:
        """Look at all pull requests, and do all that follows now; then tell what waits to be told."""
        self.pulling.hint()
        while not self.pulling.idle:
            await self.pulling.turn()
        while await self.publisher.post() is not None:
            pass

    def said(self, head: str) -> tuple[str, str] | None:
        """The status of a preview, as the forge shows it."""
        found = self.forge.said.get((head, preview_context("test")))
        return (str(found.state), found.description) if found is not None else None

    def counts(self) -> dict[str, int]:
        """What was done since the last time that this was asked."""
        found = dict(self.pulling.counted)
        self.pulling.counted.clear()
        return found
