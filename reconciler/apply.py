"""Applying: the effects that a root's records ask for, done through the backend.

Every effect has a deadline; after it the outcome is unknown, and only an observation settles it. One that fails, by
whosever fault, keeps no other one from being done. This module never
records that something happened, but for a refusal, which is the backend's word that it never will.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import assert_never

import anyio

from planner.compile.bind import BindError, finish_run
from planner.effects import Clean, Correct, Effect, Ensure, Stop
from planner.keys import Key
from planner.model.facts import Cleaned, Corrected, Fact, Observed
from planner.model.run import BoundRun, Leases, Observation, Phase, Stamp
from planner.model.status import StopReason
from reconciler.core import Core
from reconciler.errors import Refused, Transient, Unusable
from reconciler.keeper import Restorer
from reconciler.ports import Order
from reconciler.producers import with_folders
from reconciler.telemetry import log

__all__ = ["Applied", "apply", "order_of"]


@dataclass(slots=True)
class Applied:
    """What came of a batch of effects.

    Attributes:
        facts: to be recorded: what was cleaned, and what was refused for good.
        failed: one sentence when an effect must be tried again, or "".
        after: seconds after which that may be, where the other side said so; else None.
        unknown: attempts whose effect passed its deadline.
        unusable: why nothing can be done any more.
    """

    facts: list[Fact]
    failed: str = ""
    after: float | None = None
    unknown: tuple[Key, ...] = ()
    unusable: Unusable | None = None


async def apply(core: Core, root: str, effects: Sequence[Effect]) -> Applied:
    """Do `effects` of `root`: stops and cleaning before starts, each kind side by side.

    Raises:
        Unusable: the surroundings are not what the backend needs.
    """
    done = Applied([])
    for kind in (Stop, Clean, Ensure, Correct):
        these = [effect for effect in effects if isinstance(effect, kind)]
        if not these:
            continue
        async with anyio.create_task_group() as group:
            for effect in these:
                group.start_soon(_one, core, root, effect, done)
        if done.unusable is not None:
            raise done.unusable
    return done


async def _one(core: Core, root: str, effect: Effect, done: Applied) -> None:
    async with core.effects:
        with anyio.move_on_after(core.policy.effect_deadline) as scope:
            try:
                await _do(core, root, effect, done)
                core.stalled.pop(effect.key, None)
            except Transient as error:
                if isinstance(effect, Ensure):
                    core.stalled[effect.key] = error.message
                done.failed = done.failed or error.message
                done.after = max(filter(None, (done.after, error.after)), default=None)
            except Unusable as error:
                done.unusable = error
            except Exception:  # noqa: BLE001 -- our own fault: this effect is tried again, the others are done
                log.exception("effect crashed", name=str(effect.key), effect=type(effect).__name__.lower())
                done.failed = done.failed or f"{effect.key}: an error of Plumbline's own, which its log has"
        if scope.cancelled_caught:
            done.unknown = (*done.unknown, effect.key)
            late = f"no answer within {core.policy.effect_deadline:g} s"
            done.failed = done.failed or f"{effect.key}: {late}"
            if isinstance(effect, Ensure):
                core.stalled[effect.key] = late


async def _do(core: Core, root: str, effect: Effect, done: Applied) -> None:
    try:
        match effect:
            case Stop():
                await core.backend.stop(effect.key, core.policy.grace)
            case Clean():
                await core.backend.clean(effect.key)
                done.facts.append(Cleaned(root, effect.key, core.clock.now()))
            case Ensure():
                await _ensure(core, root, effect, done)
            case Correct():
                await _correct(core, root, effect, done)
            case _:
                assert_never(effect)
    finally:
        core.written[effect.key] = core.clock.now()
        if isinstance(effect, Clean):
            core.written.pop(effect.key, None)
        if not isinstance(effect, Ensure):
            core.stalled.pop(effect.key, None)


async def _ensure(core: Core, root: str, effect: Ensure, done: Applied) -> None:
    stamp = await _stamp(core)
    try:
        order = await _order(core, effect)
        await _bring_back(core, root, order)
        await core.backend.ensure(order)
    except Refused as error:
        now = core.clock.now()
        never = Observation(
            effect.key, Phase.ENDED, ended_at=now, reason=StopReason.EXITED, message=str(error), stamp=stamp
        )
        done.facts.append(Observed(root, never, now))


async def _correct(core: Core, root: str, effect: Correct, done: Applied) -> None:
    """Put it right; where that is refused it lives on as it is, and is tried again when the planner says so."""
    failure = ""
    try:
        corrected = await core.backend.ensure(await _order(core, effect))
        log.info("a workload that was changed is looked after", name=str(effect.key), outcome=str(corrected))
    except Refused as error:
        failure = error.message
        log.warning("a workload that was changed cannot be put right", name=str(effect.key), reason=failure)
    done.facts.append(Corrected(root, effect.key, core.clock.now(), failure))


async def _order(core: Core, effect: Ensure | Correct) -> Order:
    """What the last attempt of a run is made by.

    Raises:
        Transient: it cannot be known now.
        Refused: it needs what is not there; the message names it.
    """
    bound = await core.bound(effect.run.bound)
    if bound is None:
        raise Transient(f"{effect.key}: its stored run is missing from the ledger")
    leases = effect.run.attempts[-1].leases
    return await order_of(core, effect.key, _with_rest_of_time(core, effect, bound), leases)


async def order_of(core: Core, key: Key, bound: BoundRun, leases: Leases) -> Order:
    """The order of an attempt: what its run was bound to, with all that only now can be known.

    Raises:
        Refused: it needs what is not there; the message names it.
    """
    order = Order(key, replace(bound, grace=core.policy.grace), leases, await _stamp(core))
    try:
        order = replace(order, run=finish_run(order.run, core.backend.knows(order)))
    except BindError as error:
        raise Refused(str(error)) from None
    return replace(order, run=await with_folders(core, order.run))


async def _stamp(core: Core) -> Stamp:
    identity = core.policy.identity
    return Stamp(core.ledger.ident, await core.ledger.sequence(), identity.instance, identity.project)


async def _bring_back(core: Core, root: str, order: Order) -> None:
    """Have artifacts of other runs that `order` reads brought back from the store, where they are not here any more.

    Raises:
        Transient: they come; whoever fetches them has the root planned again.
    """
    storage = core.storage
    if storage is None or not isinstance(core.backend, Restorer):
        return
    missing = set(await core.backend.missing(order))
    wanted = sorted(missing - storage.lacking)
    if not wanted:
        storage.lacking -= missing  # that was the answer for this start: somebody may bring a copy before the next one
    for name in wanted:
        storage.want(name, root)
    if wanted:
        told = storage.words or f"they are fetched from store {storage.store.url}"
        runs = f"{len(wanted)} other run{'s' if len(wanted) > 1 else ''}"
        raise Transient(f"{order.key} starts when it has the artifacts of {runs}: {told}")


def _with_rest_of_time(core: Core, effect: Ensure | Correct, bound: BoundRun) -> BoundRun:
    """`timeout` counts over all attempts: a later one gets what is left, and a second at least to say so."""
    if bound.timeout is None or effect.run.started_at is None:
        return bound
    spent = core.clock.now() - effect.run.started_at
    left = timedelta(seconds=bound.timeout) - spent
    return replace(bound, timeout=max(left.total_seconds(), 1.0))
