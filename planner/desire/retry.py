"""Retries: the new round that a person asks for, of which nodes, by which spec, and with which artifacts.

A round is the one thing by which a run leaves a final state. This module decides which there is and what it begins
with; what comes of it is decided where runs are walked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from planner import keys
from planner.desire.nodes import effective, form_of, has_begun, newest
from planner.desire.opening import commit_in_force, opened_under
from planner.desire.overtaken import overtaken
from planner.desire.stopping import below
from planner.desire.trials import trials_of
from planner.desire.view import Draft
from planner.keys import Key
from planner.model.artifacts import Earlier
from planner.model.desired import CompiledOperation
from planner.model.facts import Retried, Settled
from planner.model.people import Command
from planner.model.records import RunRecord
from planner.model.status import RunStatus, StopReason
from planner.query import original_of
from planner.query.graph import node_of

__all__ = ["earlier_of", "give_up", "retry", "target_of", "up_as"]

_RETRIED = {RunStatus.FAILED, RunStatus.UPSTREAM_FAILED, RunStatus.STOPPED, RunStatus.SKIPPED}


class _No(Exception):  # noqa: N818 -- an answer to the person who asked, no error
    """Why there is no round."""


def retry(draft: Draft, command: Command) -> tuple[bool, str]:
    """Begin a new round of what a command names; whether there is one, and the answer.

    Arguments of the command: `key`, a run or node, else the newest run; `mode`, `all` for what has succeeded too;
    `spec`, `then` or `now`; `form`, what `now` is where a person gave params to the run; `resume` or `copy`, to start
    with the artifacts of the round before; `wake`, for a service that sleeps and no other.
    """
    try:
        return True, _retry(draft, command)
    except _No as no:
        return False, str(no)


def _retry(draft: Draft, command: Command) -> str:
    target = target_of(command)
    top = _top(draft, target)
    if command.args.get("wake") is True and (awake := _awake(draft, top)):
        return awake
    form = _form(draft, top, command)
    if top.kind == "service" and (up := up_as(draft)) and up.top != top.key:
        raise _No(f"{draft.name} is up or starting as {up}; plumbline stop {draft.name} first")
    places = _places(draft, top, command, form)
    earlier = _earlier(draft, top, command, places)
    if not top.is_parent:
        places = tuple(sorted({"", *places}))  # whoever builds again wants to run it
    if top.kind == "service":
        give_up(draft, command.by)  # nothing is refused any more
    places = tuple(sorted({*places, *_overtaken(draft, top, form, places)}))
    number = max(top.rounds.values(), default=0) + 1
    draft.add(replace(_retried(draft, top, (number, places, form), command), earlier=earlier))
    kept = _kept_words(earlier)
    verb = "woken" if command.args.get("wake") is True else "retried"
    words = f"{verb} by {command.by}" + (" with the spec of now" if form is not None else "") + kept
    if "" in places:
        top = draft.run(top.key) or top
        draft.add(opened_under(draft, top, top.key.at_round(number), top.kind, words))
    by = f", with the spec of {form.name} as it is now" if form is not None else ""
    return f"{top.key} round {number}: {', '.join(place or top.key.root for place in places or ('',))}{by}{kept}"


def target_of(command: Command) -> Key | None:
    """The run that a command names.

    Raises:
        ValueError: it names no run.
    """
    text = command.args.get("key")
    return replace(keys.parse(str(text)), attempt=0) if text else None


def earlier_of(draft: Draft, run: RunRecord) -> Earlier | None:
    """Whose artifacts a round starts with, where somebody asked for that."""
    top = draft.run(run.key.top)
    return top.earlier.get("/".join(run.key.place)) if top is not None and run.key.round else None


def up_as(draft: Draft) -> Key | None:
    """The run that the service goes on as: a second one beside it would want its ports and its name."""
    return next((run.key for run in _open_services(draft) if not run.status.final and not _is_down(draft, run)), None)


def give_up(draft: Draft, by: str) -> None:
    """End what is down of a service and not healed: another run of it takes its place."""
    down = [run for run in _open_services(draft) if _is_down(draft, run)]
    for key in dict.fromkeys(key for run in down for key in (effective(draft, run).key, run.key)):
        draft.add(Settled(draft.name, key, RunStatus.FAILED, f"down until {by} retried it", draft.now))


def _open_services(draft: Draft) -> Iterator[RunRecord]:
    """The newest round of each service that is open."""
    tops = (draft.run(key) for key in draft.state.record.open)
    return (newest(draft, top) for top in tops if top is not None and top.kind == "service")


def _is_down(draft: Draft, run: RunRecord) -> bool:
    """Whether a service has nothing that may be alive, and waits to be started again, by itself or by a person."""
    story = effective(draft, run)
    over = run.status.final or story.status.final
    return run.kind == "service" and not over and not story.alive and bool(story.attempts)


# Which run, and by which spec


def _top(draft: Draft, target: Key | None) -> RunRecord:
    key = target.top if target is not None else draft.state.record.last
    top = draft.run(key) if key is not None else None
    if top is None:
        raise _No(f"{target or draft.name} has no run to retry")
    if draft.state.record.gone:
        raise _No(f"{draft.name} is not in the repository")
    return top


def _awake(draft: Draft, top: RunRecord) -> str:
    """What a service goes on as that does not sleep any more; "" for one that does."""
    run = newest(draft, top)
    if not run.status.final:
        return f"{run.key} is awake"
    last = effective(draft, run).last
    if run.kind != "service" or last is None or last.reason is not StopReason.CULLED:
        raise _No(f"{run.key} does not sleep: it is {run.status}")
    return ""


def _form(draft: Draft, top: RunRecord, command: Command) -> CompiledOperation | None:
    """What the run goes by from now on; None for what it had."""
    spec, name, applied = command.args.get("spec"), draft.name, draft.state.record.applied
    if top.key.generation is not None and (applied is None or applied.key != top.key):
        _check_earlier(draft, top, spec)
    elif spec == "now":
        form = _now(draft, top, command)
        return None if form.form == top.form else form
    had = form_of(draft, top)
    if had is None or had.refused:
        raise _No(f"{name} cannot run here: {had.refused if had else 'its spec is not known any more'}")
    return None


def _now(draft: Draft, top: RunRecord, command: Command) -> CompiledOperation:
    name = draft.name
    given = command.args.get("form")
    form = draft.form(str(given)) if given else draft.in_force()
    if form is None:
        raise _No(f"{name} has no spec in force, so there is nothing to retry {top.key} with")
    if form.refused:
        raise _No(f"{name} cannot run here: {form.refused}")
    if top.follows is not None:
        raise _No(f"{top.key} is a hook, which has the spec of the run that it follows: leave --spec now out")
    if form.kind != top.kind:
        raise _No(f"{top.key} is a {top.kind} and {name} a {form.kind} now; plumbline run {name} runs that")
    return form


def _check_earlier(draft: Draft, top: RunRecord, spec: object) -> None:
    """An earlier generation is called back only by who says so, and a service not at all."""
    applied = draft.state.record.applied
    key = applied.key if applied is not None else None
    now = f"plumbline retry {key}" if key is not None else f"plumbline run {draft.name}"
    if top.kind == "service":
        raise _No(f"{top.key} is of an earlier generation, and a service is up as the newest one only: {now}")
    if spec == "now":
        raise _No(f"{top.key} is of an earlier generation; what has the spec of now is another run: {now}")
    if spec != "then":
        raise _No(f"{top.key} is of an earlier generation: --spec then runs it as it was, {now} what is there now")


def _retried(
    draft: Draft, top: RunRecord, asked: tuple[int, tuple[str, ...], CompiledOperation | None], command: Command
) -> Retried:
    number, places, form = asked
    fact = Retried(draft.name, top.key, number, places, command.by, draft.now)
    record = draft.state.record
    if form is None or record.applied is None:
        return fact
    commit = commit_in_force(draft, record.applied)
    if command.args.get("form") and record.planned is not None:
        commit = record.planned.commit  # as of a request with params: of the newest commit
    return replace(fact, form=form.form, commit=commit, generation=record.applied.number)


# Which nodes


def _places(draft: Draft, top: RunRecord, command: Command, form: CompiledOperation | None) -> tuple[str, ...]:
    target, everything = target_of(command), command.args.get("mode") == "all"
    found, live = [], None
    for run in sorted(draft.state.runs.values(), key=lambda run: run.key):
        if run.key.top != top.key or run.key.round != top.round_of(run.key.place):
            continue
        if not run.key.place and top.is_parent:
            continue
        named, down = target is None or below(run.key, target), not run.key.place and _is_down(draft, run)
        if not run.status.final and not down:
            # What is no DAG is one with its build: another round of the one is another round of both.
            live = live or (run if named or not top.is_parent else None)
        elif not named or not (down or run.status in _RETRIED or (everything and not _has_suggested(draft, run))):
            continue
        elif form is None or node_of(form, run.key.place) is not None:
            found.append("/".join(run.key.place))
    refused = live is not None and not top.is_parent
    if not refused and (found or ((target is None or not target.place) and _never_began(draft, top))):
        return tuple(sorted(found))
    what = target or top.key
    if live is not None:
        raise _No(f"{live.key} is not over ({live.status}): wait for its end, or plumbline stop {live.key} first")
    there = " and is still there" if form is not None else ""
    hint = "" if everything else " (--all retries what has succeeded too)"
    if everything and target is not None and target.place and keys.tuner_number(target.place[-1]) is not None:
        raise _No(f"the trials that {target} suggested are there: retry those")
    raise _No(f"nothing of {what} {'is final' if everything else 'failed or was stopped'}{there}{hint}")


def _has_suggested(draft: Draft, run: RunRecord) -> bool:
    """Whether it is of a tuner whose trials are there: these may be run again, and would not follow another one."""
    for depth, part in enumerate(run.key.place):
        number = keys.tuner_number(part)
        if number is not None:
            trials = trials_of(draft, Key(run.key.root, run.key.cause, run.key.place[:depth]))
            return any(said.iteration is not None and said.iteration >= number for _, said in trials)
    return False


def _never_began(draft: Draft, top: RunRecord) -> bool:
    """Whether a DAG is over with no node that has a record: it is then asked for as a whole."""
    return top.is_parent and top.status in _RETRIED and not has_begun(draft, top.key)


def _overtaken(draft: Draft, top: RunRecord, form: CompiledOperation | None, places: tuple[str, ...]) -> Iterator[str]:
    """Take back what comes after `places` and has not started; the places of what is decided anew."""
    form = form or form_of(draft, top)
    for run in overtaken(draft, top, form, places) if form is not None else ():
        if not run.status.final:
            draft.add(Settled(draft.name, run.key, RunStatus.STOPPED, "what it waited for is run again", draft.now))
        yield "/".join(run.key.place)


# What a round begins with


def _earlier(draft: Draft, top: RunRecord, command: Command, places: Iterable[str]) -> dict[str, Earlier]:
    """What of an earlier round the new ones start with, by place."""
    copy, resume = command.args.get("copy") is True, command.args.get("resume") is True
    if not copy and not resume:
        return {}
    found = {}
    for place in places:
        run = _newest_that_left(draft, top, place)
        if run is not None and not run.own and resume:
            raise _No(
                f"{run.key} has the result of {original_of(run)}, whose artifacts are not its own: --copy copies them"
            )
        if run is not None:
            found[place] = Earlier(original_of(run) or run.key, copy)
    if not found:
        how = "--copy" if copy else "--resume"
        raise _No(f"nothing of {target_of(command) or top.key} has started, so it left no artifacts: leave {how} out")
    return found


def _newest_that_left(draft: Draft, top: RunRecord, place: str) -> RunRecord | None:
    """The newest round of a node that has a folder."""
    node = Key(top.key.root, top.key.cause, tuple(place.split("/")) if place else ())
    for number in range(top.round_of(node.place), -1, -1):
        run = draft.run(node.at_round(number))
        if run is not None and (run.attempt_count or not run.own):
            return run
    return None


def _kept_words(earlier: Mapping[str, Earlier]) -> str:
    if not earlier:
        return ""
    copied = any(one.copy for one in earlier.values())
    return f", {'with a copy of the' if copied else 'going on with the'} artifacts of the round before"
