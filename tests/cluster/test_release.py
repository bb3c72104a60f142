"""The daemon in a cluster, as the chart installs it: what a push does, and what an upgrade and an end leave."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.monitoring import scraped
from tests.cluster.release import PATIENCE, InCluster, attempts
from tests.cluster.specs import FLOW, MAKE, TICK, WEB
from tests.e2e.harness import until

pytestmark = pytest.mark.cluster


@pytest.fixture
def place(own_cluster: Any, namespace: str, tmp_path: Path) -> Iterator[InCluster]:
    made = InCluster(own_cluster, namespace, tmp_path / "place")
    yield made
    made.close()


def test_a_wrong_configuration_is_the_last_word_of_the_pod(place):
    place.install(place.values(resync="often"), ready=False)

    def last_word() -> str:
        for pod in place.daemons_pods():
            for one in pod["status"].get("containerStatuses", ()):
                ended = one["state"].get("terminated") or one["lastState"].get("terminated") or {}
                if ended.get("exitCode") == 3:
                    return str(ended["message"])
        return ""

    said = until(last_word, "it has ended", PATIENCE)
    assert "/etc/plumbline/daemon.yaml:" in said
    assert "`often` is not a duration" in said


def test_a_push_runs_over_an_upgrade_and_beyond_the_release(place):
    place.push({"web.yaml": place.spec(WEB, word="one")})
    place.install(place.values())
    place.push({"flow/flow.yaml": place.spec(FLOW, seconds=8), "flow/make.py": MAKE, "tick.yaml": place.spec(TICK)})
    until(lambda: "flow@g1/use#1" in dict(attempts(place)), "the second node has begun", PATIENCE)

    (before,) = place.daemons_pods()
    place.install(place.values(budgets={"starts": 30}))
    (after,) = place.daemons_pods()
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    place.becomes("flow", "succeeded")
    place.becomes("web", "ready")
    made = sorted(key for key, _ in attempts(place) if key.startswith(("flow", "web")))
    assert made == ["flow@g1/make#1", "flow@g1/use#1", "web@g1#1"], "nothing twice"
    until(lambda: place.get("/v1/runs", root="tick", query="status: succeeded")["runs"], "a tick has run", PATIENCE)
    commit = place.commit({"README.md": "words"})
    assert place.settled(place.release(commit), PATIENCE)["state"] == "success"
    assert commit in place.notes(), "the forge was told, with the token"
    (said,) = scraped(place).values()
    assert "\nplumbline_reconcile_seconds_count" in said, "to whoever goes by the ServiceMonitor"

    service = dict(attempts(place))["web@g1#1"]
    place.uninstall()
    assert dict(attempts(place))["web@g1#1"]["status"]["readyReplicas"] == 1, "what runs goes on"
    claims = place.items("/api/v1", "persistentvolumeclaims")
    assert [claim["metadata"]["name"] for claim in claims] == ["plumbline"], "so does the ledger"

    place.install(place.values())
    place.becomes("web", "ready")
    assert dict(attempts(place))["web@g1#1"]["metadata"]["uid"] == service["metadata"]["uid"], "the same one"
    assert place.operation("web")["generation"] == 1
