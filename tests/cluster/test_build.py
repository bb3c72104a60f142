"""`build` on a cluster: a pod builds an image as nobody in particular and pushes it to a registry; the run is of it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.backends.kubernetes import names
from tests.cluster import images
from tests.cluster.layout import ROOT
from tests.cluster.registry import Registry
from tests.cluster.test_daemon import PATIENCE, ClusterPlace
from tests.cluster.world import Tally, let_go
from tests.e2e.harness import Nursery, until
from tests.ports import free_port

pytestmark = pytest.mark.cluster

BASELINE = {"pod-security.kubernetes.io/enforce": "baseline", "pod-security.kubernetes.io/enforce-version": "latest"}
PROFILE = "image-build.seccomp.json"
TRAIN = """\
version: 1.1
kind: operation
name: train
component:
  outputs: [{{name: said, type: str}}]
  build:
    hubRef: image-build
    connection: registry
    params:
      context: image
      target: app
      args: {{WORD: "two words"}}
      cache: "{cache}"
      builder: "{buildah}"
      seccomp: {profile}
  run:
    kind: job
    container: {{command: [sh, -c, 'echo "said={word}: $(cat /app/word)" >> $PLUMBLINE_OUTPUT']}}
"""
# What stands below its first ARG no buildah 1.28 takes from a cache.
DOCKERFILE = """\
FROM {base} AS app
RUN wget -q -O /dev/null {tally}/build && sleep 2 && mkdir /app && chown -R 7:7 /app
COPY hello /hello
ARG WORD
RUN echo "$(cat /hello), $WORD" > /app/word
FROM app
RUN false
"""
FAILS = """\
version: 1.1
kind: operation
name: {name}
component:
  build:
    hubRef: image-build
    connection: {connection}
    params: {{context: {context}, builder: "{buildah}", seccomp: {profile}}}
  run: {{kind: job, container: {{command: [cat, /app/word]}}}}
"""


class Builds(ClusterPlace):
    """A place with a registry, whose namespace takes no pod beyond the level *baseline*."""

    def __init__(self, cluster: Any, namespace: str, base: Path, nursery: Nursery) -> None:
        super().__init__(cluster, namespace, base, nursery)
        cluster.api.merge(f"/api/v1/namespaces/{namespace}", {"metadata": {"labels": BASELINE}})
        self.images |= {"buildah": cluster.image("buildah"), "profile": PROFILE}
        profiles = cluster.instance.folder / "kubelet" / "seccomp"
        profiles.mkdir(exist_ok=True)
        (profiles / PROFILE).write_bytes((ROOT / "docs" / PROFILE).read_bytes())
        self.tally = Tally(cluster.host)
        self.registry = Registry.of_cluster(cluster, base / "registry", free_port(cluster.host))
        self.base_image = self.registry.put(images.archive(images.BUSYBOX), "base:1")
        self.images["cache"] = f"{self.registry.name}/team/cache"
        self._secret("registry", self.registry.access())
        self._secret("other", self.registry.access("no password of it"))
        body = {
            "metadata": {"name": "registry"},
            "data": {"ca.crt": Path(cluster.instance.certificate("ca")[0]).read_text()},
        }
        cluster.api.create(f"/api/v1/namespaces/{namespace}/configmaps", body)
        said = self.settings["backends"]["kubernetes"]
        allowed = {"allow": ["privilegeEscalation", "capabilities"], "imagePullSecrets": ["registry"]}
        self.configure(
            backends={"kubernetes": {**said, **allowed}},
            connections=[self._connection("registry"), self._connection("other")],
        )

    def _secret(self, name: str, access: str) -> None:
        data = {".dockerconfigjson": base64.b64encode(access.encode()).decode()}
        body = {"metadata": {"name": name}, "type": "kubernetes.io/dockerconfigjson", "data": data}
        self.cluster.api.create(f"/api/v1/namespaces/{self.namespace}/secrets", body)

    def _connection(self, secret: str) -> dict[str, Any]:
        """As docs/starts.md has it."""
        return {
            "name": secret,
            "kind": "registry",
            "schema": {"url": f"https://{self.registry.name}/team/"},
            "secret": {"name": secret, "mountPath": "/registry"},
            "configMap": {"name": "registry", "mountPath": "/registry-authorities"},
            "env": {
                "REGISTRY_AUTH_FILE": "/registry/.dockerconfigjson",
                "SSL_CERT_DIR": "/registry-authorities",
            },
        }

    def jobs(self) -> dict[str, dict[str, Any]]:
        """Every Job by the key of its attempt."""
        found = self.cluster.api.get(f"/apis/batch/v1/namespaces/{self.namespace}/jobs")["items"]
        return {one["metadata"]["annotations"][names.KEY]: one for one in found}

    def fails(self, name: str) -> str:
        """What people are told of an operation that has failed."""
        until(lambda: self.state_of(name) == "failed", f"{name} has failed", PATIENCE)
        return self.plumbline("explain", name)

    def close(self) -> None:
        self.tally.close()
        self.registry.close()


@pytest.fixture
def place(own_cluster: Any, namespace: str, tmp_path: Path) -> Iterator[Builds]:
    nursery = Nursery()
    made = Builds(own_cluster, namespace, tmp_path / "place", nursery)
    yield made
    nursery.close()
    made.close()
    let_go(own_cluster, namespace)


def test_an_operation_runs_in_the_image_that_was_built_for_it(place):
    """The daemon is killed while the image is built: it is built once, and runs by the digest that the registry has."""
    dockerfile = DOCKERFILE.format(base=place.base_image, tally=place.tally.url)
    place.push({"train.yaml": place.spec(TRAIN, word="one"), "image/Dockerfile": dockerfile, "image/hello": "hello"})
    daemon = place.start()
    until(lambda: place.tally.counts["build"] or place.state_of("train") == "failed", "the image is built", PATIENCE)
    daemon.kill()
    place.start()
    place.becomes("train", "succeeded")
    assert place.run("train@g1")["outputs"] == {"said": "one: hello, two words"}

    image = place.run("train@g1/build")["outputs"]["image"]
    repository = image.removeprefix(f"{place.registry.name}/").partition("@")[0]
    (tag,) = place.registry.tags(repository)
    assert (repository, tag) == ("team/repo", place.run("train@g1/build")["id"])
    assert image == f"{place.registry.name}/{repository}@{place.registry.digest(repository, tag)}"
    assert place.jobs()["train@g1#1"]["spec"]["template"]["spec"]["containers"][0]["image"] == image
    assert place.run("train@g1")["attemptList"][0]["images"]["main"] == image, "what really ran"

    place.push({"train.yaml": place.spec(TRAIN, word="another")})
    until(lambda: (place.run("train@g2") or {}).get("status") == "succeeded", "the next one has run", PATIENCE)
    assert place.run("train@g2")["outputs"] == {"said": "another: hello, two words"}
    assert sorted(place.jobs()) == ["train@g1#1", "train@g1/build#1", "train@g2#1"], "nothing was built again"

    place.push({"image/hello": "good day"})
    until(lambda: (place.run("train@g3") or {}).get("status") == "succeeded", "the next one has run", PATIENCE)
    assert place.run("train@g3")["outputs"] == {"said": "another: good day, two words"}
    assert len(place.registry.tags(repository)) == 2
    assert place.tally.counts["build"] == 1, "a layer that is the same is taken from the registry"


def test_a_build_that_fails_says_why_in_the_builders_words(place):
    broken = f"FROM {place.base_image}\nRUN cat /no/such/file\n"
    specs = {
        "broken.yaml": place.spec(FAILS, name="broken", connection="registry", context="broken"),
        "locked.yaml": place.spec(FAILS, name="locked", connection="other", context="locked"),
        "empty.yaml": place.spec(FAILS, name="empty", connection="registry", context="empty"),
    }
    files = {"broken/Dockerfile": broken, "locked/Dockerfile": f"FROM {place.base_image}\n", "empty/word": "hello"}
    place.push({**specs, **files})
    place.start()
    said = place.fails("broken")
    assert "can't open '/no/such/file'" in said
    assert 'building at STEP "RUN cat /no/such/file"' in said
    assert "authentication required" in place.fails("locked"), "the password is wrong"
    assert "there is no file Dockerfile in the context empty" in place.fails("empty")
    assert sorted(place.jobs()) == ["broken@g1/build#1", "empty@g1/build#1", "locked@g1/build#1"]
