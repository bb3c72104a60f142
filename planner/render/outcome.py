"""What became of a merged pull request, as the comment in which its plan was: each run with its end and what it gave.

The same comment, with the same marker and within the same limit. What failed comes first, then what is under way. It
never says more of a run than its record does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from planner import canon
from planner.canon import Json
from planner.model.commits import StatusState
from planner.render.budget import GITHUB, Limit
from planner.render.counted import many
from planner.render.foreign import code, phrase
from planner.render.markdown import marker
from planner.render.section import NOTE, Section

__all__ = ["Outcome", "Ran", "outcome_markdown"]

_VALUE = 120
"""Letters of one value."""
_VALUES = 12
"""Values in a row before the rest is counted."""
_ORDER = (StatusState.FAILURE, StatusState.ERROR, StatusState.PENDING, StatusState.SUPERSEDED, StatusState.SUCCESS)
_WORDS = {
    StatusState.FAILURE: "failed",
    StatusState.ERROR: "failed",
    StatusState.PENDING: "under way",
    StatusState.SUPERSEDED: "superseded",
    StatusState.SUCCESS: "done",
}
_HEAD = "| | Operation | What came of it | Took | Outputs and metrics |\n|---|---|---|---|---|"


@dataclass(frozen=True, slots=True)
class Ran:
    """One operation after the merge.

    Attributes:
        root: the operation.
        state: of its status on the commit.
        said: of its status on the commit.
        run: the run that the commit caused; "" for none.
        seconds: from its first start to its end; None while it has none.
        values: outputs and metrics by name.
        before: the same of the last run of an earlier generation that succeeded.
    """

    root: str
    state: StatusState
    said: str
    run: str = ""
    seconds: float | None = None
    values: Mapping[str, Json] = field(default_factory=dict)
    before: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a merge.

    Attributes:
        instance: whose comment it is.
        head: what was merged.
        commit: the commit of the branch by which it was planned.
        at: instant of looking.
        ran: the operations that the pull request was about and the commit changed.
        limit: of the forge.
    """

    instance: str
    head: str
    commit: str
    at: datetime
    ran: Sequence[Ran] = ()
    limit: Limit = GITHUB

    @property
    def final(self) -> bool:
        """Whether nothing more comes of it."""
        return all(one.state.final for one in self.ran)


def outcome_markdown(outcome: Outcome) -> str:
    """The whole comment; never longer than the limit."""
    top, foot = f"{marker(outcome.instance)}\n{_verdict(outcome)}", _foot(outcome)
    ordered = sorted(outcome.ran, key=lambda one: (_ORDER.index(one.state), one.root))
    rows = Section("operation", [_row(one) for one in ordered], head=_HEAD, between="\n")
    whole = "plumbline runs"
    room = outcome.limit.room(top, foot) - NOTE - outcome.limit.size(code(whole))
    text = rows.within(room, outcome.limit, whole)
    return "\n\n".join(part for part in (top, text, foot) if part) + "\n"


def _verdict(outcome: Outcome) -> str:
    counts = Counter(_WORDS[one.state] for one in outcome.ran)
    words = [f"{counts[word]} {word}" for word in dict.fromkeys(_WORDS[state] for state in _ORDER) if counts[word]]
    said = " · ".join(words) or "no operation changed"
    return f"### Plumbline for {code(outcome.instance)}: merged, {said}"


def _row(one: Ran) -> str:
    run = f"<br>{code(one.run)}" if one.run else ""
    return f"| {_WORDS[one.state]} | {code(one.root)}{run} | {phrase(one.said)} | {_took(one)} | {_values(one)} |"


def _took(one: Ran) -> str:
    if one.seconds is None:
        return ""
    if one.seconds < 120:
        return f"{one.seconds:.0f} s"
    return f"{one.seconds / 60:.0f} min" if one.seconds < 7200 else f"{one.seconds / 3600:.1f} h"


def _values(one: Ran) -> str:
    shown = list(_shown(one))
    more = [f"and {many(len(shown) - _VALUES, 'value')} more"] if len(shown) > _VALUES else []
    return "<br>".join([*shown[:_VALUES], *more])


def _shown(one: Ran) -> Iterator[str]:
    for name, value in sorted(one.values.items()):
        was = f", was {code(_value(one.before[name]))}" if name in one.before and one.before[name] != value else ""
        yield f"{code(name)} {code(_value(value))}{was}"


def _value(value: Json) -> str:
    text = value if isinstance(value, str) else canon.dumps(value)
    return text if len(text) <= _VALUE else f"{text[: _VALUE - 1]}…"


def _foot(outcome: Outcome) -> str:
    by = f"{code(outcome.head[:10])} is in {code(outcome.commit[:10])}"
    again = "" if outcome.final else ", and again soon"
    return f"<sub>{by}; looked at {outcome.at:%Y-%m-%d %H:%M:%S} UTC{again}.</sub>"
