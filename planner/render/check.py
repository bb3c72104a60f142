"""Checks: the plan of a pull request as one, or what a commit has wrong, with problems as marks on their lines.

A mark is plain text beside a line, so what a stranger wrote is shown there with nothing that cannot be seen in it. What
has no line, or a path that is not shown as it is, stands in the summary, where each problem stands as far as there is
room. What it must never do: name a check as a status is named, which would make two things of one requirement.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from planner.errors import Problem, Severity
from planner.model.checks import Annotation, Check, Conclusion
from planner.model.commits import CommitRecord, Details, StatusState
from planner.model.plan import Plan
from planner.publish import Said, context_of, preview_context
from planner.render.budget import Limit, Unit
from planner.render.counted import many
from planner.render.foreign import code, phrase, visible
from planner.render.frame import Frame
from planner.render.markdown import plan_markdown
from planner.render.section import NOTE, Section

__all__ = ["CONCLUSIONS", "LIMIT", "MOST", "check_of", "commit_check", "failed_check", "name_of", "name_of_commits"]

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
_OTHER = "problem"


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


def name_of_commits(instance: str) -> str:
    """The check of an instance on commits of the branch that is followed; no name of a status, as `name_of`."""
    return f"{context_of(instance)} in detail"


def commit_check(record: CommitRecord, details: Details | None, instance: str) -> Check:
    """What a commit of the branch has wrong, or that nothing is wrong with it any more.

    Args:
        record: of the commit.
        details: what is kept of its problems; None for none.
        instance: whose check it is.
    """
    name = name_of_commits(instance)
    if details is None:
        words = "no problem in its specs any more"
        return Check(record.ident, name, Conclusion.SUCCESS, words, f"There is {words}.\n")
    problems = details.problems
    count = many(record.problems, "problem")
    head = f"**{count}.** What comes from these files stays as it was, and nothing is removed meanwhile."
    more = record.problems - sum(one.severity is Severity.ERROR for one in problems)
    foot = f"{code('plumbline validate')} names {'all of them' if more <= 0 else f'the {many(more, _OTHER)}, too'}."
    pieces = [f"- {code(str(one.place))} {one.severity} {one.code}: {phrase(one.sentence)}" for one in problems]
    shown = Section(_OTHER, pieces, between="\n").within(LIMIT.room(head, foot) - NOTE, LIMIT, "")
    return Check(
        commit=record.ident,
        name=name,
        conclusion=Conclusion.FAILURE,
        title=visible(f"{count}: {record.first_problem}"),
        summary=f"{head}\n\n{shown}\n\n{foot}\n",
        annotations=tuple(_annotations(problems)),
    )


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
