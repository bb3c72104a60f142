"""The project against Polyaxon: what is taken, and what operations over components come to.

Every disagreement is a defect of ours, or an entry of `differences`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest

from benchmarks.stage import ROOT
from planner.errors import Problem
from planner.spec.load import load
from tests.generate import STRATEGIES, Case, documents, pairs
from tests.generate.each import each_field
from tests.peers.compare import differing, plain
from tests.peers.differences import ACCEPTED, MERGED, REFUSED
from tests.peers.ours import errors, laid_over

RANDOM = 5000
"""Documents from a seed; those of `each_field` come on top."""
READ = 3000
PAIRS = 2400
MOST_MEANT = 0.02
"""Of the pairs, this share may differ on purpose."""
UNMERGED = frozenset({"version", "kind", "contexts", "presets"})
"""What says nothing of a merge."""
LOOKED_AT = 1500
SHOWN = 40


@dataclass(frozen=True)
class Seen:
    """What both sides say of a document: nothing for a document that is taken."""

    case: Case
    ours: tuple[Problem, ...]
    theirs: str

    def __str__(self) -> str:
        ours = "; ".join(map(str, self.ours))[:300] or "taken"
        theirs = self.theirs[-300:] or "taken"
        return f"{self.case.seed} ({self.case.fault or 'valid'})\n   ours: {ours}\n   theirs: {theirs}"


@pytest.mark.parametrize("entry", [*REFUSED, *ACCEPTED, *MERGED], ids=lambda entry: entry.rule)
def test_every_entry_names_a_test_of_ours(entry):
    path, _, name = entry.test.partition("::")
    assert f"def {name}(" in (ROOT / path).read_text()


def looked_at(polyaxon):
    cases = [*documents("specs", RANDOM), *each_field("each", LOOKED_AT)]
    questions = [{"do": "check", "files": {"a.yaml": case.text}, "main": "a.yaml"} for case in cases]
    for case, answer in zip(cases, polyaxon.ask_all(questions), strict=True):
        yield Seen(case, errors({"a.yaml": case.text}, "a.yaml"), "" if answer["ok"] else answer["why"])


def explained(seen, used):
    """Whether both sides agree, or entries say why not."""
    if bool(seen.ours) == bool(seen.theirs):
        return True
    if seen.theirs:
        entries = [entry.rule for entry in ACCEPTED if entry.covers(seen.theirs, seen.case.value)][:1]
        used.update(entries)
        return bool(entries)
    by_problem = [[entry.rule for entry in REFUSED if entry.covers(one, seen.case.value)] for one in seen.ours]
    used.update(rules[0] for rules in by_problem if rules)
    return all(by_problem)


def test_the_same_documents_are_taken(polyaxon):
    used = Counter()
    both = Counter()
    disagreed = []
    for seen in looked_at(polyaxon):
        both[bool(seen.ours), bool(seen.theirs)] += 1
        if not explained(seen, used):
            disagreed.append(seen)
    assert not disagreed, f"{len(disagreed)} disagreements:\n" + "\n".join(map(str, disagreed[:SHOWN]))
    assert both[False, False] > RANDOM / 3, "the generator makes too few valid documents to prove anything"
    dead = {entry.rule for entry in (*REFUSED, *ACCEPTED)} - used.keys()
    assert not dead, f"entries that no document needs: {dead}"


def test_the_same_values_are_read(polyaxon):
    loaded = [(case, load("a.yaml", case.text.encode())) for case in documents("read", READ) if not case.fault]
    loaded = [(case, file.documents[0]) for case, file in loaded if file.valid]
    answers = polyaxon.ask_all([{"do": "read", "document": document.value} for _, document in loaded])
    wrong = [
        f"{case.seed}: {place}: ours {ours!r}, theirs {theirs!r}"
        for (case, document), answer in zip(loaded, answers, strict=True)
        for place, ours, theirs in differing(plain(document.spec), answer["read"])
    ]
    assert not wrong, f"{len(wrong)} values:\n" + "\n".join(wrong[:SHOWN])
    assert len(loaded) > READ / 3, "the generator makes too few valid documents to prove anything"


def merged(polyaxon):
    """Pairs that both sides merge, with the places where they differ; both refuse the others."""
    made = list(pairs("pairs", PAIRS))
    asked = [{"do": "merge", "operation": pair.operation, "preset": pair.preset} for pair in made]
    for pair, answer in zip(made, polyaxon.ask_all(asked), strict=True):
        ours, problems = laid_over(pair)
        assert answer["ok"] == (not problems), f"{pair.seed}: {problems} {answer.get('why')}"
        if answer["ok"]:
            both = ({key: item for key, item in one.items() if key not in UNMERGED} for one in (ours, answer["merged"]))
            yield pair, list(differing(*both))


def meant(pair, place, ours, theirs):
    return next((entry.rule for entry in MERGED if entry.covers(pair, place, ours, theirs)), "")


def test_operations_over_components_come_to_the_same(polyaxon):
    compared, used, on_purpose, wrong = Counter(), Counter(), 0, []
    for pair, differences in merged(polyaxon):
        compared[pair.operation["patchStrategy"]] += 1
        rules = [meant(pair, *difference) for difference in differences]
        used.update(filter(None, rules))
        on_purpose += bool(rules)
        wrong += [
            f"{pair.seed} {place}: ours {ours!r}, theirs {theirs!r}"
            for (place, ours, theirs), rule in zip(differences, rules, strict=True)
            if not rule
        ]
    assert not wrong, f"{len(wrong)} values:\n" + "\n".join(wrong[:SHOWN])
    assert all(compared[strategy] >= 500 for strategy in STRATEGIES), compared
    assert on_purpose <= MOST_MEANT * compared.total()
    assert not {entry.rule for entry in MERGED} - used.keys(), "entries that no pair needs"
