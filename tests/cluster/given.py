"""A cluster that the user has, for the tests that any cluster can run: `KUBECONFIG=... make test-cluster`.

Images are public ones there, for nobody can import into its nodes from here.
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.cluster.api import Api
from tests.cluster.cluster import account_kubeconfig

VARIABLE = "PLUMBLINE_TEST_KUBECONFIG"
"""Environment variable: the kubeconfig. Not KUBECONFIG: no cluster is taken because a shell happens to name it."""
HOST = "PLUMBLINE_TEST_HOST"
"""Environment variable: the address at which its pods reach this machine."""
IMAGES = {"busybox": "docker.io/library/busybox:1.37", "python": "docker.io/library/python:3.11"}


class GivenCluster:
    """The same as an OwnCluster for everything that goes through the API."""

    def __init__(self, kubeconfig: Path, folder: Path) -> None:
        """What is written for the tests goes to `folder`."""
        self.kubeconfig = kubeconfig
        self.api = Api(kubeconfig)
        self._folder = folder

    @classmethod
    def of_environment(cls, folder: Path) -> GivenCluster | None:
        """The one that the environment names; none where it names none."""
        named = os.environ.get(VARIABLE)
        return cls(Path(named), folder) if named else None

    def close(self) -> None:
        self.api.close()

    @property
    def host(self) -> str:
        if HOST not in os.environ:
            raise LookupError(f"{HOST} must say at which address the pods of your cluster reach this machine")
        return os.environ[HOST]

    def image(self, name: str) -> str:
        """A public image, or the one that the environment names: of the agent there is no public one."""
        return os.environ.get(f"PLUMBLINE_TEST_IMAGE_{name.upper()}") or IMAGES[name]

    def kubeconfig_for_account(self, namespace: str, account: str, path: Path | None = None) -> Path:
        """A kubeconfig of a service account, with a token of an hour."""
        return account_kubeconfig(self.api, namespace, account, path or self._folder / f"{namespace}-{account}")
