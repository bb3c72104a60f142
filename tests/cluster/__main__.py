"""Brings a cluster up for a person: `python -m tests.cluster`. It ends with Ctrl-C, or with this process.

The first line on standard output is the path of the administrator's kubeconfig.
"""

from __future__ import annotations

import signal
import sys
import time
from typing import TextIO

from tests.cluster.cluster import ClusterError, OwnCluster
from tests.cluster.start import StartError, UnfitError


def say(text: str, where: TextIO) -> None:
    print(text, file=where, flush=True)


def main() -> int:
    node = "--no-node" not in sys.argv[1:]
    begun = time.monotonic()
    try:
        cluster = OwnCluster.start(node=node)
    except (UnfitError, ClusterError, StartError) as error:
        say(str(error), sys.stderr)
        return 3 if isinstance(error, UnfitError) else 1
    ended = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, ended)
    with cluster:
        if node:
            cluster.image("busybox")
        say(str(cluster.kubeconfig), sys.stdout)
        words = [
            f"The cluster is up after {time.monotonic() - begun:.1f} s. In another shell:",
            f"  export KUBECONFIG={cluster.kubeconfig}",
            f"  kubectl run hello --image={'plumbline-test/busybox:1'} --restart=Never -- echo hello",
            f"Pods reach this machine at {cluster.host}; logs are in {cluster.instance.logs}.",
            "Ctrl-C ends it, and leaves nothing.",
        ]
        say("\n".join(words), sys.stderr)
        signal.sigwait(ended)
        say("ending", sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
