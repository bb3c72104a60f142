"""Suggestions of optuna, one JSON object a line, in optuna's own environment.

Its samplers as they come: nothing is set but the seed, and `constant_liar` of the Parzen estimators where trials are
pending, as its documentation advises there. Hyperband prunes what its random sampler suggests, as ours does.

    {"do": "start", "sampler": "tpe" | "gp" | "hyperband", "space": [...], "seed": 0, "pending": 1, "most": 27, "eta":
    3} -> {"ok": true} {"do": "ask"} -> {"number": 0, "params": {"x": 0.5}} {"do": "report", "number": 0, "step": 1,
    "value": 0.1} -> {"prune": false} {"do": "tell", "number": 0, "value": 0.1, "pruned": false} -> {"ok": true}
"""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import GPSampler, RandomSampler, TPESampler
from optuna.trial import TrialState

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.simplefilter("ignore")


class Study:
    """One study: what is asked of it goes to optuna as it is."""

    def __init__(self, question: dict[str, Any]) -> None:
        self.space = {item["name"]: _distribution(item) for item in question["space"]}
        seed, kind = question["seed"], question["sampler"]
        pruner = optuna.pruners.NopPruner()
        if kind == "tpe":
            sampler = TPESampler(seed=seed, constant_liar=question["pending"] > 1)
        elif kind == "gp":
            import torch

            torch.set_num_threads(1)
            sampler = GPSampler(seed=seed)
        else:
            sampler = RandomSampler(seed=seed)
            pruner = optuna.pruners.HyperbandPruner(
                min_resource=1, max_resource=question["most"], reduction_factor=question["eta"]
            )
        self.study = optuna.create_study(sampler=sampler, pruner=pruner, study_name=f"s{seed}")
        self.trials: dict[int, optuna.Trial] = {}

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        if question["do"] == "ask":
            trial = self.study.ask(self.space)
            self.trials[trial.number] = trial
            return {"number": trial.number, "params": trial.params}
        trial = self.trials[question["number"]]
        if question["do"] == "report":
            trial.report(question["value"], question["step"])
            return {"prune": trial.should_prune()}
        if question.get("pruned"):
            self.study.tell(trial, state=TrialState.PRUNED)
        else:
            self.study.tell(trial, question["value"])
        return {"ok": True}


def _distribution(item: dict[str, Any]) -> Any:
    match item["kind"]:
        case "choice":
            return CategoricalDistribution(item["values"])
        case "int":
            return IntDistribution(item["low"], item["high"])
        case kind:
            return FloatDistribution(item["low"], item["high"], log=kind == "log")


def main() -> None:
    """Answers until the questions end."""
    study: Study | None = None
    for line in sys.stdin:
        question = json.loads(line)
        if question["do"] == "start":
            study, answer = Study(question), {"ok": True}
        else:
            assert study
            answer = study.answer(question)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
