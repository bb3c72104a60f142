"""Every file of the corpus has exactly the problems that its first line expects."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.spec.load import load

pytestmark = pytest.mark.unit

CORPUS = Path(__file__).parent / "corpus"
FILES = sorted(CORPUS.glob("*.yaml"))


def expected(text: str) -> list[str]:
    said = text.splitlines()[0].removeprefix("# expect: ")
    return [] if said == "ok" else said.split("; ")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_corpus(file):
    data = file.read_bytes()
    loaded = load(file.name, data)
    found = [f"{problem.place.line}:{problem.place.column} {problem.code}" for problem in loaded.problems]
    assert found == expected(data.decode()), "\n".join(map(str, loaded.problems))
    assert loaded.valid == (not found)


def test_the_corpus_is_there():
    assert len(FILES) > 15
