"""Reaching a remote: running a git that speaks to it, with what opens it at that moment.

Tokens that end are had here, from the event loop, just before git starts; once more where the remote does not take one.
What it must never do: keep a token longer than that git lives, or give one to a git that stays on this machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reconciler.errors import Refused, Transient
from reconciler.source.complaints import is_denied
from reconciler.source.git import Leash, Said
from reconciler.source.remote import Tokens

__all__ = ["ClosedError", "reach"]


class ClosedError(Transient):
    """There is no token that opens the remote: git was not started."""


async def reach(leash: Leash, args: Sequence[str], deadline: float) -> Said:
    """Run git with `args`, which name the remote; its errors have no credential in them.

    Args:
        leash: runs git.
        args: git's arguments.
        deadline: seconds for each try.

    Raises:
        ClosedError: nothing opens the remote now, or until a person sees to it.
        Transient: git took longer than `deadline` seconds.
    """
    tokens = leash.access.tokens
    if tokens is None:
        said = await leash.call(args, deadline)
        return replace(said, err=leash.redact(said.err))
    token = await _token(tokens, renewed=False)
    said = await _with(leash, token, args, deadline)
    if said.ok or not is_denied(said.err):
        return said
    # It may have been revoked, or its hour may have ended while git was busy.
    another = await _token(tokens, renewed=True)
    return said if another == token else await _with(leash, another, args, deadline)


async def _with(leash: Leash, token: str, args: Sequence[str], deadline: float) -> Said:
    opened = replace(leash, access=replace(leash.access, secret=lambda: token))
    said = await opened.call(args, deadline)
    return replace(said, err=opened.redact(said.err))


async def _token(tokens: Tokens, *, renewed: bool) -> str:
    try:
        return await tokens.secret(renewed=renewed)
    except (Refused, Transient) as error:
        # A source's refusals are about commits: this one is about the way to them, and ends when somebody mends it.
        raise ClosedError(error.message, getattr(error, "after", None)) from error
