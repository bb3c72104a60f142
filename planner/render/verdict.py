"""What the status of a preview says of a plan, and how a comment is told to be of another base by now.

A status has 140 characters: what keeps the merge from doing what it should comes first, then how much it does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from planner.model.commits import StatusState
from planner.model.plan import Plan, Verb
from planner.publish import Said, shorten
from planner.render.counted import many
from planner.render.foreign import code

__all__ = ["conflict", "stale", "verdict"]

_REMOVES = frozenset({Verb.REMOVE, Verb.STOP})
_NAMED = 3
"""Files of a conflict in the comment of a pull request before the rest is counted; a status names the first."""


def verdict(plan: Plan) -> Said:
    """State and description for a plan; its problems are those that concern the pull request."""
    errors = [problem for problem in plan.problems if problem.severity == "error"]
    if errors:
        return Said(StatusState.FAILURE, shorten(f"{many(len(errors), 'problem')}: {errors[0]}"))
    refused = [action for action in plan.actions if action.verb is Verb.REFUSE]
    if refused:
        return Said(StatusState.FAILURE, shorten(f"{refused[0].root} cannot run here: {refused[0].because}"))
    if not plan.actions:
        return Said(StatusState.SUCCESS, "no operation changes")
    return Said(StatusState.SUCCESS, shorten(", ".join(_counts(plan))))


def _counts(plan: Plan) -> Sequence[str]:
    verbs = Counter(action.verb for action in plan.actions)
    starts, removed = verbs[Verb.START], sum(verbs[verb] for verb in _REMOVES)
    changes = len(plan.actions) - starts - removed
    held = sum(len(one.roots) for one in plan.held)
    words = [f"{held} held for a person"] if held else []
    words += [f"{starts} start{'s' if starts == 1 else ''}"] if starts else []
    words += [f"{changes} change{'s' if changes == 1 else ''}"] if changes else []
    words += [many(plan.trials, "trial")] if plan.trials else []
    return [*words, f"{removed} removed" if removed else "nothing removed"]


def conflict(paths: Sequence[str]) -> Said:
    """State and description for a head that does not merge by itself."""
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return Said(StatusState.FAILURE, shorten(f"conflicts with the branch in {paths[0] if paths else 'a file'}{more}"))


def stale(body: str, moved: str) -> str:
    """A comment that was posted, with the word that its branch is at `moved` or further by now.

    It stands below the verdict. It is short enough for the room that every comment leaves.
    """
    verdict_end = body.find("\n\n")
    said = f"The branch has moved on, to {code(moved[:10])} at least; nothing that this plan is about changed."
    word = f"> [!NOTE]\n> {said}"
    if verdict_end < 0:
        return f"{body}\n\n{word}\n"
    return f"{body[:verdict_end]}\n\n{word}{body[verdict_end:]}"
