"""The image of the Dockerfile, as a container on the node: what it is, and what it may."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cluster import pods

pytestmark = pytest.mark.cluster

SAFE = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
LOOK = """\
import importlib.metadata as packages, json, os, shutil
print(json.dumps({
    "user": [os.getuid(), os.getgid()],
    "home": os.environ["HOME"],
    "git": shutil.which("git"),
    "packages": sorted(one.metadata["Name"].lower() for one in packages.distributions()),
    "writable": [path for path in ("/", "/opt/plumbline", "/etc", "/plumbline-agent.py") if os.access(path, os.W_OK)],
    "agent": os.path.exists("/plumbline-agent.py") and os.path.exists("/plumbline_tracking.py"),
}))
"""


def run(cluster: Any, namespace: str, name: str, *words: str, command: list[str] | None = None) -> str:
    main: dict[str, Any] = {
        "name": "main",
        "image": cluster.image("plumbline"),
        "args": list(words),
        "securityContext": SAFE,
    }
    if command:
        main["command"] = command
    safe = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    return pods.run(cluster.api, namespace, pods.pod(name, main, securityContext=safe))


def test_it_is_nobody_and_can_write_nothing(own_cluster, namespace):
    found = json.loads(run(own_cluster, namespace, "look", "-c", LOOK, command=["python3"]))
    assert found["user"] == [65532, 65532]
    assert found["writable"] == []
    assert found["git"]
    assert found["agent"]
    assert {"kubernetes", "psycopg", "psycopg-binary", "s3fs", "plumbline-gitops"} <= set(found["packages"])
    assert not {"pip", "setuptools", "pytest"} & set(found["packages"])


def test_its_entry_is_the_command(own_cluster, namespace):
    assert run(own_cluster, namespace, "version", "--version") == "0.1.0\n"
