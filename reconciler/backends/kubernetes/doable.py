"""What of an order nobody puts into a pod yet: refused before anything is made, as the agent would wait in vain."""

from __future__ import annotations

from planner.compile.clustered import is_container
from reconciler.backends.kubernetes.render.parts import objects
from reconciler.errors import Refused
from reconciler.ports import Order

__all__ = ["check"]

_ONLY = "only code of the repository can be brought into a pod yet"


def check(order: Order) -> None:
    """Pass an order whose pod gets all that it asks for.

    Raises:
        Refused: it does not.
    """
    for group in order.run.gang.replicas:
        for index, entry in enumerate(objects(group.pod.get("init"))):
            if not is_container(entry):
                said = ", ".join(sorted(entry.keys() - {"path", "connection"})) or "connection"
                raise Refused(f"init[{index}] ({said}): {_ONLY}")
    if order.run.earlier is not None:
        raise Refused(f"the artifacts of an earlier round: {_ONLY}; plumbline retry without --resume or --copy")
