"""The entry point: `plumbline`, and `python -m reconciler.cli`."""

from __future__ import annotations

import sys

from reconciler.cli.app import app
from reconciler.cli.failure import Failure
from reconciler.cli.output import watched

__all__ = ["main"]


def main() -> None:
    """Run the command line and end the process with its exit code."""
    try:
        with watched():
            app(prog_name="plumbline")
    except Failure as failure:
        failure.tell()
        sys.exit(failure.code)


if __name__ == "__main__":
    main()
