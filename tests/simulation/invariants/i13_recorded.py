"""I13: what a sweep tries, and which trial it stops, follows from what is recorded.

Asked again at that moment of the history, the search says the same, and so do the rules of early stopping.
"""

from __future__ import annotations

from collections.abc import Mapping

from planner.canon import Json
from planner.keys import Key
from planner.model.facts import Renamed
from planner.model.search import Suggestion
from planner.search import suggest
from planner.search.stopping import Course, reached, stops, too_many_failed
from tests.simulation.history import History
from tests.simulation.invariants.sweeping import Opening, Verdict, openings, verdicts

NAME = "I13"

_BEFORE = "sim/project"
"""Instance and project of every history."""
_BACK = 8
"""Generations whose trials may be taken over."""


def check(history: History) -> list[str]:
    found: list[str] = []
    opened: dict[Key, list[Opening]] = {}
    names = _names(history)
    for one in openings(history):
        taken = _taken_over(one, opened, names)
        if one.suggestion not in taken and one.suggestion not in (wanted := _asked_again(one, opened)):
            found.append(f"{one.key} was made with {one.suggestion}, and its sweep would try {(*taken, *wanted)}")
        opened.setdefault(one.parent, []).append(one)
    return found + [
        f"{one.key} was stopped ({one.words}), and no rule says so" for one in verdicts(history) if not _is_just(one)
    ]


def _is_just(one: Verdict) -> bool:
    """Whether a rule that may have been in force says so, of what was recorded before."""
    return any(
        _says(rule, one, courses[str(rule.get("metric"))])
        for rules in one.rules
        for rule in rules
        for courses in one.courses
    )


def _says(rule: Mapping[str, Json], one: Verdict, courses: tuple[Course, ...]) -> bool:
    if one.number is not None:
        stopped = any(cut.number == one.number for cut in stops(rule, courses))
        # Its attempt is told after its record was: it is at work no more, and nothing else has changed.
        return stopped or (bool(one.key.attempt) and rule.get("policy") is not None)
    return reached(rule, courses) is not None or too_many_failed(
        rule, sum(course.failed for course in courses), one.total
    )


def _asked_again(one: Opening, opened: Mapping[Key, list[Opening]]) -> list[Suggestion]:
    """What the search says of the trials as they were recorded, in the order of their numbers; or the tuner said.

    Of trials that were opened together, the search may have been asked before any of them: then what the first ones
    came to at once, since they were carried over, was not known.
    """
    if one.sweep.tuner is not None:
        return [one.tuned] if one.tuned is not None else []
    written = "" if one.sweep.seed is None else one.sweep.seed
    seed = "/".join((_BEFORE, one.key.root, *one.key.place[:-1], str(written)))
    together = [earlier for earlier in opened.get(one.parent, []) if earlier.made is one.made]
    asked = [one, *reversed(together)]
    found = (suggest(one.sweep.search, at.before, seed, back + 1)[back:] for back, at in enumerate(asked))
    return [suggestion for said in found for suggestion in said]


def _names(history: History) -> dict[str, list[str]]:
    """By the name of an operation, the names that it may have had before, the newest first."""
    found: dict[str, list[str]] = {}
    for fact in history.facts():
        if isinstance(fact, Renamed):
            earlier = [fact.old, *found.get(fact.old, [])]
            found[fact.root] = list(dict.fromkeys([*earlier, *found.get(fact.root, [])]))
    return found


def _taken_over(
    one: Opening, opened: Mapping[Key, list[Opening]], names: Mapping[str, list[str]]
) -> tuple[Suggestion, ...]:
    """What the trial of this number was made with in the newest generation before that had trials of the same thing.

    One under its own name, or under one that the operation had: of several, any.
    """
    number, mine = one.key.generation, opened.get(one.parent, [])
    if number is None or (mine and mine[0].made is not one.made):
        return ()
    for earlier in range(number - 1, max(number - 1 - _BACK, 0), -1):
        known = [one.key.root, *names.get(one.key.root, [])]
        theirs = [opened.get(Key(name, f"g{earlier}", one.key.place[:-1]), []) for name in known]
        same = [each for each in theirs if each and each[0].lineage == one.lineage]
        if same:
            return tuple(each[len(mine)].suggestion for each in same if len(mine) < len(each))
    return ()
