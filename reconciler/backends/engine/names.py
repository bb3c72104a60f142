"""Names and labels of containers. A name follows from the key of its attempt, so that none is made twice.

Labels say whose a container is; they never change, so nothing that does is in them. Pure: values in, values out.
"""

from __future__ import annotations

from collections.abc import Mapping

from planner.keys import Key
from planner.model.run import Stamp
from reconciler.ports import Order

__all__ = [
    "CLAIM",
    "KEY",
    "LEDGER",
    "MAKING",
    "SCOPE",
    "container_name",
    "labels_of",
]

PREFIX = "dev.plumbline."
"""What every label of ours begins with."""
SCOPE = f"{PREFIX}scope"
"""Folder of the instance and project below the state: what containers are listed by."""
CLAIM, REPLICA = f"{PREFIX}claim", f"{PREFIX}replica"
"""Token of the claim that a container is of, and which replica it is."""
MAKING = f"{PREFIX}making"
"""How often a container was made for this replica before: one that nobody knows the start of is made anew."""
KEY, RUN, ATTEMPT = f"{PREFIX}key", f"{PREFIX}run", f"{PREFIX}attempt"
LEDGER, INSTANCE, PROJECT = f"{PREFIX}ledger", f"{PREFIX}instance", f"{PREFIX}project"
COMMIT, DIGEST = f"{PREFIX}commit", f"{PREFIX}digest"


def container_name(key: Key, stamp: Stamp, replica: str = "main-0") -> str:
    """Name of the container of a replica: that of the attempt, where there is one."""
    name = key.dns_name(stamp.instance, stamp.project)
    return name if replica == "main-0" else f"{name}.{replica}"


def labels_of(order: Order, replica: str, token: str, scope: str) -> Mapping[str, str]:
    """Labels of a container, those of the spec first; ours win."""
    key, stamp = order.key, order.stamp
    said = {name: text for name, text in order.run.gang.labels.items() if not name.startswith(PREFIX)}
    return {
        **said,
        SCOPE: scope,
        CLAIM: token,
        REPLICA: replica,
        KEY: str(key),
        RUN: key.short_id(stamp.instance, stamp.project),
        ATTEMPT: str(key.attempt),
        LEDGER: stamp.ledger,
        INSTANCE: stamp.instance,
        PROJECT: stamp.project,
        COMMIT: order.run.commit,
        DIGEST: order.run.digest,
    }
