"""The acts: what is pushed, and what must be true afterwards. The order is the story."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.demo.watch import Theatre

__all__ = ["ACTS", "Act", "Check"]

View = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Check:
    """Something that must be so after an act."""

    says: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Act:
    """One push and what follows.

    Attributes:
        title: what a spectator should see.
        message: of the commit.
        change: edits the clone.
        checks: what must be so once the commit's status is final.
        branch: as which it is pushed before, to see what merging it would do; "" for none.
    """

    title: str
    message: str
    change: Callable[[Theatre], None]
    checks: Callable[[Theatre, View], list[Check]]
    branch: str = ""


def _nothing(_: Theatre) -> None:
    return


def _all_ran(theatre: Theatre, commit: View) -> list[Check]:
    service = theatre.operation("predict")
    named = {status["operation"] for status in commit["statuses"]} - {""}
    return [
        Check("the commit succeeded", commit["state"] == "success"),
        Check("every operation of the commit has a status", named == {one["operation"] for one in commit["changes"]}),
        Check("the DAG's three nodes ran once each", theatre.attempts("digits@g1/") == [1, 1, 1]),
        Check("the service answers", bool(service and service["state"] in {"ready", "running", "up"})),
    ]


def _edit(theatre: Theatre) -> None:
    """Change code that one operation alone sees: what a run sees of the repository is its identity."""
    path = theatre.stage.clone / "digits" / "profile_data.py"
    path.write_text(f"{path.read_text().rstrip()}\n\n# Looked at again.\n")


def _one_ran(theatre: Theatre, commit: View) -> list[Check]:
    changed = [change["operation"] for change in commit["changes"]]
    return [
        Check("only that operation changed", changed == ["profile-data"]),
        Check("only that operation ran again", theatre.new_runs() == ["profile-data@g2"]),
        Check("the commit succeeded", commit["state"] == "success"),
    ]


def _compare(theatre: Theatre) -> None:
    theatre.stage.add_later("compare.yaml", "announce.yaml")


def _compared(theatre: Theatre, commit: View) -> list[Check]:
    found = theatre.outputs("compare@g1/choose")
    return [
        Check("the commit succeeded", commit["state"] == "success"),
        Check("the data were prepared before: cached", theatre.reason("compare@g1/prepare").startswith("cached from")),
        Check("a join found both networks", found.get("compared") == 2),
        Check("a hook wrote a page on digits", theatre.comes("digits@hook-")),
        Check("the end of compare started announce", theatre.comes("announce@ev-")),
        Check("the preview of the branch became what came of it", theatre.previewed(str(commit["commit"]), "merged")),
    ]


def _tune(theatre: Theatre) -> None:
    theatre.stage.add_later("tune.yaml")


def _tuned(theatre: Theatre, commit: View) -> list[Check]:
    point, accuracy = theatre.best("tune@g1/search", "validation_accuracy")
    judged = theatre.outputs("tune@g1/evaluate")
    return [
        Check("the commit succeeded", commit["state"] == "success"),
        Check("the sweep ran six trials once each", theatre.attempts("tune@g1/search/") == [1] * 6),
        Check("one of them is the best", bool(point) and accuracy > 0.9),
        Check("the best one was evaluated", float(judged.get("accuracy", 0)) > 0.9),
    ]


def _break(theatre: Theatre) -> None:
    path = theatre.stage.clone / "ops" / "digits.yaml"
    theatre.before = path.read_text()
    path.write_text(theatre.before.replace("    operations:", "    operatoins:", 1))


def _held(theatre: Theatre, commit: View) -> list[Check]:
    service = theatre.operation("predict")
    return [
        Check("the commit failed", commit["state"] == "failure"),
        Check("the problem is named with its place", "ops/digits.yaml:" in commit["firstProblem"]),
        Check("nothing ran", theatre.new_runs() == []),
        Check("nothing was stopped or removed", bool(service and service["state"] in {"ready", "running", "up"})),
        Check("the broken operation is still in force", theatre.operation("digits") is not None),
    ]


def _revert(theatre: Theatre) -> None:
    (theatre.stage.clone / "ops" / "digits.yaml").write_text(theatre.before)


def _mended(theatre: Theatre, commit: View) -> list[Check]:
    return [
        Check("the commit succeeded", commit["state"] == "success"),
        Check("nothing ran again", theatre.new_runs() == []),
    ]


def _remove(theatre: Theatre) -> None:
    (theatre.stage.clone / "ops" / "predict.yaml").unlink()


def _stopped(theatre: Theatre, commit: View) -> list[Check]:
    return [
        Check("the commit succeeded", commit["state"] == "success"),
        Check("the service is stopped", theatre.run_status("predict@g1") == "stopped"),
        Check("only the service was removed", [item["operation"] for item in commit["changes"]] == ["predict"]),
    ]


ACTS = (
    Act("push the sample: a DAG, a job, a service, two schedules", "Add the digits operations", _nothing, _all_ran),
    Act("change the code of one operation: only that one runs again", "Look at the profile again", _edit, _one_ran),
    Act(
        "add a comparison, on a branch first: what was done is cached, a join finds networks, an event announces it",
        "Compare networks",
        _compare,
        _compared,
        branch="feature/compare",
    ),
    Act(
        "search for a better network: a sweep of six trials, two at a time, and the best one is evaluated",
        "Tune the network",
        _tune,
        _tuned,
    ),
    Act("push a broken spec: told where, nothing stopped", "Break the DAG's spec", _break, _held),
    Act("revert it", 'Revert "Break the DAG\'s spec"', _revert, _mended),
    Act("remove the service: it is stopped", "Remove the service", _remove, _stopped),
)
