"""What a container is, by the engine's words: one description a state, of Podman and of Docker."""

import json
from pathlib import Path

import pytest

from reconciler.backends.engine.status import Box, Stage, box_of, stage_of, start_failure

pytestmark = pytest.mark.unit

FOLDER = Path(__file__).parents[3] / "golden" / "engine-status"
STARTED, ENDED = 1795687822.618861783, 1795687822.808911959
WANTED = {
    "created": Box("c1", {"a": "b"}, Stage.CREATED, image="sha256:f5"),
    "podman-start-failed": Box("c1", {"a": "b"}, Stage.CREATED, image="sha256:f5"),
    "docker-start-failed": Box(
        "c1", {"a": "b"}, Stage.CREATED, image="sha256:f5", message='exec: "nope": executable file not found in $PATH'
    ),
    "running": Box("c1", {"a": "b"}, Stage.RUNNING, STARTED, image="sha256:f5"),
    "paused": Box("c1", {"a": "b"}, Stage.RUNNING, STARTED, image="sha256:f5"),
    "exited-0": Box("c1", {"a": "b"}, Stage.EXITED, STARTED, ENDED, 0, image="sha256:f5"),
    "exited-143": Box("c1", {"a": "b"}, Stage.EXITED, STARTED, ENDED, 143, image="sha256:f5"),
    "exited-before-it-started": Box("c1", {"a": "b"}, Stage.EXITED, STARTED, STARTED, 1, image="sha256:f5"),
    "out-of-memory": Box("c1", {"a": "b"}, Stage.EXITED, STARTED, ENDED, 137, True, image="sha256:f5"),
    "dead": Box("c1", {"a": "b"}, Stage.EXITED, STARTED, ENDED, 137, message="driver failed", image="sha256:f5"),
    "podman-after-a-restart": Box("c1", {"a": "b"}, Stage.CREATED, STARTED, image="sha256:f5"),
    "docker-after-a-restart": Box("c1", {"a": "b"}, Stage.EXITED, STARTED, ENDED, 255, image="sha256:f5"),
}


@pytest.mark.parametrize("name", WANTED)
def test_a_description_is_a_state(name):
    found = box_of(json.loads((FOLDER / f"{name}.json").read_text()))
    assert found == WANTED[name]
    assert found.has_run == (name not in {"created", "podman-start-failed", "docker-start-failed"})


def test_every_description_is_read():
    assert {path.stem for path in FOLDER.iterdir()} == set(WANTED)


def test_what_is_not_known_is_not_taken_for_over():
    assert stage_of("hibernating") is Stage.RUNNING
    empty = box_of({})
    assert (empty.stage, empty.code) == (Stage.RUNNING, None)


RUNC = "runc: runc create failed: unable to start container process:"
NOT_FOUND = "OCI runtime attempted to invoke a command that was not found"
MESSAGES = {
    f'{RUNC} exec: "/nope": stat /nope: no such file or directory: {NOT_FOUND}': 127,
    'failed to create task: runc create failed: exec: "nope": executable file not found in $PATH: unknown': 127,
    f'{RUNC} exec: "/etc/passwd": permission denied: OCI permission denied': 126,
    "runc create failed: exec /bin/tool: exec format error": 126,
    'runc create failed: chdir to cwd ("/root/x") set in config.json failed: permission denied': 126,
    f'{RUNC} error mounting "/srv/x" to rootfs at "/x": stat /srv/x: no such file or directory: {NOT_FOUND}': None,
    "driver failed programming external connectivity: Bind for 127.0.0.1:8080 failed: port is already allocated": None,
    "error setting rlimits for ready process: error setting rlimit type 7: invalid argument": None,
    "": None,
}


@pytest.mark.parametrize("message", MESSAGES)
def test_a_start_that_failed_is_the_programs_fault_or_not(message):
    assert start_failure(message) == MESSAGES[message]
