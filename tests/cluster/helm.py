"""The chart, rendered and installed by helm itself: what it says, or its own words when it refuses."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import yaml

from tests.cluster import building
from tests.cluster.layout import ROOT

CHART = ROOT / "charts" / "plumbline"
OLDEST = "1.29.0"
"""The oldest Kubernetes that the chart is for: from it on there are native sidecars."""
Values = dict[str, Any]

LEAST: Values = {
    "image": {"repository": "registry.example.org/plumbline"},
    "config": {"repository": {"url": "https://forge.example.org/team/models.git"}},
}
"""What must be said."""


class HelmError(Exception):
    """Helm ended with an error: its words."""


def helm(*words: str, kubeconfig: Path | None = None) -> str:
    """What a command of helm prints. Without a kubeconfig it asks no cluster."""
    program = building.helm()
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(program.with_name("home")),
        "KUBECONFIG": str(kubeconfig or os.devnull),
    }
    argv = [str(program), *words]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        raise HelmError(done.stderr.strip())
    return done.stdout


def rendered(*values: Values, namespace: str = "ml", release: str = "plumbline") -> list[dict[str, Any]]:
    """The manifests of the chart with `LEAST` and these values over it."""
    words = ("template", release, str(CHART), "--namespace", namespace, "--kube-version", OLDEST)
    text = with_values(words, LEAST, *values)
    return [document for document in yaml.safe_load_all(text) if document]


def with_values(words: tuple[str, ...], *values: Values, kubeconfig: Path | None = None) -> str:
    """A command of helm with files of values, the last of which wins."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, one in enumerate(values):
            path = Path(folder, f"{number}.json")
            path.write_text(json.dumps(one))
            files += ["--values", str(path)]
        return helm(*words, *files, kubeconfig=kubeconfig)


def one(manifests: list[dict[str, Any]], kind: str, name: str = "plumbline") -> dict[str, Any]:
    """The manifest of a kind and name."""
    (found,) = (item for item in manifests if item["kind"] == kind and item["metadata"]["name"] == name)
    return found


def daemon_config(manifests: list[dict[str, Any]], name: str = "plumbline") -> dict[str, Any]:
    """The daemon.yaml of the release."""
    found = yaml.safe_load(one(manifests, "ConfigMap", name)["data"]["daemon.yaml"])
    assert isinstance(found, dict)
    return found
