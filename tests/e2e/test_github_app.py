"""A daemon that has nothing but an App of GitHub: it fetches and says how it went, also after a suspension."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.e2e.harness import Place, environment, job, until, without_times
from tests.forges.apps import APP, PEM
from tests.forges.host import hosted
from tests.forges.state import Reply

pytestmark = pytest.mark.process


def troubles(place: Place) -> list[str]:
    """What the daemon cannot do: tell the forge, or ask the repository, whichever needs a token first."""
    status = place.get("/v1/status")
    return [*status["warnings"], status["source"]["failing"] or ""]


def test_a_push_is_fetched_planned_and_said_by_the_app(places: Callable[..., Place], tmp_path: Path) -> None:
    key = tmp_path / "app.pem"
    key.write_text(PEM)
    key.chmod(0o600)
    with hosted(tmp_path, environment(), "place/repo") as host:
        host.apps.good = timedelta(minutes=5, seconds=2)  # and so had anew every other second
        place = places(
            repository={"url": f"{host.origin}/place/repo.git", "branch": "main", "poll": 1},
            forge={"kind": "github", "url": f"{host.origin}/api", "app": {"id": APP, "keyFile": str(key)}},
            firstSync="run",
        )

        def shown(commit: str) -> dict[str, tuple[str, str]]:
            found = dict(host.forge.state.shown())
            return {c: (s.state, without_times(s.description)) for (of, c), s in found.items() if of == commit}

        first = place.push({"one.yaml": job("one", "true")})
        place.start()
        place.settled(first)
        assert shown(first)["plumbline/default"] == ("success", "1 operation done")

        host.apps.odd = Reply(403, {"message": "This installation has been suspended"})
        asked = host.apps.asked
        second = place.push({"two.yaml": job("two", "true")})
        said = until(lambda: [one for one in troubles(place) if "suspended" in one], "it is said")
        assert "unsuspend" in said[0]
        for daemon in place.daemons:
            assert daemon.end() == 0
        # Git has tokens of its own: whoever is refused first, both ask once in a minute.
        assert host.apps.asked - asked <= 2

        host.apps.odd = None
        place.start()
        place.settled(second)
        assert shown(second)["plumbline/default"] == ("success", "1 operation done")

        third = place.push({"three.yaml": "version: 1.1\nkind: operation\nname: three\nrun: {kind: jub}\n"})
        place.settled(third)
        checks = host.forge.spelling.checks
        until(lambda: checks.shown(third), "what is wrong is marked on its line")
        check = checks.shown(third)["plumbline/default in detail"]
        assert (check["conclusion"], check["output"]["annotations"][0]["path"]) == ("failure", "three.yaml")
        assert checks.shown(first) == checks.shown(second) == {}
        for daemon in place.daemons:
            if not daemon.ended():
                assert daemon.end() == 0
        log = place.log.read_text()
        assert not [token for token in host.apps.live if token in log]
        assert "PRIVATE KEY" not in log
        assert {may.get("contents") for _, may in host.apps.live.values()} == {"read"}
        assert {may.get("statuses") for _, may in host.apps.live.values()} == {None, "write"}
