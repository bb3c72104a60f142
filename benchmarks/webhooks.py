"""A webhook until its commit is pending on the forge, and a thousand of them at once: git over HTTP, on loopback.

The forge is the one of the tests, at a port; the daemon polls once an hour, so that nothing but webhooks tells it.
"""

from __future__ import annotations

import contextlib
import http.client
import http.server
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.stage import Row, Scratch, daemon, percentile, wait
from tests.forges.forge import FakeForge
from tests.forges.gitea import GiteaSpelling
from tests.forges.listening import listening
from tests.git_http import Smart
from tests.reconciler.webhooks.deliveries import NAME, SECRET, Delivery, delivery

PUSHES = 40
BURST = 1000
AT_ONCE = 20
SPEC = """\
version: 1.1
kind: operation
name: train
runPolicy: manual
component:
  inputs: [{{name: round, type: int, value: {number}}}]
  run: {{kind: job, container: {{image: shell, command: [sleep, "1000"]}}}}
"""
HOOKS = "127.0.0.1:18081"


def run() -> list[Row]:
    forge = FakeForge(GiteaSpelling(NAME))
    with listening(forge) as address, _place(address) as place, daemon(place):
        wait(lambda: place.get("/v1/status")["head"], 60)
        pending, floor = zip(*(_pushed(place, forge, number) for number in range(PUSHES)), strict=True)
        asked = len(forge.state.asked)
        taken, whole = _burst()
        time.sleep(2.0)
        more = len(forge.state.asked) - asked
    return [
        Row(
            "webhook to pending status on the forge, p50",
            percentile(list(pending), 0.5) * 1000,
            "ms",
            150,
            f"x{percentile(list(pending), 0.5) / percentile(list(floor), 0.5):.1f} a bare git fetch",
        ),
        Row("webhook to pending status on the forge, p99", percentile(list(pending), 0.99) * 1000, "ms"),
        Row("git fetch of one of them (floor of the same run), p50", percentile(list(floor), 0.5) * 1000, "ms"),
        Row(f"{BURST} webhooks by {AT_ONCE} senders, a second", BURST / whole, "1/s"),
        Row("each of them answered, p50", percentile(taken, 0.5) * 1000, "ms"),
        Row("each of them answered, p99", percentile(taken, 0.99) * 1000, "ms", 1000),
        Row("requests to the API of the forge for all of them", more, ""),
    ]


def _pushed(place: Scratch, forge: FakeForge, number: int) -> tuple[float, float]:
    """Seconds from the webhook of a push until the forge has the status of its commit, and those of a bare fetch."""
    place.write("train.yaml", SPEC.format(number=number))
    commit = place.commit()
    place.release(commit)
    time.sleep(1.5)  # what came before is over, and the least pause between two looks too
    begun = time.perf_counter()
    assert _send(delivery("gitea", ident=f"p-{number}")) == 202
    wait(lambda: any(of == commit for of, _ in forge.state.statuses), 60, 0.001)
    taken = time.perf_counter() - begun
    time.sleep(0.5)
    begun = time.perf_counter()
    place.git("fetch", "-q", "served", "main", cwd=place.folder / "other")
    return taken, time.perf_counter() - begun


def _send(sent: Delivery) -> int:
    link = http.client.HTTPConnection(HOOKS, timeout=30)
    with contextlib.closing(link):
        link.request("POST", "/webhook", sent.body, sent.headers)
        return link.getresponse().status


def _burst() -> tuple[list[float], float]:
    """Seconds of each answer, and of all of them."""
    taken: list[float] = []

    def some(first: int) -> None:
        for number in range(first, BURST, AT_ONCE):
            begun = time.perf_counter()
            assert _send(delivery("gitea", ident=f"b-{number}")) == 202
            taken.append(time.perf_counter() - begun)

    threads = [threading.Thread(target=some, args=(first,)) for first in range(AT_ONCE)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken, time.perf_counter() - begun


@contextlib.contextmanager
def _place(address: str) -> Iterator[Scratch]:
    """A repository that is served over HTTP, and the configuration of a daemon that follows it there."""
    with _served() as (folder, url):
        for name, text in (("hook", SECRET), ("token", "canary-token")):
            (folder / name).write_text(text)
            (folder / name).chmod(0o600)
        place = Scratch(folder)
        place.git("config", "http.receivepack", "true", cwd=place.bare)
        place.write("train.yaml", SPEC.format(number=-1))
        place.release(place.commit())
        place.git("clone", "-q", f"{url}/repo.git", str(folder / "other"), "--origin", "served", cwd=folder)
        (folder / "daemon.yaml").write_text(
            f"repository: {{url: {url}/repo.git, branch: main, poll: 3600}}\nstate: {place.state}\nlog: json\n"
            f"backends: {{local: {{allowRoot: true, runs: {folder / 'runs'}}}}}\nfirstSync: run\n"
            f"forge: {{kind: gitea, url: '{address}', repository: {NAME}, tokenFile: {folder / 'token'}}}\n"
            f"webhooks: {{listen: '{HOOKS}', repository: {NAME}, secrets: [{{file: {folder / 'hook'}}}]}}\n"
        )
        yield place


@contextlib.contextmanager
def _served() -> Iterator[tuple[Path, str]]:

    with tempfile.TemporaryDirectory(prefix="plumbline-bench-", ignore_cleanup_errors=True) as name:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Smart)
        server.environment = {**os.environ, "GIT_PROJECT_ROOT": name, "GIT_HTTP_EXPORT_ALL": "1"}  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield Path(name), f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        server.server_close()
