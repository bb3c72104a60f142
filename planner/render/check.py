"""A plan as a check on the head of a pull request: the comment as its summary, problems as marks on their lines.

A mark is plain text beside a line, so what a stranger wrote is shown there with nothing that cannot be seen in it. What
has no line, or a path that is not shown as it is, stands in the summary, where each problem stands as far as there is
room. What it must never do: name a check as a status is named, which would make two things of one requirement.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from planner.errors import Problem
from planner.model.checks import Annotation, Check, Conclusion
from planner.model.commits import StatusState
from planner.model.plan import Plan
from planner.publish import Said, preview_context
from planner.render.budget import Limit, Unit
from planner.render.foreign import visible
from planner.render.frame import Frame
from planner.render.markdown import plan_markdown

__all__ = ["CONCLUSIONS", "LIMIT", "MOST", "check_of", "failed_check", "name_of"]

LIMIT = Limit(65_535, Unit.BYTES)
"""Of a summary: GitHub says letters, and a byte is never more than one."""
MOST = 200
"""Marks of one check; problems beyond stand in its summary only."""
CONCLUSIONS: Mapping[StatusState, Conclusion] = {
    StatusState.SUCCESS: Conclusion.SUCCESS,
    StatusState.FAILURE: Conclusion.FAILURE,
    StatusState.ERROR: Conclusion.FAILURE,
    StatusState.SUPERSEDED: Conclusion.NEUTRAL,
}
"""How a check ends, by the state of the status beside it. What is pending has not ended, and has no check."""
_PATH = 1000
_MESSAGE = 1000


def name_of(instance: str) -> str:
    """The check of an instance on heads of pull requests. No status has that name: none has a space in it."""
    return f"{preview_context(instance)} in detail"


def check_of(said: Said, plan: Plan, frame: Frame) -> Check:
    """The check of a plan.

    Args:
        said: by the status of the same plan; a final state.
        plan: with the problems that concern the pull request.
        frame: of its comment; the limit is the check's own.
    """
    conclusion = CONCLUSIONS[said.state]
    if plan.held and conclusion is Conclusion.SUCCESS:
        conclusion = Conclusion.ACTION_REQUIRED
    summary = plan_markdown(plan, replace(frame, limit=LIMIT))
    return Check(
        commit=plan.commit,
        name=name_of(frame.instance),
        conclusion=conclusion,
        title=visible(said.description),
        summary=summary,
        annotations=tuple(_annotations(plan.problems)),
    )


def failed_check(said: Said, commit: str, instance: str, body: str) -> Check:
    """The check of a head that has no plan: `body` is Markdown that says why."""
    return Check(commit, name_of(instance), CONCLUSIONS[said.state], visible(said.description), body)


def _annotations(problems: Iterable[Problem]) -> Iterator[Annotation]:
    left = MOST
    for problem in problems:
        place = problem.place
        shown = place.line >= 1 and 0 < len(place.path) <= _PATH and visible(place.path) == place.path
        if not shown:
            continue
        left -= 1
        if left < 0:
            return
        text = visible(problem.sentence)
        message = text if len(text) <= _MESSAGE else f"{text[: _MESSAGE - 1]}…"
        yield Annotation(place.path, place.line, problem.severity, f"{problem.severity} {problem.code}", message)
