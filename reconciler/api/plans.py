"""Plans over the API: what a commit, or files that were never committed, would do to the world as it is.

Nothing is recorded and nothing is done; the same functions plan here as in the daemon.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime

import anyio.to_thread

from planner.applied import World, as_applied
from planner.canon import Json
from planner.model.desired import DesiredState
from planner.model.events import REPOSITORY
from planner.preview import previewed
from planner.render.frame import frame_of
from planner.render.json import plan_json
from planner.render.markdown import plan_markdown
from planner.render.text import plan_text
from reconciler.api import find, problems
from reconciler.core import Core
from reconciler.errors import Refused, Transient
from reconciler.rehearsing import rehearsed
from reconciler.source.model import Commit, touched
from reconciler.worlds import contact_of, world_of

__all__ = ["Asked", "of_commits", "of_desired"]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which plan.

    Attributes:
        head: commit to plan; "" for the newest of the branch.
        base: commit to compare with, as if it had been applied; "" for the world as it is.
        at: instant of planning; None for now.
        server: whether the cluster is asked what it says of what would start.
    """

    head: str = ""
    base: str = ""
    at: datetime | None = None
    server: bool = False


async def of_commits(core: Core, asked: Asked) -> dict[str, Json]:
    """The plan of a commit that the daemon has.

    Raises:
        ApiError: it does not have one of the commits.
        Transient: it cannot be read now.
    """
    desired = await _compile(core, await _commit(core, asked.head))
    if asked.base:
        at = asked.at or core.clock.now()
        before = await _compile(core, await _commit(core, asked.base))
        world = as_applied(before, at, core.policy.identity, desired)
    else:
        world = await world_of(core, desired, asked.at)
    if world.base:
        world = replace(world, touched=await _touched(core, world.base, desired.commit))
    return await _answer(core, desired, world, asked)


async def _touched(core: Core, base: str, head: str) -> tuple[str, ...]:
    """Paths that differ between two commits; none where one of them is not there any more."""
    try:
        return tuple(touched(await core.source.tree(base), await core.source.tree(head)))
    except (Transient, Refused):
        return ()


async def of_desired(core: Core, desired: DesiredState, asked: Asked) -> dict[str, Json]:
    """The plan of a desired state that somebody else compiled, against the world as it is."""
    return await _answer(core, desired, await world_of(core, desired, asked.at), asked)


async def _answer(core: Core, desired: DesiredState, world: World, asked: Asked) -> dict[str, Json]:
    contact = contact_of(core, asked.at, first=not world.states)
    # Thousands of operations take seconds, in which the loop must go on.
    found = await anyio.to_thread.run_sync(previewed, desired, world, contact, core.policy.identity)
    plan = found.with_rehearsed(await rehearsed(core, found.starts)) if asked.server else found.plan

    def told() -> dict[str, Json]:
        frame = frame_of(found, desired, core.policy.identity.instance)
        texts = {"text": plan_text(plan), "markdown": plan_markdown(plan, frame)}
        return {"plan": json.loads(plan_json(plan)), **texts, "listening": _listening(world)}

    return await anyio.to_thread.run_sync(told)


def _listening(world: World) -> dict[str, Json]:
    """Who listens to commits, and to which paths of them: an empty list for all."""
    found: dict[str, Json] = {}
    for name, state in world.states.items():
        paths = [list(one.paths) for one in state.record.listens if one.ref == REPOSITORY]
        if paths:
            found[name] = [] if [] in paths else sorted({glob for globs in paths for glob in globs})
    return found


async def _commit(core: Core, prefix: str) -> Commit:
    if not prefix:
        newest = await core.source.fetch()
        if newest is None:
            raise problems.conflict("the branch does not exist, so there is nothing to plan")
        return newest
    ident = prefix if len(prefix) in {40, 64} else await find.commit(core, prefix)
    try:
        return await core.source.commit(ident)
    except (Transient, Refused, ValueError) as error:
        raise problems.missing(f"the daemon has no commit {prefix[:64]}: {error}") from None


async def _compile(core: Core, commit: Commit) -> DesiredState:
    records = await core.ledger.roots()
    in_force = {name: record.planned.path for name, record in records.items() if record.planned}
    return await core.compiler.compile(commit, in_force, preview=True)
