"""Where things are in a pod, and how the agent's containers are called: what render, status and the agent agree on.

Constants alone. The agent (`agent.py`) is one file without anything of Plumbline beside it, and has a copy of these.
"""

from __future__ import annotations

__all__ = [
    "AGENT",
    "AGENT_INIT",
    "AGENT_SIDECAR",
    "CONTEXT",
    "CONTEXT_FILE",
    "HOME",
    "INIT",
    "IO",
    "LIB",
    "MAIN",
    "MESSAGE",
    "METRICS",
    "MOST_BYTES",
    "MOST_MESSAGE",
    "ORDER",
    "ORDER_FILE",
    "ORDER_FILE_PACKED",
    "OUTPUT",
    "ROOT",
    "RUNS",
    "SHM",
    "SIDECAR",
    "TOKEN",
    "TOKEN_FILE",
    "TRACKING_FILE",
    "VOLUME",
    "VOLUME_FILES",
    "VOLUME_SHM",
    "VOLUME_TOKEN",
    "WORK",
]

MAIN = "main"
"""The container of the program."""
INIT = "plumbline-init"
"""The agent's init container: puts everything in place before the program starts."""
SIDECAR = "plumbline-sidecar"
"""The agent's native sidecar: carries outputs, metrics and artifacts away."""

AGENT = ("python3", "/plumbline-agent.py")
AGENT_INIT = (*AGENT, "init")
AGENT_SIDECAR = (*AGENT, "sidecar")
"""Commands of the agent's image."""

ROOT = "/plumbline"
"""Everything that is the pod's own: an emptyDir that all its containers share."""
WORK = f"{ROOT}/workdir"
HOME = f"{ROOT}/home"
LIB = f"{ROOT}/lib"
"""Folder of the context file and of `plumbline_tracking.py`."""
CONTEXT_FILE, TRACKING_FILE = "context.json", "plumbline_tracking.py"
CONTEXT = f"{LIB}/{CONTEXT_FILE}"
IO = f"{ROOT}/io"
OUTPUT, METRICS = f"{IO}/output", f"{IO}/metrics"
RUNS = f"{ROOT}/runs"
"""What paths into folders of runs begin with: its own is there, and the agent fetches what is read of others."""
SHM = "/dev/shm"  # noqa: S108 -- a path in a pod
MESSAGE = "/dev/termination-log"
"""The file whose last bytes Kubernetes keeps; the output file of a pod without the agent."""

ORDER = "/plumbline-order"
"""Where the agent finds what it is to do: the attempt's config map."""
ORDER_FILE, ORDER_FILE_PACKED = "order.json", "order.json.gz"
TOKEN = "/plumbline-token"  # noqa: S105 -- a path
TOKEN_FILE = "token"  # noqa: S105 -- a name

VOLUME, VOLUME_FILES, VOLUME_TOKEN = "plumbline", "plumbline-order", "plumbline-token"
VOLUME_SHM = "plumbline-shm"

MOST_BYTES = 900 * 1024
"""Of the content of a config map; what is larger is packed. The API server takes 1 MiB with everything."""
MOST_MESSAGE = 4096
"""Bytes of a termination message that Kubernetes keeps."""
