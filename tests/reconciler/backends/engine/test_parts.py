"""The small pure parts: frames of output, credentials of registries, versions that are spoken."""

import base64
import json

import pytest

from planner import keys
from planner.model.run import Stamp
from reconciler.backends.engine import pulling
from reconciler.backends.engine.client import Denied, Engine
from reconciler.backends.engine.names import container_name
from reconciler.backends.engine.output import Unframed
from reconciler.errors import Unusable

pytestmark = pytest.mark.unit


def frame(text: bytes, stream: int = 1) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(text).to_bytes(4, "big") + text


@pytest.mark.parametrize("size", [1, 3, 7, 8, 9, 1000])
def test_output_is_the_same_however_it_is_cut(size):
    said = frame(b"one\n") + frame(b"", 2) + frame(b"two\n", 2) + frame(bytes(range(256)))
    frames = Unframed()
    found = [frames.read(said[at : at + size]) for at in range(0, len(said), size)]
    assert b"".join(found) == b"one\ntwo\n" + bytes(range(256))


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("python", pulling.DOCKER_HUB),
        ("team/python:3", pulling.DOCKER_HUB),
        ("registry.example.org/a/b:1", "registry.example.org"),
        ("registry.example.org:5000/a", "registry.example.org:5000"),
        ("localhost/a", "localhost"),
    ],
)
def test_the_registry_of_an_image(image, registry):
    assert pulling.registry_of(image) == registry


def test_credentials_come_from_a_file_that_nobody_else_can_read(tmp_path):
    path = tmp_path / "config.json"
    word = base64.b64encode(b"ada:s3:cret").decode()
    path.write_text(json.dumps({"auths": {"registry.example.org": {"auth": word}, pulling.DOCKER_HUB: {"auth": word}}}))
    path.chmod(0o644)
    with pytest.raises(ValueError, match="chmod 600"):
        pulling.credentials(path, "registry.example.org")
    path.chmod(0o600)
    said = json.loads(base64.urlsafe_b64decode(pulling.credentials(path, "registry.example.org")))
    assert said == {"username": "ada", "password": "s3:cret", "serveraddress": "registry.example.org"}
    assert pulling.credentials(path, pulling.DOCKER_HUB)
    assert pulling.credentials(path, "other.example.org") == ""
    assert pulling.credentials(None, "registry.example.org") == ""


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"auths": {"r.io": {"auth": "!"}}}', '{"auths": {"r.io": {"user": 1}}}']
)
def test_a_file_that_holds_no_credentials_is_said_so_without_its_content(tmp_path, text):
    path = tmp_path / "config.json"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ValueError, match="is no file of `docker login`"):
        pulling.credentials(path, "r.io")


VERSIONS = {
    "podman-4": ({"ApiVersion": "1.41", "MinAPIVersion": "1.24", "Components": [{"Name": "Podman Engine"}]}, "/v1.41"),
    "docker-20": ({"ApiVersion": "1.41", "MinAPIVersion": "1.12"}, "/v1.41"),
    "docker-29": ({"ApiVersion": "1.52", "MinAPIVersion": "1.44"}, "/v1.47"),
    "too-old": ({"ApiVersion": "1.38", "MinAPIVersion": "1.12"}, ""),
    "too-new": ({"ApiVersion": "2.3", "MinAPIVersion": "2.0"}, ""),
    "none": ({}, ""),
}


@pytest.mark.parametrize("case", VERSIONS)
def test_the_version_that_both_speak(tmp_path, case):
    said, path = VERSIONS[case]
    engine = Engine(tmp_path / "engine.sock")
    if not path:
        with pytest.raises(Unusable, match=r"and 1\.41 to 1\.47 is wanted"):
            engine._hear(said)
        return
    engine._hear(said)
    assert engine._version == path
    assert engine._kind == ("podman" if case == "podman-4" else "docker")


def test_names_of_containers_are_those_of_attempts():
    key, stamp = keys.generation("train", 1).at_attempt(2), Stamp("l", 1, "default", "vision")
    assert container_name(key, stamp) == key.dns_name("default", "vision")
    assert container_name(key, stamp, "main-1") == f"{key.dns_name('default', 'vision')}.main-1"


def test_a_conflict_is_one_however_the_engine_says_it():
    assert Denied(409, "Conflict").conflict
    assert Denied(500, "the container name is already in use by 1a3").conflict
    assert not Denied(500, "no space left on device").conflict
