"""What tests ask an engine by themselves, and an engine of the user's: `PLUMBLINE_TEST_ENGINE=/var/run/docker.sock`.

On one that is given nothing is ended but containers of the tests' own.
"""

from __future__ import annotations

import contextlib
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cluster import images

PATIENCE = 60.0
OURS = "dev.plumbline.scope"


class Asked:
    """An engine behind a socket."""

    socket: Path

    def get(self, path: str, **query: str) -> Any:
        with self._http() as http:
            answer = http.get(f"/v1.41{path}", params=query, timeout=PATIENCE)
        assert answer.status_code < 400, answer.text
        return answer.json()

    def post(self, path: str, body: object = None, **query: str) -> Any:
        with self._http() as http:
            answer = http.post(f"/v1.41{path}", params=query, json=body, timeout=PATIENCE)
        assert answer.status_code < 400, answer.text
        return answer.json() if answer.content.strip() else None

    def containers(self, **labels: str) -> list[Mapping[str, Any]]:
        """All containers with these labels, whatever became of them."""
        wanted = [f"{name}={text}" for name, text in labels.items()]
        wanted += [OURS] if isinstance(self, Given) else []
        filters = json.dumps({"label": wanted} if wanted else {})
        return list(self.get("/containers/json", all="true", filters=filters) or ())

    def untag(self, image: str) -> None:
        """Take a name off an image."""
        with self._http() as http:
            answer = http.delete(f"/v1.41/images/{image}", timeout=PATIENCE)
        assert answer.status_code < 400, answer.text

    def remove(self, name: str) -> None:
        """Remove a container as a person would: `podman rm -f`."""
        with self._http() as http:
            answer = http.delete(f"/v1.41/containers/{name}", params={"force": "true", "v": "true"}, timeout=PATIENCE)
        assert answer.status_code < 400, answer.text

    def clear(self) -> None:
        """Leave no container."""
        for one in self.containers():
            with contextlib.suppress(AssertionError):  # it went meanwhile
                self.remove(str(one["Id"]))

    def _http(self) -> httpx.Client:
        return httpx.Client(transport=httpx.HTTPTransport(uds=str(self.socket)), base_url="http://engine")


class Given(Asked):
    """An engine that runs already, of which only containers of the tests are ours."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket

    def load(self, *names: str) -> None:
        """Have images of the tests, as any engine takes them: their one layer."""
        for name in names:
            repo, _, tag = name.rpartition(":")
            changes = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
            with tarfile.open(images.archive(name)) as image, self._http() as http:
                layer = image.extractfile(max(image, key=lambda entry: entry.size))
                assert layer is not None
                query = {"fromSrc": "-", "repo": repo, "tag": tag, "changes": changes}
                kind = {"Content-Type": "application/x-tar"}
                answer = http.post(
                    "/v1.41/images/create", params=query, content=layer.read(), headers=kind, timeout=600
                )
            assert answer.status_code == 200, answer.text

    def stop(self) -> None:
        pytest.skip("an engine that is given is not ended")

    reboot = start = stop

    def close(self) -> None:
        """Leave no container of ours."""
        self.clear()
