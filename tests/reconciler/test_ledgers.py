"""Which ledger the configuration names, and what opens it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from planner import keys
from reconciler import ledgers
from reconciler.errors import Transient, Unusable
from reconciler.settings import DaemonSettings, load_settings
from tests.contracts.ledger import ended, intended, opened

pytestmark = [pytest.mark.unit, pytest.mark.anyio]


def settings(tmp_path: Path, ledger: str = "") -> DaemonSettings:
    path = tmp_path / "daemon.yaml"
    path.write_text(f"repository: {{url: /r}}\nstate: {tmp_path / 'state'}\n{ledger}\n")
    return load_settings(path)


async def test_without_more_it_is_a_file_of_the_state_folder(tmp_path):
    said = settings(tmp_path)
    assert not await ledgers.is_known(said)
    ledger = await ledgers.open_ledger(said, "project")
    assert (await ledger.project()).name == "project"
    await ledger.keep()  # nobody can take a file
    await ledger.close()
    assert await ledgers.is_known(said)
    assert (tmp_path / "state" / "ledger.sqlite").exists()


@pytest.mark.process
async def test_with_a_url_it_is_on_a_server(tmp_path, database):
    said = settings(tmp_path, f"ledger: {{url: '{database}', wait: 0}}")
    assert not await ledgers.is_known(said)
    ledger = await ledgers.open_ledger(said, "project")
    assert await ledgers.is_known(said)
    assert await ledger.record([]) == 0
    await ledger.close()
    assert not (tmp_path / "state" / "ledger.sqlite").exists()


@pytest.mark.process
async def test_what_runs_is_not_lost_from_another_state_folder(tmp_path, database):
    """Nobody starts again what still runs elsewhere."""
    url = f"ledger: {{url: '{database}', wait: 5}}"
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    key = keys.generation("train", 1)
    ledger = await ledgers.open_ledger(settings(here, url), "project")
    await ledger.record([opened(key), intended(key.at_attempt(1))])
    await ledger.close()
    with pytest.raises(Unusable, match=rf"train@g1#1 .* cannot be seen from {there}/state: use that folder; or, "):
        await ledgers.open_ledger(settings(there, url), "project")
    ledger = await ledgers.open_ledger(settings(here, url), "project")
    await ledger.close()
    # The machine of that folder burnt down.
    (there / "state" / "ledger.id").write_text(ledger.ident)
    ledger = await ledgers.open_ledger(settings(there, url), "project")
    await ledger.record([ended(key.at_attempt(1))])
    await ledger.close()
    # Nothing runs: any folder will do.
    await (await ledgers.open_ledger(settings(tmp_path, url), "project")).close()


async def test_a_missing_driver_is_named_with_what_brings_it(tmp_path, monkeypatch):
    for name in [*sys.modules]:
        if name.startswith(("psycopg", "reconciler.ledger.postgres")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    said = settings(tmp_path, "ledger: {url: 'postgresql://db/x'}")
    with pytest.raises(Unusable, match=r"needs the driver of PostgreSQL: pip install 'plumbline-gitops\[postgres\]'"):
        await ledgers.is_known(said)


async def test_a_ledger_of_before_is_not_passed_over(tmp_path):
    await (await ledgers.open_ledger(settings(tmp_path), "project")).close()
    with pytest.raises(Unusable, match=r"the ledger of before is in .*ledger\.sqlite.*move that file away"):
        await ledgers.open_ledger(settings(tmp_path, "ledger: {url: 'postgresql://db/x'}"), "project")


@pytest.mark.parametrize("named", ["passwordFile: {folder}/secret", "passwordVariable: LEDGER_PASSWORD"])
async def test_a_password_is_read_when_it_is_asked_for(tmp_path, monkeypatch, named):
    secret = tmp_path / "secret"

    def set_password(value: str) -> None:
        secret.write_text(f"{value}\n")
        secret.chmod(0o600)
        monkeypatch.setenv("LEDGER_PASSWORD", value)

    set_password("first")
    said = settings(tmp_path, f"ledger: {{url: 'postgresql://db/x', {named.format(folder=tmp_path)}}}").ledger
    assert said is not None
    server = ledgers.server_of(said)
    assert server.password() == "first"
    set_password("second")
    assert server.password() == "second"
    assert "second" not in repr(server)
    secret.unlink()
    monkeypatch.delenv("LEDGER_PASSWORD")
    with pytest.raises(Transient, match=r"ledger\.password"):
        server.password()
    with pytest.raises(Unusable, match=r"ledger\.password"):
        ledgers.server_of(said)


async def test_a_password_that_others_can_read_is_refused(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("first")
    secret.chmod(0o644)
    said = settings(tmp_path, f"ledger: {{url: 'postgresql://db/x', passwordFile: {secret}}}")
    with pytest.raises(Unusable, match="can be read by others: chmod 600"):
        await ledgers.is_known(said)
