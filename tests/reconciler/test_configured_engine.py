"""What `backends.engine` of the configuration becomes: every setting reaches the backend, wrong ones are named."""

import dataclasses
from pathlib import Path

import pytest

from planner.model.engine import EngineAllow, EngineRules
from reconciler.backends.engine.settings import EngineSettings
from reconciler.configured_engine import engine_of, engine_rules_of
from reconciler.errors import Unusable
from reconciler.settings import load_settings
from reconciler.settings_engine import EngineBackend

pytestmark = pytest.mark.unit

SAID = {
    "socket": "/run/podman/podman.sock",
    "user": "ml",
    "allowRoot": True,
    "network": "ml",
    "userNamespace": "keep-id",
    "init": False,
    "pull": "always",
    "authFile": "/etc/plumbline/auth.json",
    "allow": ["hostPath"],
    "logMegabytes": 8,
    "env": {"A": "b"},
    "ulimits": {"nofile": [1024, 4096]},
    "securityOptions": ["label=disable"],
}
ROOT, RUNS = Path("/state/engine"), Path("/state-runs")


def test_every_setting_reaches_the_backend():
    made = engine_of(EngineBackend.model_validate(SAID), ROOT, RUNS, {})
    plain = EngineSettings(ROOT, RUNS, Path("/var/run/docker.sock"))
    same = {one.name for one in dataclasses.fields(plain) if getattr(made, one.name) == getattr(plain, one.name)}
    assert same == {"root", "runs", "connections", "steady", "boot_id"}
    assert engine_of(EngineBackend(), ROOT, RUNS, {}) == plain


def test_rules_reach_specs():
    assert engine_rules_of(EngineBackend.model_validate(SAID)).allow == {EngineAllow.HOST_PATH}
    assert engine_rules_of(EngineBackend()) == EngineRules()


WRONG = {
    "sockets: /x": "unknown field",
    "network: 'container:db'": "must be `bridge`, `host`, `none`",
    "ports: [9, 1]": "must be a first and a last port",
    "ulimits: {nofile: [9, 1]}": "must be a soft limit and a hard one",
    "allow: [everything]": "allow",
    "pull: sometimes": "pull",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_setting_is_named(tmp_path, text):
    path = tmp_path / "daemon.yaml"
    path.write_text(f"repository: {{url: /srv/a.git}}\nbackend: engine\nbackends:\n  engine:\n    {text}\n")
    with pytest.raises(Unusable) as said:
        load_settings(path)
    assert WRONG[text] in said.value.message
    assert "daemon.yaml:5" in said.value.message


def test_runs_are_beside_the_state_unless_it_says_where(tmp_path):
    path = tmp_path / "daemon.yaml"
    head = "repository: {url: /srv/a.git}\nstate: /srv/state\nbackend: engine\n"
    path.write_text(head)
    assert load_settings(path).runs_folder == Path("/srv/state-runs")
    path.write_text(f"{head}backends: {{engine: {{runs: /srv/runs}}, local: {{runs: /srv/other}}}}\n")
    assert load_settings(path).runs_folder == Path("/srv/runs")
