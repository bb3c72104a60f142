"""The entry point: `plumbline`, and `python -m reconciler.cli`."""

from __future__ import annotations

import sys

from reconciler.cli.app import app

__all__ = ["main"]


def main() -> None:
    """Run the command line and end the process with its exit code."""
    app(prog_name="plumbline")


if __name__ == "__main__":
    sys.exit(main())  # type: ignore[func-returns-value]  # `app` leaves by SystemExit itself
