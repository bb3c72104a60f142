"""What plans has another name as soon as the code or the calendar may be another."""

from __future__ import annotations

import os
import zoneinfo

import pytest

from reconciler import edition

pytestmark = pytest.mark.unit


@pytest.fixture
def zones(tmp_path, monkeypatch):
    """A zone database with one zone."""
    top = tmp_path / "zoneinfo"
    (top / "Europe").mkdir(parents=True)
    (top / "Europe/Berlin").write_bytes(b"TZif2 summer")
    os.utime(top / "Europe/Berlin", ns=(0, 0))
    monkeypatch.setattr(zoneinfo, "TZPATH", (str(top), str(tmp_path / "missing")))
    return top


def test_the_same_code_with_the_same_calendar_is_the_same(zones):
    assert edition.edition() == edition.edition()
    assert len(edition.edition()) == 32


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda top: (top / "Europe/Berlin").write_bytes(b"TZif2 winter"), id="written again"),
        pytest.param(lambda top: (top / "Europe/Paris").write_bytes(b""), id="another zone"),
        pytest.param(lambda top: (top / "Europe/Berlin").unlink(), id="a zone less"),
        pytest.param(lambda top: (top / "Europe").rename(top / "Europa"), id="another name"),
    ],
)
def test_another_zone_database_is_another(zones, change):
    before = edition.edition()
    change(zones)
    assert edition.edition() != before


def test_copies_of_the_zones_are_not_looked_at(zones):
    before = edition.edition()
    (zones / "posix").mkdir()
    (zones / "posix/Europe").write_bytes(b"")
    assert edition.edition() == before


def test_another_planner_is_another(zones, tmp_path, monkeypatch):
    before = edition.edition()
    (tmp_path / "planner").mkdir()
    (tmp_path / "planner/plan.py").write_text("later = True")
    packages = edition._packages
    monkeypatch.setattr(edition, "_packages", lambda *names: [*packages(*names), tmp_path / "planner"])
    assert edition.edition() != before


def test_another_croniter_is_another(zones, monkeypatch):
    before = edition.edition()
    monkeypatch.setattr(edition.metadata, "version", lambda _: "99")
    assert edition.edition() != before
