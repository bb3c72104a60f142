"""The branches of the repository that is followed: where they are. Nothing is fetched, and nothing decided."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.errors import Transient
from reconciler.source import refs
from reconciler.source.complaints import explain
from reconciler.source.reaching import reach
from reconciler.source.repository import GitSource

__all__ = ["branches"]

_HEADS = "refs/heads/"


async def branches(source: GitSource) -> Mapping[str, str]:
    """Commit ids by name of branch; names that no ref of ours could have are left out.

    Raises:
        Transient: the repository cannot be asked.
    """
    now = await source.follower()
    asking = ["ls-remote", "--quiet", "--heads", "--", now.origin.remote.url]
    said = await reach(now.leash, asking, now.deadlines.ask)
    if not said.ok:
        raise Transient(explain(now.origin.remote, said.err))
    found: dict[str, str] = {}
    for line in said.out.decode("utf-8", "surrogateescape").splitlines():
        ident, _, ref = line.partition("\t")
        name = ref.removeprefix(_HEADS)
        if refs.is_id(ident) and ref.startswith(_HEADS) and _is_name(name):
            found[name] = ident
    return found


def _is_name(name: str) -> bool:
    try:
        refs.check_component_path(name)
        name.encode()
    except ValueError:  # of which UnicodeEncodeError is one
        return False
    return True
