"""Planted bugs: each patch undoes one law, and the simulation must notice. A permanent control of its invariants."""

from __future__ import annotations

import re

import pytest

from tests.simulation.processes import ROOT, copy_with, start
from tests.simulation.run import INVARIANTS, run_short, shows
from tests.simulation.shorts import SHORTS

pytestmark = pytest.mark.simulation

PATCHES = sorted((ROOT / "tests/simulation/bugs").glob("*.patch"))
SEEDS = 300
"""A bug that so many histories do not show is not caught."""
SWEEPING = frozenset({"a-place-too-many-in-a-sweep", "a-suggestion-by-what-has-arrived"})
"""Bugs of sweeps: looked for in histories of people who sweep."""


def breaks(text: str) -> list[str]:
    """The invariants that a patch says it breaks, in its second line."""
    line = text.splitlines()[1]
    assert re.fullmatch(r"Breaks: [\w-]+(, [\w-]+)*", line), line
    return line.removeprefix("Breaks: ").split(", ")


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.stem)
def test_a_planted_bug_is_caught_by_what_it_breaks(patch, tmp_path, record_property):
    """A patch that has rotted crashes: that is no catch, nor is it where something crashed besides."""
    expected = breaks(patch.read_text())
    kind = ["--sweeps"] if patch.stem in SWEEPING else []
    seeds = [*kind, "--seeds", f"0:{SEEDS}", "--until", ",".join(expected)]
    arguments = ["--short", patch.stem] if patch.stem in SHORTS else seeds
    ran = start(arguments, copy_with(patch, tmp_path / "tree")).wait()
    caught = {seed: sorted(found) for seed, found in ran.violations.items() if shows(found, expected)}
    record_property("simulation", f"{patch.stem}: caught by {caught or 'nothing'}")

    assert caught, {seed: {name: words[0] for name, words in found.items()} for seed, found in ran.violations.items()}


@pytest.mark.parametrize("name", SHORTS)
def test_a_short_history_breaks_nothing_without_its_bug(name):
    assert run_short(name).violations == {}


@pytest.mark.parametrize(
    ("found", "caught"),
    [
        pytest.param({"I4"}, True, id="expected"),
        pytest.param({"I4", "I25"}, True, id="expected-beside-another"),
        pytest.param({"I25"}, False, id="another"),
        pytest.param({"the world"}, False, id="the-world"),
        pytest.param({"I4", "no-crash"}, False, id="after-a-crash"),
        pytest.param(set(), False, id="nothing"),
    ],
)
def test_a_bug_is_caught_by_nothing_but_what_it_breaks(found, caught):
    assert shows(found, ["I4"]) is caught


def test_there_are_as_many_bugs_as_we_say_and_each_names_what_it_breaks():
    assert len(PATCHES) >= 12
    named = {name for patch in PATCHES for name in breaks(patch.read_text())}
    assert named <= set(INVARIANTS) - {"no-crash"}
    assert SWEEPING <= {patch.stem for patch in PATCHES}
