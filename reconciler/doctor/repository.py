"""git, the repository and its branch, and the clock of this machine against that of the repository's host.

The repository is asked from a folder that goes again, so that the copy of a daemon that runs is left alone.
"""

from __future__ import annotations

import re
import ssl
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from anyio import to_thread

from reconciler.clock import WallClock
from reconciler.configured_source import is_opened_by_app, source_of
from reconciler.errors import Refused, Transient, Unusable
from reconciler.ports_checked import Finding, Grade
from reconciler.settings import DaemonSettings
from reconciler.source import remote
from reconciler.source.access import access_to
from reconciler.source.git import leash
from reconciler.source.remote import ANONYMOUS, Access
from reconciler.source.repository import GitSource

__all__ = ["asking", "clock", "clock_said", "git", "reached"]

_SKEW, _FAR = 30.0, 120.0
"""Seconds between two clocks at which there is a warning, and a problem: tokens and signatures are good for minutes."""
_SECONDS = 10.0
_REACH = "repository.url, repository.branch and repository.access say how it is reached; docs/sources.md has each"


async def git(settings: DaemonSettings) -> Sequence[Finding]:
    """The git of this machine."""
    followed = remote.parse(settings.repository.url)

    def ask(folder: str) -> str:
        said = leash(Path(folder), followed, ANONYMOUS).run(["version"], 20.0).out.decode(errors="replace")
        found = re.search(r"\d+(\.\d+)+", said)
        return found[0] if found else "of an unknown version"

    with tempfile.TemporaryDirectory(prefix="plumbline-doctor-") as folder:
        version = await to_thread.run_sync(ask, folder)
    return [Finding("git", Grade.OK, f"git {version}")]


async def reached(settings: DaemonSettings) -> Sequence[Finding]:
    """Whether the repository answers, and has the branch."""
    branch = settings.repository.branch
    try:
        async with asking(settings) as source:
            head = await source.head()
    except (Transient, Refused, Unusable) as error:
        return [Finding("repository", Grade.PROBLEM, error.message, _REACH)]
    if head is None:
        what = f"has no branch {branch}" if branch else "has no commit yet"
        advice = "push one, or name another in repository.branch"
        return [Finding("repository", Grade.PROBLEM, f"{settings.repository.url} {what}", advice)]
    how = ", with a token of the App" if is_opened_by_app(settings) else ""
    said = f"{settings.repository.url} answers: {branch or 'HEAD'} is at {head[:10]}{how}"
    return [Finding("repository", Grade.OK, said)]


@asynccontextmanager
async def asking(settings: DaemonSettings) -> AsyncIterator[GitSource]:
    """The repository, from a folder that goes again."""
    async with AsyncExitStack() as made:
        folder = made.enter_context(tempfile.TemporaryDirectory(prefix="plumbline-doctor-"))
        yield source_of(settings, Path(folder) / "mirror", WallClock(), made)


async def clock(settings: DaemonSettings) -> Sequence[Finding]:
    """This machine's clock against the repository's host; nothing where that does not speak HTTP."""
    followed = remote.parse(settings.repository.url)
    if followed.protocol not in {"https", "http"}:
        return []
    host, access = urlsplit(followed.url), access_to(followed, settings.repository.access)
    try:
        there = await _date(f"{host.scheme}://{host.netloc}/", access)
    except (httpx.HTTPError, OSError) as error:
        said = f"it could not be compared with that of {host.hostname} ({type(error).__name__})"
        return [Finding("clock", Grade.WARNING, said)]
    if there is None:
        return [Finding("clock", Grade.WARNING, f"{host.hostname} does not say what time it is")]
    return [clock_said(str(host.hostname), there, datetime.now(UTC))]


async def _date(url: str, access: Access) -> datetime | None:
    """What time the host says that it is; its answer is not looked at further."""
    context = ssl.create_default_context(cafile=str(access.certificates) if access.certificates else None)
    proxy = access.proxies.get("https_proxy") or access.proxies.get("all_proxy")
    client = httpx.AsyncClient(verify=context, proxy=proxy, trust_env=False, timeout=_SECONDS, follow_redirects=False)
    async with client, client.stream("HEAD", url) as answer:
        said = answer.headers.get("date", "")
    try:
        found = parsedate_to_datetime(said)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def clock_said(host: str, there: datetime, here: datetime) -> Finding:
    """What two clocks say together. A Date has whole seconds, and an answer takes its time."""
    skew = (here - there).total_seconds()
    which = "ahead of" if skew > 0 else "behind"
    if abs(skew) < _SKEW:
        return Finding("clock", Grade.OK, f"within {_SKEW:g} s of that of {host}")
    grade = Grade.PROBLEM if abs(skew) >= _FAR else Grade.WARNING
    advice = "let NTP set it: tokens are refused, and schedules fire at wrong times"
    return Finding("clock", grade, f"{abs(skew):.0f} s {which} that of {host}", advice)
