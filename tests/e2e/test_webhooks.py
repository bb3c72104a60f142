"""A daemon that polls once an hour learns of a push by a webhook; one that is forged tells it nothing."""

from __future__ import annotations

import http.client
import http.server
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import Place, environment, git, health, job
from tests.git_http import Smart
from tests.ports import free_port
from tests.reconciler.webhooks.deliveries import FORGES, SECRET, SIGNING, Delivery, delivery

pytestmark = pytest.mark.process


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[str]:
    """Where the repositories below this test's folder are served."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Smart)
    exported = {"GIT_PROJECT_ROOT": str(tmp_path), "GIT_HTTP_EXPORT_ALL": "1"}
    server.environment = {**environment(Path.cwd()), **exported}
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def send(address: str, sent: Delivery) -> int:
    link = http.client.HTTPConnection(address, timeout=10)
    link.request("POST", "/webhook", sent.body, sent.headers)
    status = link.getresponse().status
    link.close()
    return status


def test_a_push_is_planned_when_its_webhook_comes(places: Callable[..., Place], forge: str, tmp_path: Path) -> None:
    secrets = {"plain": SECRET, "signing": SIGNING}
    for name, text in secrets.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    hooks, numbers = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    place = places(
        repository={"url": f"{forge}/place/repo.git", "branch": "main", "poll": 3600},
        webhooks={
            "listen": hooks,
            "secrets": [{"file": str(tmp_path / name)} for name in secrets],
            "repository": "team/models",
        },
        api={"health": numbers},
        firstSync="run",
        forge="none",
    )
    git(place.bare, "config", "http.receivepack", "true")
    place.settled_start({"first.yaml": job("first", "true")})
    for number, kind in enumerate(FORGES):
        commit = place.push({f"{kind}.yaml": job(kind, "true")})
        forged = delivery(kind, secret="whsec_" + "A" * 43 + "=", ident=f"{kind}-forged")
        assert send(hooks, forged) == 401
        assert send(hooks, delivery(kind, ident=kind, at=int(time.time()))) == 202
        assert place.settled(commit)["state"] == "success"
        assert place.get("/v1/status")["source"]["webhookOf"] in {"github", "gitlab", "gitea"}
        assert len(place.starts()) == number + 2
    metrics = health(numbers, "/metrics")[1]
    assert 'plumbline_webhook_deliveries_total{forge="gitea",verdict="woken"} 2.0' in metrics
    assert 'plumbline_webhook_deliveries_total{forge="gitlab",verdict="wrong"} 2.0' in metrics
    assert health(numbers, "/readyz")[0] == 200
    said = place.log.read_text()
    assert not any(secret in said for secret in secrets.values())
