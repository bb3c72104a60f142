"""Searches: a suggestion of TPE after 1,000 trials, and a grid of 100,000 points that nobody lists."""

from __future__ import annotations

import math
import time
import tracemalloc
from collections.abc import Sequence

from benchmarks.stage import Row
from planner import search
from planner.model.search import (
    Dimension,
    Goal,
    GridSearch,
    HyperoptSearch,
    RandomSearch,
    Suggestion,
    Trial,
    TrialState,
)

LOSS = Goal("loss", maximize=False)
SPACE = (
    *(Dimension(f"x{index}", "uniform", numbers=(0.0, 1.0)) for index in range(3)),
    Dimension("rate", "loguniform", numbers=(math.log(1e-5), 0.0)),
    Dimension("depth", "range", numbers=(1, 9, 1), whole=True),
    Dimension("model", "choice", values=("tree", "forest", "net")),
)
COUNT = 1_000
POINTS = 100_000


def run() -> list[Row]:
    tpe, chance = _after(COUNT, tpe=True), _after(COUNT, tpe=False)
    first, last, size = _grid()
    return [
        Row("a suggestion of TPE, 1,000 trials replayed", tpe * 1e3, "ms", 50.0, "six dimensions, of CPU"),
        Row("a suggestion by chance after 1,000 trials", chance * 1e3, "ms", 1.0, "without persistence"),
        Row("the last 100 points of a grid of 100,000 to the first", last / first, "", 3.0, f"{first * 1e3:.1f} ms"),
        Row("memory of all of its suggestions, 100 at a time", size / 1024, "KiB", 512.0, "at its peak"),
    ]


def _after(count: int, *, tpe: bool) -> float:
    """Seconds of CPU for one suggestion, the best of five."""
    by_chance = search.suggest(RandomSearch(SPACE, count), (), "bench", count)
    trials = tuple(
        Trial(number, made, TrialState.DONE, sum(float(made.params[f"x{index}"]) for index in range(3)))  # type: ignore[arg-type]
        for number, made in enumerate(by_chance)
    )
    wanted = HyperoptSearch(SPACE, 1, count + 99, LOSS, "tpe" if tpe else "rand")
    return min(_seconds(wanted, trials, 1) for _ in range(5))


def _seconds(wanted: HyperoptSearch | GridSearch, trials: Sequence[Trial], room: int) -> float:
    started = time.process_time()
    found = search.suggest(wanted, trials, "bench", room)
    assert len(found) == room
    return time.process_time() - started


class _Opened(Sequence[Trial]):
    """So many trials of which a grid needs to know only the number."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: object) -> Trial:  # type: ignore[override]
        return Trial(0, Suggestion())


def _grid() -> tuple[float, float, int]:
    """Seconds for the first and the last hundred points, and bytes at most for all thousand hundreds."""
    wanted = GridSearch(
        (
            Dimension("a", "range", numbers=(0, 1_000, 1), whole=True),
            Dimension("b", "linspace", numbers=(0, 1, 100)),
        )
    )
    first = min(_seconds(wanted, _Opened(0), 100) for _ in range(5))
    last = min(_seconds(wanted, _Opened(POINTS - 100), 100) for _ in range(5))
    tracemalloc.start()
    for opened in range(0, POINTS, 100):
        assert len(search.suggest(wanted, _Opened(opened), "bench", 100)) == 100
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert search.suggest(wanted, _Opened(POINTS), "bench", 1) == ()
    return first, last, peak
