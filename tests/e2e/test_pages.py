"""The pages of a daemon as people run it: read over TCP, taken apart, and followed from link to link."""

from __future__ import annotations

import hashlib
from pathlib import Path

import httpx
import pytest

from tests.e2e.harness import Place, job, until
from tests.ports import free_port
from tests.reconciler.pages.support import Page, page

pytestmark = pytest.mark.process

BROKEN = "version: 1.1\nkind: operation\nname: broken\ncomponent: {run: {kind: job}}\n"
TRAIN = "echo '<b>loud</b>'; printf '\\033[31mred\\033[0m\\n'; exit 3"


def walked(client: httpx.Client, path: str) -> dict[str, Page]:
    """All pages that links lead to from `path`."""
    found: dict[str, Page] = {}
    left = [path]
    while left:
        here = left.pop()
        if here in found or here.startswith(("#", "/assets/")):
            continue
        response = client.get(here)
        assert response.status_code == 200, f"{here}: {response.text}"
        found[here] = page(response)
        left += found[here].links
    return found


def test_every_page_is_reached_from_the_first_one(place: Place) -> None:
    port = free_port()
    place.configure(pages={"listen": f"127.0.0.1:{port}"})
    first = place.push({"good.yaml": job("good", "echo fine"), "bad.yaml": job("bad", TRAIN), "broken.yaml": BROKEN})
    place.start()
    assert place.settled(first)["state"] == "failure"
    assert place.get("/v1/status")["pages"] == f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        pages = walked(client, "/")
        ids = {run["key"]: run["id"] for run in place.get("/v1/runs")["runs"]}
        assert {"/operations/good", "/operations/bad", f"/commits/{first}", f"/runs/{ids['bad@g1']}"} <= set(pages)
        commit = pages[f"/commits/{first}"]
        assert commit.heads[0] == f"h1 Commit {first[:10]} failure"
        assert "broken.yaml:4:" in commit.text
        run = pages[f"/runs/{ids['bad@g1']}"]
        assert run.heads[0] == "h1 bad@g1 failed"
        assert "<b>loud</b> red" in run.text
        assert client.get(f"/commits/{first[:8]}").status_code == 200
        assert page(client.get("/commits/0123")).status == 404
        assert client.post("/").status_code == 405
        style = next(link for link in commit.links if link.endswith(".css"))
        assert client.get(style).headers["content-type"].startswith("text/css")


def test_others_sign_in_with_a_token(place: Place) -> None:
    port, secret = free_port(), "plumbline_a-secret"
    token = {"name": "ada", "sha256": hashlib.sha256(secret.encode()).hexdigest(), "scopes": ["read"]}
    address = f"http://plumbline.example.org:{port}"
    place.configure(pages={"listen": f"127.0.0.1:{port}", "url": address}, api={"tokens": [token]})
    place.settled_start({"good.yaml": job("good", "true")})
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        assert page(client.get("/operations/good")).status == 401
        answer = client.post("/sign-in", data={"token": secret, "next": "/operations/good"}, follow_redirects=True)
        assert page(answer).heads[0].startswith("h1 good succeeded")
        assert secret not in answer.text
        # A restart ends every session.
        place.daemons[-1].end()
        place.start()
        assert client.get("/operations/good").status_code == 401
    assert secret not in place.log.read_text()


def test_an_address_that_is_taken_ends_the_daemon_in_one_sentence(place: Place) -> None:
    import socket

    place.push({"good.yaml": job("good", "true")})
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        place.configure(pages={"listen": f"127.0.0.1:{port}"})
        daemon = place.launch()
        until(daemon.ended, "the daemon gives up")
        assert daemon.code == 3
    assert f"cannot listen on 127.0.0.1:{port} (pages.listen)" in place.log.read_text()


def test_the_templates_are_part_of_the_package() -> None:
    import tomllib

    root = Path(__file__).parents[2]
    listed = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["reconciler"]
    files = {
        path.relative_to(root / "reconciler").as_posix() for path in (root / "reconciler/pages/templates").iterdir()
    }
    assert files
    assert all(any(Path(file).match(pattern) for pattern in listed) for file in files)
