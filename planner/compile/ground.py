"""What the parts of one operation's compile share: where it is written, what it may look at, and its templates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from planner.canon import Json
from planner.compile.bindings import EACH
from planner.compile.inputs import flaw_problem
from planner.compile.origin import Origin, Report
from planner.compile.policy import RootPolicy
from planner.compile.scope import UNKNOWN, final, has_template
from planner.compile.template import Scope, bind, is_template
from planner.compile.view import View
from planner.errors import Problem
from planner.spec.shape import truth as words_of_truth

__all__ = ["Ground", "known", "late_problem", "left_to_trials", "too_late", "truth", "whole"]


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a `run` is lowered.

    Attributes:
        origin: the `run`.
        report: takes problems.
        view: the tree.
        scope: the variables of its templates.
        policy: what holds for its root.
        builds: whether its image is made before it.
    """

    origin: Origin
    report: Report
    view: View
    scope: Scope
    policy: RootPolicy
    builds: bool = False


def known(value: Json, origin: Origin, scope: Scope, report: Report) -> Json:
    """The value of a field that must be known before a run starts; None with a problem where its template is wrong.

    None without a problem where nobody can know it yet, but each run of a sweep will: `left_to_trials` has it then.
    """
    if not isinstance(value, str) or not is_template(value):
        return value
    bound = bind(value, scope, report.templates())
    for flaw in bound.flaws:
        report.add(flaw_problem(origin, flaw))
    if late := too_late(bound.waiting_on):
        report.add(late_problem(origin, late))
    return None if bound.flaws or bound.pending else bound.value


def too_late(waiting: Iterable[str], *, trials: bool = True) -> str:
    """What is known too late of that which a value waits for, for people; "" where the value is known in time.

    Args:
        waiting: paths of symbols.
        trials: whether what each run of a sweep is given is known in time. It is not for what is around the sweep.
    """
    names = sorted(waiting)
    if any(name.startswith(UNKNOWN) and not name.startswith(EACH) for name in names):
        return ""  # there is a problem with it already, or somebody will give it
    return ", ".join(name.replace(EACH, "params.") for name in names if not (trials and name.startswith(EACH)))


def late_problem(origin: Origin, late: str) -> Problem:
    """That a value waits for what `too_late` names."""
    hint = "use values that the spec or the configuration has"
    return origin.problem("PL-406", f"this must be known before the run starts; it needs {late}", hint)


def left_to_trials(value: Json, scope: Scope, report: Report) -> Json:
    """A value, bound as far as it can be, if some of it waits for what each run of a sweep is given; else None."""
    if not has_template(value):
        return None
    bound = bind(value, scope, report.templates())
    return final(bound) if any(name.startswith(EACH) for name in bound.waiting_on) else None


def truth(value: Json, origin: Origin, ground: Ground) -> bool:
    """True, false, or a template of one; false where nothing is said or with a problem."""
    found = known(value, origin, ground.scope, ground.report)
    if found is None:
        return False
    meant = words_of_truth(found)
    if meant is None:
        ground.report.add(origin.problem("PL-203", "true or false is wanted here"))
    return meant is True


def whole(value: Json, lowest: int, origin: Origin, ground: tuple[Scope, Report]) -> int | None:
    """A whole number from `lowest` on, or a template of one; None where nothing is said or with a problem."""
    scope, report = ground
    if value is None:
        return None
    found = known(value, origin, scope, report)
    if found is None:
        return None
    if isinstance(found, str) and found.strip().isdigit() and len(found) < 10:
        found = int(found)
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    if isinstance(found, bool) or not isinstance(found, int):
        report.add(origin.problem("PL-203", "a whole number is wanted here"))
        return None
    if found < lowest:
        report.add(origin.problem("PL-204", f"{found} is too small: {lowest} is the least"))
        return None
    return found
