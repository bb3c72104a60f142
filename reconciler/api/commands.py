"""Commands: what a person asks for becomes facts, and is answered when it was planned.

This module resolves what was typed and records the question. What comes of it is decided by the planner alone.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import anyio

from planner.canon import Json
from planner.errors import ProblemsError
from planner.keys import Key
from planner.model.desired import CompiledOperation
from planner.model.facts import Answered, Asked
from planner.model.people import Command
from planner.spec.words import listed
from reconciler import codec
from reconciler.api import backfills, find, problems
from reconciler.api.asked import Request
from reconciler.api.stories import one, places
from reconciler.compiler import with_params
from reconciler.core import Core
from reconciler.errors import Refused

__all__ = ["LOST", "Given", "answer_of", "ask", "commands_of"]

LOST = "lost"
"""What `approve` names to agree that what vanished is lost."""

_RETRY_ARGS = ("mode", "spec", "resume", "copy", "wake")
_LOOK = 0.02
_LONGEST_LOOK = 0.25


@dataclass(frozen=True, slots=True)
class Given:
    """A request in the planner's words: one command a root, and what must be stored with them.

    Attributes:
        args: arguments by root; "" for the project.
        blobs: content by digest.
    """

    args: Mapping[str, Mapping[str, Json]]
    blobs: Mapping[str, str] = field(default_factory=dict)


async def ask(core: Core, request: Request, within: float) -> dict[str, Json]:
    """Record `request` and wait for what comes of it, `within` seconds at most.

    Returns:
        `state` is `answered` or `waiting`; `answers` has one entry for each operation that it concerns.

    Raises:
        ApiError: it makes no sense, or the target does not exist.
        Transient: it could not be recorded.
    """
    commands, blobs = await commands_of(core, request)
    await core.ledger.record([Asked(command.root, command, command.at) for command in commands], blobs)
    for command in commands:
        core.queue.add(f"root:{command.root}" if command.root else "project")
    with anyio.move_on_after(within):
        for command in commands:
            await _answered(core, command.ident)
    return await _outcome(core, commands)


async def commands_of(core: Core, request: Request) -> tuple[list[Command], Mapping[str, str]]:
    """What `request` asks of each root, with what must be stored with it. Records nothing.

    Raises:
        ApiError, Transient: as `ask`.
    """
    given = await _RESOLVERS[request.verb](core, request)
    now = core.clock.now()
    commands = [Command(_ident(), request.verb, root, args, request.by, now) for root, args in given.args.items()]
    return commands, given.blobs


async def answer_of(core: Core, ident: str) -> dict[str, Json]:
    """What came of command `ident`, or that it waits.

    Raises:
        ApiError: nobody asked for that.
    """
    answered = await core.ledger.answer(ident)
    if answered is not None:
        return _answer_view(answered)
    waiting = [*(await core.ledger.project()).commands]
    waiting += [command for record in (await core.ledger.roots()).values() for command in record.commands]
    for command in waiting:
        if command.ident == ident:
            return {"id": ident, "operation": command.root, "state": "waiting"}
    raise problems.missing(f"there is no command {ident[:40]}")


def _ident() -> str:
    # It becomes part of the key of what `run` starts: short, and nobody can guess or repeat it.
    return base64.b32encode(secrets.token_bytes(5)).decode().lower()


async def _answered(core: Core, ident: str) -> None:
    pause = _LOOK
    while await core.ledger.answer(ident) is None:
        await anyio.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_LOOK)


async def _outcome(core: Core, commands: list[Command]) -> dict[str, Json]:
    answers: list[Json] = []
    good, waiting, words = True, False, []
    for command in commands:
        answered = await core.ledger.answer(command.ident)
        if answered is None:
            waiting = True
            answers.append({"id": command.ident, "operation": command.root, "state": "waiting"})
            continue
        good = good and answered.ok
        words.append(answered.message)
        answers.append(_answer_view(answered) | {"run": _started(core, command, answered)})
    if waiting:
        words.append("recorded, and not planned yet: it counts as soon as the daemon gets to it")
    return {
        "state": "waiting" if waiting else "answered",
        "ok": good,
        "message": "; ".join(dict.fromkeys(words)),
        "answers": answers,
    }


def _answer_view(answered: Answered) -> dict[str, Json]:
    return {
        "id": answered.ident,
        "operation": answered.root,
        "state": "answered",
        "ok": answered.ok,
        "message": answered.message,
    }


def _started(core: Core, command: Command, answered: Answered) -> dict[str, Json] | None:
    """The run that a `run` made; its key is the command's own."""
    if command.verb != "run" or not answered.ok:
        return None
    key = Key(command.root, f"req-{command.ident}")
    identity = core.policy.identity
    return {"key": str(key), "id": key.short_id(identity.instance, identity.project)}


# --- whom it concerns ---


async def _run(core: Core, request: Request) -> Given:
    record = await find.operation(core, request.target)
    params = request.args.get("params")
    fresh: dict[str, Json] = {"fresh": True} if request.args.get("fresh") is True else {}
    if not params:
        return Given({record.name: fresh})
    assert isinstance(params, Mapping)
    form = await _with_params(core, record.name, {name: str(value) for name, value in params.items()})
    args: dict[str, Json] = {"params": dict(params), "form": form.form, **fresh}
    return Given({record.name: args}, {form.form: codec.encode(form)})


async def _with_params(core: Core, root: str, params: Mapping[str, str]) -> CompiledOperation:
    try:
        return await with_params(core, root, params)
    except ProblemsError as error:
        raise problems.invalid(error.problems) from None


async def _backfill(core: Core, request: Request) -> Given:
    record = await find.operation(core, request.target)
    lacking = [f"`{name}`" for name in ("from", "to") if name not in request.args]
    if lacking:
        raise problems.bad(f"a backfill needs {' and '.join(lacking)}: an instant, or a date")
    return Given({record.name: dict(request.args)})


async def _stop(core: Core, request: Request) -> Given:
    root = await backfills.root_of(core, request.target)
    if root is not None:
        return Given({root: {"backfill": request.target}})
    found = await find.target(core, request.target)
    return Given({found.root: {"key": str(found.run.key)} if found.run else {}})


async def _retry(core: Core, request: Request) -> Given:
    found = await find.target(core, request.target)
    args: dict[str, Json] = {name: request.args[name] for name in _RETRY_ARGS if name in request.args}
    node = str(request.args.get("node") or "")
    if node:
        top = (await find.run(core, request.target)).run
        assert top is not None
        args["key"] = str(await _node(core, top.key, node))
    elif found.run is not None:
        args["key"] = str(found.run.key)
    if args.get("resume") is True or args.get("copy") is True:
        await _check_left(core, str(args.get("key", request.target)))
    blobs: dict[str, str] = {}
    if args.get("spec") == "now" and (params := await _params_of(core, request.target)):
        form = await _with_params(core, found.root, params)
        args["form"], blobs[form.form] = form.form, codec.encode(form)
    return Given({found.root: args}, blobs)


async def _check_left(core: Core, target: str) -> None:
    """That the artifacts are still there which a retry is to go on with; of a whole DAG each start finds out."""
    found = (await find.run(core, target)).run
    story = await one(core, found.key, newest=found.key.round == 0) if found is not None else None
    if story is None or story.source.last is None or core.storage is not None:
        return  # a store brings back what it has
    source = story.source
    try:
        await core.backend.artifacts(source.key.at_attempt(story.source.attempt_count))
    except Refused:
        message = f"the artifacts of {source.key} are gone, so there is nothing to go on with or to copy"
        raise problems.conflict(f"{message}; plumbline retry {target} starts it without") from None


async def _params_of(core: Core, target: str) -> Mapping[str, str]:
    """What a person gave to the run that a target means: it keeps that, whichever spec it goes by."""
    run = (await find.run(core, target)).run
    top = await one(core, run.key.top) if run is not None else None
    return top.node.params if top is not None else {}


async def _node(core: Core, run: Key, name: str) -> Key:
    """The node `name` of the DAG that `run` is or belongs to; names of nested ones are joined with `/`."""
    key = Key(run.root, run.cause, tuple(name.split("/")))
    top = (await find.run(core, str(run.top))).run
    assert top is not None
    form = await core.form(top.form)
    known = ["/".join(place) for place in places(form, ())] if form is not None else []
    if not any(place == name or place.startswith(f"{name}/") for place in known):
        raise problems.missing(f"{run.top} has no node `{name[:80]}`; it has {listed(known) if known else 'none'}")
    return key


async def _approve(core: Core, request: Request) -> Given:
    args: dict[str, Json] = {"hold": request.target}
    if "baseline" in request.args:
        args["baseline"] = request.args["baseline"]
    if request.target == LOST:
        return Given({"": args})
    held: dict[str, Mapping[str, Json]] = {}
    idents: set[str] = set()
    for name, record in (await core.ledger.roots()).items():
        here = {hold.ident for hold in record.holds}
        idents |= here
        if request.target in here:
            held[name] = args
    if not held:
        open_ones = f"; held now: {', '.join(sorted(idents))}" if idents else "; nothing is held now"
        raise problems.missing(f"there is no hold `{request.target[:40]}`{open_ones}")
    return Given(held)


async def _suspend(core: Core, request: Request) -> Given:
    root = (await find.operation(core, request.target)).name if request.target else ""
    return Given({root: dict(request.args)})


_RESOLVERS: Mapping[str, Callable[[Core, Request], Awaitable[Given]]] = {
    "run": _run,
    "backfill": _backfill,
    "stop": _stop,
    "retry": _retry,
    "approve": _approve,
    "suspend": _suspend,
    "unsuspend": _suspend,
}
