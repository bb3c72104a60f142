"""Questions of plans, answered: those about runs by the ledger, those about what a search tries next in a thread.

Nothing is decided here: the answer follows from the question alone (`planner.search`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

import anyio.to_thread
import structlog

from planner.model.questions import Answer, Answers, Question, Suggested
from planner.search import SearchUnavailable, suggest
from reconciler.ports import Ledger

__all__ = ["Suggester", "answered", "at_once", "in_thread"]

log = structlog.get_logger()

Suggester = Callable[[Suggested], Awaitable[Answer]]
"""Says what a search tries next, or why it cannot."""


async def answered(ledger: Ledger, suggester: Suggester, questions: Collection[Question]) -> Answers:
    """An answer to each of `questions`."""
    about_runs = [question for question in questions if not isinstance(question, Suggested)]
    found = dict(await ledger.ask(about_runs)) if about_runs else {}
    for question in questions:
        if isinstance(question, Suggested):
            found[question] = await suggester(question)
    return found


async def in_thread(question: Suggested) -> Answer:
    """The answer, worked out beside the event loop."""
    return await anyio.to_thread.run_sync(_answer, question)


async def at_once(question: Suggested) -> Answer:
    """The answer, worked out here: where time is virtual, nothing goes on beside it."""
    return _answer(question)


def _answer(question: Suggested) -> Answer:
    try:
        return suggest(question.search, question.trials, question.seed, question.room)
    except SearchUnavailable as error:
        return str(error)
    except Exception as error:  # a sweep must end by a reason, and never be asked for ever
        log.exception("a search failed", kind=type(question.search).__name__, trials=len(question.trials))
        return f"the search cannot go on: {type(error).__name__}: {error}"
