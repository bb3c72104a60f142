"""What git complains of, as one sentence for people, and whose fault it is.

Only git's own words are read, never the names in them: a path, a host or a branch may be called anything. Nothing here
decides what happens next.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from reconciler.source.remote import Remote

__all__ = ["explain", "is_denied", "is_refusal", "is_remotes_fault"]

_BROKEN_OFF = (
    "connection (refused|reset|timed out)|failed to connect|couldn't connect|unreachable|timed out|timeout"
    "|operation too slow|early eof|hung up|unable to access|rpc failed|could not read from remote"
    "|unexpected disconnect"
)
# The first that matches counts: git wraps a cause in more general words.
_SENTENCES: Mapping[str, str] = {
    "host key verification failed": "the host key of {} is not known: add it to the known hosts",
    "could not resolve host|name or service not known|temporary failure in name": "cannot find the host of {}",
    "authentication failed|could not read (user|pass)|permission denied|error: 40[13]|prompts disabled": (
        "no access to {}: check its credential"
    ),
    "error: 30[12378]|redirect": "{} redirects elsewhere: use the final address",
    "certificate|ssl|tls": "the certificate of {} is not trusted",
    "shallow": "{} is a shallow clone: complete it with git fetch --unshallow",
    "couldn't find remote ref": "the branch of {} went away",
    "repository .*not found|does not appear to be a git repo|not a git repo|error: 404|does not exist": (
        "there is no git repository at {}, or no access to it"
    ),
    "transport '.*' not allowed": "the protocol of {} is not allowed",
    r"fsck error|object [0-9a-f]{40,64}: \w+:": "{} holds an object that git fsck refuses: repair it there",
    _BROKEN_OFF: "cannot reach {}",
}
# What is no word of git's: quoted text, and whatever looks like an address, a path, a ref or a host with its domain.
_NAMES = re.compile(
    r"(?<!\w)'[^'\n]*'|[a-z+]+://[^\s']*|(?<![\w/])/[^\s':,]*|\brefs/[^\s':,]*"
    r"|(?<=to host )\S+|(?<=closed by )\S+|\b[\w-]+(\.[\w-]+)+\b",
    re.IGNORECASE,
)
_DENIED = re.compile(r"authentication failed|could not read (user|pass)|error: 401|prompts disabled", re.IGNORECASE)
_REFUSALS = re.compile(r"hook declined|protected|prohibited|deny(ing)? |not allowed to push", re.IGNORECASE)


def explain(remote: Remote, said: str, ours: Collection[object] = ()) -> str:
    """One sentence on why `remote` could not be used, from git's (redacted) errors.

    Args:
        remote: what was used.
        said: the errors.
        ours: further names that may stand in them, such as folders of ours: no words of git's.
    """
    found = _known(remote, said, ours)
    if found is not None:
        return found.format(remote)
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines
    last = re.sub(r"^(fatal|error): *", "", telling[-1])[:200] if telling else "it gave no reason"
    return f"git cannot read {remote}: {last}"


def is_remotes_fault(remote: Remote, said: str, ours: Collection[object] = ()) -> bool:
    """Whether the complaint reads as one about the remote or the way to it; arguments as for `explain`.

    Git has the same words for our own copy when it is no repository any more, so that must be asked, too.
    """
    return _known(remote, said, ours) is not None


def is_refusal(said: str) -> bool:
    """Whether the remote refuses a push by its rules, so that trying again is of no use."""
    return _REFUSALS.search(_NAMES.sub("''", said)) is not None


def is_denied(said: str) -> bool:
    """Whether the remote did not take the credential; one that it took, and that may not do this, is another matter."""
    return _DENIED.search(_NAMES.sub("''", said)) is not None


def _known(remote: Remote, said: str, ours: Collection[object]) -> str | None:
    for name in sorted({remote.url, *map(str, ours)}, key=len, reverse=True):  # a longer one before its beginnings
        said = said.replace(name, "/")
    text = _NAMES.sub("''", said).lower()
    return next((sentence for pattern, sentence in _SENTENCES.items() if re.search(pattern, text)), None)
