"""A clock that the test turns."""

from datetime import UTC, datetime

NOW = datetime(2026, 11, 26, 6, tzinfo=UTC)


class Hand:
    def __init__(self):
        self.at = NOW

    def now(self):
        return self.at
