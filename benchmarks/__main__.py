"""`python -m benchmarks [NAME]...`: those that are named, such as `push`, or all."""

from __future__ import annotations

import sys

from benchmarks import (
    cluster,
    cluster_idle,
    dags,
    graphs,
    idle,
    language,
    ledgers,
    previews,
    push,
    queues,
    schedules,
    searches,
    size,
    sweeps,
    webhooks,
)
from benchmarks.stage import report

ALL = {
    "push": push.run,
    "idle": idle.run,
    "size": size.run,
    "sweeps": sweeps.run,
    "language": language.run,
    "queues": queues.run,
    "graphs": graphs.run,
    "dags": dags.run,
    "schedules": schedules.run,
    "searches": searches.run,
    "ledgers": ledgers.run,
    "webhooks": webhooks.run,
    "previews": previews.run,
    "cluster": cluster.run,
    "cluster_idle": cluster_idle.run,
}


def main() -> int:
    """Run what is named and print its rows; 1 when a limit does not hold."""
    rows = [row for name in (sys.argv[1:] or ALL) for row in ALL[name]()]
    return report(rows, None)


if __name__ == "__main__":
    sys.exit(main())
