"""What a replica needs to take part in an election, and what it is told where that is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from reconciler import leading
from reconciler.errors import Unusable
from reconciler.settings import DaemonSettings, load_settings

pytestmark = pytest.mark.unit

BASE = {
    "repository": {"url": "/srv/r.git"},
    "backend": "kubernetes",
    "ledger": {"url": "postgresql://db/l"},
    "election": {"lease": "plumbline", "namespace": "ml"},
}
AGENT = {"image": "i", "contact": "http://plumbline:8090", "listen": "0.0.0.0:8090"}


@pytest.fixture(autouse=True)
def no_pod(monkeypatch):
    for name in ("POD_NAME", "POD_NAMESPACE", "POD_IP"):
        monkeypatch.delenv(name, raising=False)


def settings(folder: Path, **more: object) -> DaemonSettings:
    path = folder / "daemon.yaml"
    path.write_text(yaml.safe_dump({**BASE, **more}))
    return load_settings(path)


def kubernetes(**said: object) -> dict[str, object]:
    return {"kubernetes": {"agent": AGENT, **said}}


def test_all_replicas_need_one_secret(tmp_path):
    said = settings(tmp_path, backends=kubernetes())
    with pytest.raises(Unusable, match=r"agent.tokenKeyFile, or a folder that all of them mount"):
        leading._election_of(said, said.election)


def test_others_must_be_told_where_it_answers(tmp_path, monkeypatch):
    said = settings(tmp_path, backends=kubernetes(state="/shared"))
    with pytest.raises(Unusable, match=r"where this one answers pods: it listens on 0.0.0.0:8090, and POD_IP is not"):
        leading._election_of(said, said.election)
    for address, wanted in (("10.1.2.3", "10.1.2.3:8090"), ("fd00::7", "[fd00::7]:8090")):
        monkeypatch.setenv("POD_IP", address)
        assert leading._addresses(said) == {"pods": wanted}
    own = {**AGENT, "listen": "192.0.2.7:8090"}
    said = settings(tmp_path, backends={"kubernetes": {"agent": own, "state": "/shared"}})
    assert leading._addresses(said) == {"pods": "192.0.2.7:8090"}, "what it says itself counts"


def test_a_pod_is_known_by_its_name_and_each_life_by_its_own(monkeypatch):
    monkeypatch.setenv("POD_NAME", "plumbline-7d9f-abcde")
    names = {leading._identity() for _ in range(3)}
    assert len(names) == 3
    assert {name.rpartition("_")[0] for name in names} == {"plumbline-7d9f-abcde"}


def test_a_namespace_is_needed_outside_of_a_pod(monkeypatch):
    with pytest.raises(Unusable, match=r"election\.namespace must say where the lease is"):
        leading._namespace()
    monkeypatch.setenv("POD_NAMESPACE", "ml")
    assert leading._namespace() == "ml"
