"""A store of artifacts through a real daemon: an S3-like server that is away at first, and a daemon that is killed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.harness import Place, until
from tests.ports import free_port
from tests.reconciler.stores.support import KEYS, make_bucket, s3_server, s3_store

pytestmark = pytest.mark.process

FLOW = """
version: 1.1
kind: operation
name: flow
component:
  run:
    kind: dag
    operations:
      - name: fit
        component:
          run:
            kind: job
            container: {command: [sh, -c, "echo fitted; printf weights > $PLUMBLINE_ARTIFACTS/outputs/model; chmod +x \\
              $PLUMBLINE_ARTIFACTS/outputs/model"]}
      - name: report
        params: {model: {ref: ops.fit, value: artifacts.model, contextOnly: true}}
        component:
          run:
            kind: job
            init: [{paths: ["{{ model }}"]}]
            container: {command: [sh, -c, "test -x model && cp model $PLUMBLINE_ARTIFACTS/outputs/report"]}
"""


def stored(place: Place, run: str) -> Any:
    """The copy of a run, once it is there."""
    found = place.run(run)
    return found and found["copy"] and found["copy"]["storedAt"] and found["copy"]


@pytest.mark.parametrize("killed", [False, True], ids=["", "killed-meanwhile"])
def test_copies_are_made_when_the_server_comes_and_read_when_the_folder_is_gone(
    places: Callable[..., Place], killed: bool
) -> None:
    # The servers of one process share what they hold.
    port, bucket = free_port(), f"bucket-{killed:d}"
    endpoint = f"http://127.0.0.1:{port}"
    place = places()
    secret = place.base / "secret"
    secret.write_text(KEYS["secret"])
    secret.chmod(0o600)
    options = {"endpoint_url": endpoint, "key": KEYS["key"]}
    place.configure(
        artifactsStore={"url": f"s3://{bucket}/kept", "options": options, "optionFiles": {"secret": str(secret)}}
    )
    commit = place.push({"flow.yaml": FLOW})
    daemon = place.start()
    # The end of a run waits for no store.
    assert place.settled(commit)["state"] == "success"

    def warned() -> bool:
        warnings = place.get("/v1/status")["warnings"]
        return any(text.startswith(f"waiting for store s3://{bucket}/kept since ") for text in warnings)

    until(warned, "the status says that the store is away")
    if killed:
        daemon.kill()
        daemon = place.start()
        until(warned, "the next life says so too")
    with s3_server(port):
        make_bucket(endpoint, bucket)
        copy = until(lambda: stored(place, "flow@g1/fit"), "the copy is made")
        assert (copy["files"], copy["size"], copy["left"]) == (1, 7, 0)
        until(lambda: stored(place, "flow@g1/report"), "so is the other")
        until(lambda: not warned(), "nothing waits any more")
        names = [name.rpartition("/")[2] for name in s3_store(endpoint)._files.find(bucket)]
        assert sorted(names) == ["1.log", "model", "plumbline.json", "plumbline.json", "report"]
        for folder in place.state.glob("local/logs/*/flow-fit-*"):
            shutil.rmtree(folder)
        assert place.get("/v1/logs", run="flow@g1/fit") == "fitted\n", "as the store has it"
        for folder in place.runs.glob("flow-fit-*"):
            shutil.rmtree(folder)
        listed = place.get("/v1/artifacts", run="flow")["artifacts"]
        assert [one["path"] for one in listed] == ["fit/model", "report/report"]
        place.ask("retry", "flow@g1/report", mode="all")
        until(lambda: (place.run("flow@g1/report~1") or {}).get("status") == "succeeded", "it has what it reads again")
    daemon.end()
