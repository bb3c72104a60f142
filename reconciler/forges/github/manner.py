"""How GitHub is spoken to: headers, its limits, and what a person can do about its refusals.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api: at most 80 writes of content a minute
and 500 an hour under one token, with a second between two; here somewhat less, as others may use the token too.
"""

from __future__ import annotations

from types import MappingProxyType

from reconciler.forges.http.pacing import Pace
from reconciler.forges.http.transport import Manner

__all__ = ["manner"]

_HINTS = MappingProxyType(
    {
        401: "its token is wrong or has expired: make a new one and put it where the configuration says",
        403: "give the token or App the permission `Commit statuses: write`, for comments `Pull requests: write` too",
        404: "the repository has another name, or the token may not see it: check forge.repository and the token",
        410: "GitHub has this switched off for the repository",
        451: "GitHub has blocked the repository",
    }
)


def manner(pace: Pace) -> Manner:
    """The manner of GitHub, writing at `pace`."""
    headers = {"accept": "application/vnd.github+json, application/json", "x-github-api-version": "2022-11-28"}
    return Manner("GitHub", headers=MappingProxyType(headers), hints=_HINTS, pace=pace)
