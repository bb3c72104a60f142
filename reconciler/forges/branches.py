"""Branches as pull requests, for repositories without a forge: whoever pushes one sees what its merge would do.

The comment is a git note on the branch's head, below a ref of its own (`refs/notes/plumbline-preview/<instance>`), and
moves with the head. `git log --notes='plumbline-preview/*'` shows it. Never forces a ref.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from fnmatch import fnmatchcase

from planner.model.pulls import Comment, Pull, PullState
from planner.render.budget import GITHUB, Limit
from reconciler.ports import Clock
from reconciler.source import refs
from reconciler.source.branches import branches
from reconciler.source.notes import PLUMBLINE, Notes
from reconciler.source.repository import GitSource

__all__ = ["NOTES", "BranchPulls"]

NOTES = "plumbline-preview"
"""The name of the notes, below `refs/notes/`."""


class BranchPulls:
    """`reconciler.ports_pulls.Pulls` over the branches of the repository that `source` follows.

    A branch whose head is in the watched one is merged; one that never was anything else is no pull request.
    """

    def __init__(self, source: GitSource, clock: Clock, patterns: Sequence[str]) -> None:
        """`patterns` name branches; `*` stands for anything, `/` included."""
        self._source = source
        self._clock = clock
        self._patterns = tuple(patterns)
        self._notes = Notes(source, PLUMBLINE, NOTES)
        self._heads: dict[str, str] = {}
        # Which heads the watched branch has, as long as it is where it was.
        self._contained: tuple[str, dict[str, bool]] = ("", {})

    @property
    def limit(self) -> Limit:
        """As on a forge: what is too long for a comment is too long for a note."""
        return GITHUB

    async def pulls(self, base: str, known: Collection[str]) -> Sequence[Pull]:
        """See `Pulls.pulls`."""
        heads = await branches(self._source)
        watched = heads.get(base)
        wanted = {name: head for name, head in heads.items() if name != base and self._is_wanted(name)}
        self._heads = dict(wanted)
        found: list[Pull] = []
        for name, head in sorted(wanted.items()):
            pull = Pull(name, head, f"refs/heads/{name}", base)
            if watched is None or not await self._is_in(head, watched):
                found.append(pull)
            elif name in known:
                found.append(Pull(name, head, pull.ref, base, state=PullState.MERGED, merged=head))
        return found

    def ident(self, comment: Comment) -> str:
        """See `Pulls.ident`: the ids of all commits that may have the note."""
        return " ".join(dict.fromkeys([*comment.ident.split(), self._home(comment)]))

    async def put_comment(self, comment: Comment) -> str:
        """See `Pulls.put_comment`: the id is that of the commit with the note, also where it is written anew."""
        head = self._home(comment)
        await self._notes.write({head: lambda _: comment.body}, self._clock.now())
        left = [one for one in comment.ident.split() if one != head]
        if left:
            await self._notes.erase(left, self._clock.now(), _is_ours(comment.body))
        return head

    async def find_comment(self, pull: str, marker: str) -> str:
        """See `Pulls.find_comment`."""
        head = self._heads.get(pull)
        if head is None:
            return ""
        found = await self._notes.read([head])
        return head if marker in found.notes.get(head, "") else ""

    def _home(self, comment: Comment) -> str:
        """The commit whose note it is to be: of a branch that is gone, that which had it last."""
        return self._heads.get(comment.pull) or refs.check_id(comment.ident.split(" ")[-1])

    def _is_wanted(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self._patterns)

    async def _is_in(self, head: str, watched: str) -> bool:
        """Whether the watched branch has `head`: as far as it was fetched, so one that is new may seem open once."""
        if self._contained[0] != watched:
            self._contained = (watched, {})
        found = self._contained[1]
        if head in found:
            return found[head]
        contained = head == watched or await self._source.is_ancestor(head, watched)
        if (await self._source.follower()).known == watched:
            found[head] = contained
        return contained


def _is_ours(body: str) -> Callable[[str], bool]:
    """Whether a note begins with the mark that `body` begins with."""
    mark = body.split("\n", 1)[0]
    return lambda text: text.startswith(mark)
