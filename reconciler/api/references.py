"""What references out of the repository lead to for this daemon: what it pinned, and the hubs that it would look in.

So that files that were never committed are planned with the contents that a push of them would have. Nothing is looked
up here: a plan is a preview.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from planner.canon import Json
from reconciler.api import problems
from reconciler.api.asked import MOST_REFERENCES
from reconciler.core import Core
from reconciler.settings import DaemonSettings

__all__ = ["asked_for", "known"]

_LONGEST = 8192


def asked_for(body: Mapping[str, object]) -> Sequence[str]:
    """The keys that the body of a request names.

    Raises:
        ApiError: it is no list of a few keys.
    """
    keys = body.get("references")
    if set(body) != {"references"} or not isinstance(keys, list):
        raise problems.bad("the body has `references`, a list of keys, and nothing else")
    if len(keys) > MOST_REFERENCES:
        raise problems.bad(f"more than {MOST_REFERENCES} references: ask for them in parts")
    if not all(isinstance(key, str) and len(key) <= _LONGEST for key in keys):
        raise problems.bad("a key is a text such as `hub:train:2` or `url:https://components.example.org/train.yaml`")
    return keys


async def known(core: Core, settings: DaemonSettings, keys: Sequence[str]) -> Mapping[str, Json]:
    """The pinned ones of some references with their contents, and the hubs in the order in which they are asked.

    Raises:
        Transient: the ledger cannot be read now.
    """
    pins = await core.ledger.pins()
    pinned: dict[str, Json] = {}
    for key in keys:
        pin = pins.get(key)
        content = await core.ledger.blob(pin.digest) if pin else None
        if pin is not None and content is not None:
            pinned[key] = {"path": pin.path, "digest": pin.digest, "content": content}
    hubs: list[Json] = [
        {"name": hub.name, "path": str(hub.path.expanduser().absolute()) if hub.path else None} for hub in settings.hubs
    ]
    return {"pinned": pinned, "hubs": hubs}
