"""What happens in a history: pushes, people, restarts, and the passing of time. Each is counted by its name."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import trio

from planner.model.facts import StopIntended
from planner.model.records import RunRecord
from tests.simulation.draw import draw, edited, retuned
from tests.simulation.specs import Broken, Content, File, Spec, roots_of
from tests.simulation.world import Plan, World

__all__ = ["MOVES", "play"]

NAMES = ("train", "serve", "report", "tune", "ingest", "probe")
CROWD = ("front", "back", "left", "right", "upper")
"""Services of a crowded history."""
SLOT = 1800.0
"""Seconds between two moves of a paced history."""

MINUTES = (0.0, 0.0, 0.3, 1.0, 3.0, 10.0, 40.0, 150.0, 400.0)
"""Seconds between two moves of a storm."""
HOURS = (0.0, 1.0, 60.0, 900.0, 5000.0, 20_000.0, 40_000.0, 90_000.0)
"""Seconds between two moves of a history of days."""
_DAY = 86_400.0

Move = Callable[[World], Awaitable[None]]


async def play(world: World) -> None:
    """Make the moves of the world's plan."""
    crowd: Content = {"crowd.yaml": tuple(Spec(name, "service") for name in CROWD)} if world.plan.crowded else {}
    await _push(world, "push-add", _with_new(world, crowd))
    for number in range(world.plan.moves):
        if world.plan.days and trio.current_time() > world.plan.days * _DAY:
            break
        if world.plan.paced:
            await trio.sleep((number + 1) * SLOT - trio.current_time())
            await world.up.wait()
            names, weights = zip(*PACED.items(), strict=True)
        else:
            await trio.sleep(world.chances.moves.choice(HOURS if world.plan.days else MINUTES))
            names, weights = zip(*_storm(world.plan).items(), strict=True)
        name = world.chances.moves.choices(names, weights)[0]
        await MOVES[name](world)
    if world.plan.paced:
        await trio.sleep((world.plan.moves + 1) * SLOT - trio.current_time())
    await trio.sleep(max(world.plan.days * _DAY - trio.current_time(), 0.0))


# ---- pushes


def _storm(plan: Plan) -> dict[str, int]:
    crowd = {"machine-burns": 30, "ask-believe": 50} if plan.crowded else {}
    return {**STORM, **crowd, **({"turn-clock": 30} if plan.turns_clock else {})}


async def _push(world: World, name: str, content: Content | None) -> None:
    if content is None or content == world.remote.content:
        return
    world.history.counts[name] += 1
    pushed = world.remote.push(content)
    world.say(f"{name}: {pushed.ident[:10]} {_words(content)}")
    _hint(world)


def _hint(world: World) -> None:
    if world.core is not None and world.chances.moves.random() < 0.7:
        world.core.queue.add("source")


def _words(content: Content) -> str:
    words = []
    for path, file in sorted(content.items()):
        match file:
            case None:
                words.append(path)
            case Broken(specs):
                words.append(f"{path} broken ({', '.join(spec.name for spec in specs)})")
            case _:
                words.append(f"{path}: {', '.join(f'{spec.name} {spec.kind} v{spec.version}' for spec in file)}")
    return "; ".join(words) or "without any file"


def _with_new(world: World, content: Content) -> Content | None:
    chance = world.chances.moves
    taken = roots_of(content)
    free = [name for name in NAMES if name not in taken and not _in_broken(content, name)]
    if not free:
        return None
    spec = draw(chance, chance.choice(free), world.plan.style)
    path = chance.choice([f"{spec.name}.yaml", "shared.yaml"])
    file = content.get(path)
    if isinstance(file, Broken):
        path, file = f"{spec.name}.yaml", None
    return {"README.md": None, **content, path: (*(file or ()), spec)}


def _in_broken(content: Content, name: str) -> bool:
    return any(spec.name == name for file in content.values() if isinstance(file, Broken) for spec in file.specs)


def _replaced(content: Content, path: str, old: Spec, new: Spec | None) -> Content:
    file = content[path]
    assert isinstance(file, tuple)
    specs = tuple(new if spec == old else spec for spec in file)
    kept: File = tuple(spec for spec in specs if spec is not None)
    return {**content, path: kept} if kept else {name: item for name, item in content.items() if name != path}


def _any_spec(world: World) -> tuple[str, Spec] | None:
    found = sorted(roots_of(world.remote.content).values(), key=lambda item: item[1].name)
    return world.chances.moves.choice(found) if found else None


async def push_add(world: World) -> None:
    await _push(world, "push-add", _with_new(world, world.remote.content))


async def push_burst(world: World) -> None:
    for _ in range(3):
        await _push(world, "push-burst", _with_new(world, world.remote.content))


def _editing(name: str, edit: Callable[[random.Random, World, Spec], Spec | None]) -> Move:
    async def move(world: World) -> None:
        found = _any_spec(world)
        if found is not None:
            path, spec = found
            changed = edit(world.chances.moves, world, spec)
            await _push(world, name, _replaced(world.remote.content, path, spec, changed))

    return move


def _renamed(chance: random.Random, world: World, spec: Spec) -> Spec:
    content = world.remote.content
    free = [name for name in NAMES if name not in roots_of(content) and not _in_broken(content, name)]
    return replace(spec, name=chance.choice(free)) if free else spec


async def push_revert(world: World) -> None:
    chance, remote = world.chances.moves, world.remote
    older = [item for item in remote.commits.values() if item.content]
    await _push(world, "push-revert", dict(chance.choice(older[-5:]).content) if older else None)


async def push_force(world: World) -> None:
    chance, remote = world.chances.moves, world.remote
    ident = chance.choice(list(remote.commits)[-5:])
    if ident != remote.head and remote.commits[ident].content:
        world.history.counts["push-force"] += 1
        world.say(f"push-force: back to {ident[:10]}")
        remote.head = ident
        _hint(world)


async def push_break(world: World) -> None:
    content = world.remote.content
    whole = sorted(path for path, file in content.items() if isinstance(file, tuple))
    if whole:
        path = world.chances.moves.choice(whole)
        file = content[path]
        assert isinstance(file, tuple)
        content[path] = Broken(file)
        if world.chances.moves.random() < 0.3:
            # The same push drops another file: what it held must stay while this one cannot be read.
            others = [other for other in whole if other != path]
            content = {name: item for name, item in content.items() if not others or name != others[0]}
        await _push(world, "push-break", content)


async def push_mend(world: World) -> None:
    content = world.remote.content
    for path, file in sorted(content.items()):
        if isinstance(file, Broken):
            content[path] = file.specs
    await _push(world, "push-mend", content)


async def push_nothing(world: World) -> None:
    await _push(world, "push-nothing", {})


async def push_empty(world: World) -> None:
    await _push(world, "push-empty", {"README.md": None})


async def branch_gone(world: World) -> None:
    remote = world.remote
    world.history.counts["branch-gone"] += 1
    head, remote.head = remote.head, ""
    world.say("branch-gone")
    _hint(world)
    await trio.sleep(world.chances.moves.choice([5.0, 60.0]))
    remote.head = remote.head or head


async def remote_down(world: World) -> None:
    world.history.counts["remote-down"] += 1
    world.remote.reachable = not world.remote.reachable
    world.say("the remote is down" if not world.remote.reachable else "the remote is up")


async def torn_reads(world: World) -> None:
    world.history.counts["torn-reads"] += 1
    world.remote.torn = world.chances.moves.randrange(1, 6)


# ---- people


def _any_root(world: World) -> str | None:
    roots = sorted(world.ledger.snapshot().roots)
    return world.chances.moves.choice(roots) if roots else None


def _any_run(world: World, root: str) -> RunRecord | None:
    runs = [run for _, run in sorted(world.ledger.snapshot().runs.items()) if run.root == root]
    return world.chances.moves.choice(runs) if runs else None


def _asking(verb: str, args: Callable[[World, str], dict[str, object]]) -> Move:
    async def move(world: World) -> None:
        root = _any_root(world)
        if root is not None and world.core is not None:
            world.history.counts[f"ask-{verb}"] += 1
            await world.ask(verb, root, **args(world, root))

    return move


def _about_a_run(world: World, root: str) -> dict[str, object]:
    run = _any_run(world, root)
    return {"key": str(run.key)} if run is not None and world.chances.moves.random() < 0.6 else {}


def _retry_args(world: World, root: str) -> dict[str, object]:
    args = {**_about_a_run(world, root), **({"mode": "all"} if world.chances.moves.random() < 0.4 else {})}
    # Dice of their own: what a round begins with changes nothing of what follows.
    kept = random.Random(f"{world.plan.seed}:kept:{world.commands}").choice(["", "", "resume", "copy"])
    return {**args, kept: True} if kept else args


def _for_a_while(world: World, root: str) -> dict[str, object]:
    seconds = world.chances.moves.choice([None, 30, 300, 900])
    return {"for": seconds} if seconds else {}


def _hold_of(world: World, root: str) -> dict[str, object]:
    holds = world.ledger.snapshot().roots[root].holds
    args: dict[str, object] = {"hold": world.chances.moves.choice(holds).ident if holds else "h-none"}
    return {**args, "baseline": True} if world.chances.moves.random() < 0.2 else args


async def ask_backfill(world: World) -> None:
    """Somebody wants the past run: mostly of what has a schedule.

    Not where retention takes runs: their ticks would run again under the same names, and a name has one story here.
    """
    chance = world.chances.moves
    state, forms = world.ledger.snapshot(), world.forms()
    scheduled = sorted(
        name
        for name, record in state.roots.items()
        if record.cursor and record.cursor.digest and record.removed is None and record.planned
        if record.planned.form in forms and forms[record.planned.form].policy.retention is None
    )
    root = chance.choice(scheduled) if scheduled else _unscheduled(world)
    if root is not None and world.core is not None:
        length = chance.choice([100, 600, 2000]) * (50 if world.plan.days else 1)
        end = world.clock.now() - timedelta(seconds=chance.choice([0, 0, 300, 3000]))
        world.history.counts["ask-backfill"] += 1
        args = {"from": (end - timedelta(seconds=length)).isoformat(), "to": end.isoformat()}
        await world.ask("backfill", root, **args, concurrency=chance.choice([1, 1, 2, 5]))


def _unscheduled(world: World) -> str | None:
    roots = sorted(name for name, record in world.ledger.snapshot().roots.items() if record.cursor is None)
    return world.chances.moves.choice(roots) if roots else None


async def ask_project(world: World) -> None:
    if world.core is not None:
        suspended = world.ledger.snapshot().project.suspended is not None
        verb = "unsuspend" if suspended else "suspend"
        world.history.counts["ask-project"] += 1
        await world.ask(verb, "", **({} if suspended else _for_a_while(world, "")))


# ---- the daemon and its machine


async def kill(world: World) -> None:
    if world.life is not None:
        world.history.counts["kill"] += 1
        world.life.kill("told by the seed")


async def restart(world: World) -> None:
    core, life = world.core, world.life
    if core is None or life is None:
        return
    world.history.counts["restart"] += 1
    world.say("restart: draining")
    core.draining = True
    with trio.move_on_after(20.0):
        await core.queue.close()
    life.kill("drained")


async def machine_burns(world: World) -> None:
    """So much is gone at once that nobody should believe it: nothing is started again until a person agrees.

    What was told to stop is gone too, but nobody misses it; what was seen at this very instant cannot be missed yet.
    Neither counts for or against a loss.
    """
    state = world.ledger.snapshot()
    known = world.truth.alive() & world.liar.seen
    told = {fact.key for made in world.history.transactions for fact in made.facts if isinstance(fact, StopIntended)}
    fresh = {
        run.key.at_attempt(attempt.number)
        for run in state.runs.values()
        for attempt in run.attempts
        if attempt.seen_at is not None and attempt.seen_at >= world.clock.now()
    }
    gone = known - told - fresh
    if len(gone) <= max(3, len(state.claims) * 0.1):
        return
    world.history.counts["machine-burns"] += 1
    world.history.burnt.append((trio.current_time(), gone))
    world.say(f"the machine burns with {len(gone)} attempts")
    for key in sorted(known):
        world.truth.vanish(key)


async def ask_believe(world: World) -> None:
    if world.loop is not None and world.loop.observer.lost:
        world.history.counts["ask-believe"] += 1
        await world.ask("approve", "")


async def turn_clock(world: World) -> None:
    world.history.counts["turn-clock"] += 1
    jumps = (
        [-90_000.0, -4000.0, -300.0, 300.0, 4000.0, 90_000.0]
        if world.plan.days
        else [-300.0, -20.0, 20.0, 300.0, 4000.0]
    )
    seconds = world.chances.moves.choice(jumps)
    world.clock.offset += timedelta(seconds=seconds)
    world.history.wall_moved = True
    world.say(f"the wall clock jumps by {seconds:g} s")


MOVES: dict[str, Move] = {
    "push-add": push_add,
    "push-burst": push_burst,
    "push-edit": _editing("push-edit", lambda chance, world, spec: edited(chance, spec, world.plan.style)),
    "push-live": _editing("push-live", lambda chance, world, spec: retuned(chance, spec, world.plan.style)),
    "push-inert": _editing("push-inert", lambda chance, world, spec: replace(spec, note=spec.note + 1)),
    "push-remove": _editing("push-remove", lambda chance, world, spec: None),
    "push-rename": _editing("push-rename", _renamed),
    "push-revert": push_revert,
    "push-force": push_force,
    "push-break": push_break,
    "push-mend": push_mend,
    "push-nothing": push_nothing,
    "push-empty": push_empty,
    "branch-gone": branch_gone,
    "remote-down": remote_down,
    "torn-reads": torn_reads,
    "ask-run": _asking("run", lambda world, root: {}),
    "ask-stop": _asking("stop", _about_a_run),
    "ask-retry": _asking("retry", _retry_args),
    "ask-suspend": _asking("suspend", _for_a_while),
    "ask-unsuspend": _asking("unsuspend", lambda world, root: {}),
    "ask-approve": _asking("approve", _hold_of),
    "ask-project": ask_project,
    "ask-backfill": ask_backfill,
    "ask-wake": _asking("retry", lambda world, root: {"wake": True}),
    "kill": kill,
    "restart": restart,
    "machine-burns": machine_burns,
    "ask-believe": ask_believe,
    "turn-clock": turn_clock,
}

STORM = {
    "push-add": 9,
    "push-burst": 4,
    "push-edit": 9,
    "push-live": 6,
    "push-inert": 7,
    "push-remove": 5,
    "push-rename": 5,
    "push-revert": 5,
    "push-force": 6,
    "push-break": 5,
    "push-mend": 32,
    "push-nothing": 4,
    "push-empty": 4,
    "branch-gone": 4,
    "remote-down": 5,
    "torn-reads": 4,
    "ask-run": 5,
    "ask-stop": 6,
    "ask-retry": 6,
    "ask-suspend": 5,
    "ask-unsuspend": 4,
    "ask-approve": 6,
    "ask-project": 6,
    "ask-backfill": 8,
    "ask-wake": 4,
    "kill": 6,
    "restart": 4,
}
"""Weights of a history without order."""

PACED = {
    "push-add": 8,
    "push-edit": 6,
    "push-live": 3,
    "push-inert": 1,
    "push-remove": 2,
    "push-rename": 2,
    "push-revert": 2,
    "push-break": 1,
    "push-mend": 2,
    "ask-run": 2,
    "ask-stop": 1,
    "ask-retry": 2,
}
"""Weights of a history whose end does not depend on timing."""
