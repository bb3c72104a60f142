"""The nursery of daemons whose patience with an API server is seconds: what hangs or is silent costs a test no minute.

What lists make up for is left to the resync of the daemon: `RELIST` stays as it is.
"""

from __future__ import annotations

from reconciler.backends.kubernetes import client, listwatch
from tests.e2e import nursery

TIMEOUT = 3.0
SILENCE = 5.0


def main() -> None:
    client.TIMEOUT = TIMEOUT
    listwatch.SILENCE = SILENCE
    nursery.main()


if __name__ == "__main__":
    main()
