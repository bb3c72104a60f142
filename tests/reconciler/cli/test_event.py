"""`plumbline event`: what is sent, and tokens."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.settings import load_settings
from tests.reconciler.api.support import World, job
from tests.reconciler.cli.support import Shell, daemon, until

pytestmark = pytest.mark.unit


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A daemon with one operation that listens."""
    world = World()
    more = "events: [{ref: drift, kinds: [alert_warning]}, {ref: project, kinds: [project_custom_event]}]"
    world.push({"a.yaml": job("alert", more=more)})
    with daemon(world, tmp_path / "state") as made:
        until(made, "alert      job   listening", "status")
        yield made


def test_an_event_is_sent_and_counts_once(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text('{"severity": "high"}')
    words = ("event", "send", "alert_warning", "--ref", "drift", "--id", "7", "--data", f"@{tmp_path}/data.json")
    first = shell(*words).stdout
    assert re.fullmatch(r"7: starts alert@ev-[a-z2-7]{16}\n", first)
    assert shell(*words).stdout == "7: seen before, it starts nothing more\n"
    until(shell, "succeeded", "runs", "--root", "alert")
    run = json.loads(shell("runs", "-o", "json").stdout)["runs"][0]
    assert run["because"].startswith("the event alert_warning of drift (7), sent by ")


def test_without_a_name_and_an_id_it_is_of_the_project(shell: Shell) -> None:
    answer = json.loads(shell("event", "send", "project_custom_event", "-o", "json").stdout)
    assert (answer["state"], answer["operations"], answer["suspended"]) == ("accepted", ["alert"], [])
    shell("suspend", "alert")
    assert "alert is suspended and passes over it" in shell("event", "send", "project_custom_event").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["send", "alert_warnin"], "did you mean `alert_warning`?"),
        (["send", "run_status_done"], "`run_status_done` cannot be sent"),
        (["send", "alert_warning", "--ref", "smoke"], "listen to alert_warning of `drift`"),
        (["send", "alert_warning", "--data", "{"], "what --data gives is not JSON"),
        (["send", "alert_warning", "--data", "[1]"], "`data` is an object"),
        (["send", "alert_warning", "--data", "@/nowhere"], "cannot read /nowhere: No such file or directory"),
        (["token", "a b"], "`a b` is no name"),
        (["token", "a", "--id", "7"], "a token has a name and a scope, and nothing else"),
        (["send", "alert_warning", "--scope", "read"], "--scope is of a token; an event has none"),
    ],
    ids=["misspelt", "our own", "nobody listens", "no JSON", "a list", "no file", "a bad name", "too much", "no token"],
)
def test_what_makes_no_sense_is_said(shell: Shell, words: list[str], said: str) -> None:
    answer = shell("event", *words, code=2)
    assert said in answer.stderr


@pytest.mark.parametrize(("words", "scope"), [((), "events"), (("--scope", "read"), "read")])
def test_a_token_fits_the_configuration_and_is_not_in_it(
    tmp_path: Path, shell: Shell, words: tuple[str, ...], scope: str
) -> None:
    text = shell("event", "token", "grafana", *words).stdout
    token = text.splitlines()[0].removeprefix("token, shown this once: ")
    configuration = text.partition("in daemon.yaml:\n")[2]
    path = tmp_path / "daemon.yaml"
    path.write_text(f"repository: {{url: /srv/r.git}}\n{configuration}")
    (found,) = load_settings(path).api.tokens
    assert (found.name, found.sha256) == ("grafana", hashlib.sha256(token.encode()).hexdigest())
    assert found.scopes == (scope,)
    assert token not in configuration
    assert json.loads(shell("event", "token", "a", "-o", "json").stdout)["token"] != token
