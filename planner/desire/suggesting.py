"""What a sweep tries next: asked of the search at once, or of the shell where that takes long (docs/sweeps.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from planner import canon
from planner.desire.view import Draft, Identity
from planner.keys import Key
from planner.model.desired import Sweep
from planner.model.questions import Suggested
from planner.model.search import Suggestion, Trial
from planner.search import suggest, takes_long

__all__ = ["Unsuggested", "more", "seed_of"]


@dataclass(frozen=True, slots=True)
class Unsuggested:
    """Why a search cannot say what comes next, in one sentence."""

    reason: str


def more(
    draft: Draft, key: Key, sweep: Sweep, trials: Sequence[Trial], room: int
) -> tuple[Suggestion, ...] | Unsuggested:
    """At most `room` further suggestions; none where the search has none now, or was asked and did not answer yet."""
    seed = seed_of(draft.view.identity, key, sweep)
    if not takes_long(sweep.search):
        return suggest(sweep.search, trials, seed, room)
    asked = (sweep.search, tuple(trials), seed, room)
    answer = draft.suggestions(Suggested(canon.digest(asked), *asked))
    return Unsuggested(answer) if isinstance(answer, str) else answer or ()


def seed_of(identity: Identity, key: Key, sweep: Sweep) -> str:
    """What a search's chances are made of: never a digest or a generation, so that a sweep that is extended goes on."""
    place = "/".join((identity.instance, identity.project, key.root, *key.place))
    return f"{place}/{'' if sweep.seed is None else sweep.seed}"
