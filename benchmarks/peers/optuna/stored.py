"""Trials by chance with optuna and its storage in SQLite: what one costs, as JSON; runs in optuna's own environment.

    python stored.py FOLDER TRIALS -> {"cpu": 12.3, "wall": 30.1, "journal": "delete", "synchronous": 2}

CPU and wall are seconds for all trials. The storage is as it comes: each step of a trial is a transaction of its own.
"""

from __future__ import annotations

import json
import sys
import time
import warnings

import optuna
import sqlalchemy

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.simplefilter("ignore")


def main(folder: str, count: int) -> None:
    """Ask for so many trials, and print what that took."""
    storage = optuna.storages.RDBStorage(f"sqlite:///{folder}/study.db")
    study = optuna.create_study(storage=storage, sampler=optuna.samplers.RandomSampler(seed=0), study_name="s")
    space = {
        "rate": optuna.distributions.FloatDistribution(1e-5, 1.0, log=True),
        "depth": optuna.distributions.FloatDistribution(0.0, 1.0),
    }
    study.ask(space)
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(count):
        study.ask(space)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    assert len(study.get_trials(deepcopy=False)) == count + 1
    with storage.engine.connect() as connection:
        said = [
            connection.execute(sqlalchemy.text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous")
        ]
    answer = {"cpu": cpu, "wall": wall, "journal": said[0], "synchronous": said[1]}
    print(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
