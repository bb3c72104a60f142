"""`build` on a real engine: a container builds as nobody in particular and pushes to a registry; the run is of that."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from tests.cluster import images
from tests.cluster.layout import ROOT
from tests.cluster.registry import Registry
from tests.cluster.start import UnfitError
from tests.e2e.harness import Nursery
from tests.engine.podman import Podman
from tests.engine.test_daemon import EnginePlace

pytestmark = pytest.mark.engine

APP = """\
version: 1.1
kind: operation
name: app
component:
  outputs: [{{name: said, type: str}}]
  build:
    hubRef: image-build
    params: {{context: image, destination: "{registry}/app", insecure: true, builder: "{builder}"}}
  run:
    kind: job
    container: {{command: [sh, -c, 'echo "said=$(cat /app/word)" >> $PLUMBLINE_OUTPUT']}}
"""


@pytest.fixture
def registry(podman: object, tmp_path: Path, free_port: int) -> Iterator[Registry]:
    """One without TLS, which a Podman of the tests takes it from."""
    if not isinstance(podman, Podman):
        pytest.skip("NOT RUN: it needs an engine of its own, which takes a registry without TLS")
    if not shutil.which("buildah"):
        _unfit("no buildah here; run scripts/engine-setup, or install it")
    try:
        made = Registry(tmp_path / "registry", f"127.0.0.1:{free_port}")
    except UnfitError as error:
        _unfit(str(error))
    yield made
    made.close()


def _unfit(why: str) -> NoReturn:
    message = f"NO BUILD IS TESTED ON A CONTAINER ENGINE: {why}"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture
def place(podman: Podman, tmp_path: Path) -> Iterator[EnginePlace]:
    nursery = Nursery()
    yield EnginePlace(podman, tmp_path / "place", nursery)
    nursery.close()
    podman.clear()


def test_an_operation_runs_in_the_image_that_was_built_for_it(place, podman, registry):
    podman.load(images.BUILDAH)
    base = registry.put(images.archive(images.BUSYBOX), "base:1")
    said = {
        **place.settings["backends"]["engine"],
        "allow": ["privilegeEscalation", "capabilities"],
        "securityOptions": [f"seccomp={ROOT / 'docs' / 'image-build.seccomp.json'}"],
        "network": "host",
        "pull": "missing",
    }
    place.configure(backends={"engine": said})
    dockerfile = f"FROM {base}\nRUN mkdir /app && id -u > /app/word && chown -R 7:7 /app\n"
    spec = APP.format(registry=registry.name, builder=images.BUILDAH)
    place.push({"app.yaml": spec, "image/Dockerfile": dockerfile})
    place.start()
    place.becomes("app", "succeeded")
    image = place.run("app@g1/build")["outputs"]["image"]
    assert image == f"{registry.name}/app@{registry.digest('app', 'latest')}"
    assert place.run("app@g1")["outputs"] == {"said": "0"}, "it was root in a namespace of its own"
