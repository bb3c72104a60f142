"""What of other runs is brought into a pod: what its order names, as exactly as that can be told."""

import pytest

from planner import keys
from planner.model.gang import Container, Gang, Replica
from planner.model.run import BoundRun, Leases, Stamp
from reconciler.backends.kubernetes.reads import Read, own_folder, reads
from reconciler.ports import Order

pytestmark = pytest.mark.unit

KEY = keys.generation("eval", 1)
R = "/plumbline/runs"


def order(*, params=None, inputs=None, args=(), env=None, **context):
    container = Container(image="i", command=("python",), args=tuple(args), env=env or {})
    said = {"params": params or {}, "inputs": inputs or {}, **context}
    run = BoundRun(KEY, "job", "d1:0", Gang((Replica("main", 1, container),)), said)
    return Order(KEY.at_attempt(1), run, Leases(), Stamp("l", 1, "i", "p"))


MODEL = f"{R}/train-1/artifacts/outputs/model.bin"


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({}, []),
        ({"params": {"m": MODEL}}, [Read("train-1", "outputs/model.bin")]),
        ({"params": {"m": MODEL}, "args": [f"--model={MODEL}"]}, [Read("train-1", "outputs/model.bin")]),
        ({"params": {"m": MODEL}, "args": [f"{MODEL}.old"]}, [Read("train-1")]),
        ({"params": {"m": MODEL}, "args": [f"cat {MODEL}; ls {MODEL}/x"]}, [Read("train-1", "outputs/model.bin")]),
        ({"inputs": {"all": [{"files": [MODEL, f"{R}/train-2/artifacts/outputs"]}]}},
         [Read("train-1", "outputs/model.bin"), Read("train-2", "outputs")]),
        ({"params": {"a": MODEL, "b": f"{R}/train-1/artifacts/outputs"}}, [Read("train-1", "outputs")]),
        ({"params": {"a": MODEL, "b": f"{R}/train-1/artifacts"}}, [Read("train-1")]),
        ({"args": [f"cp {R}/train-1/artifacts/outputs/a.csv ."]}, [Read("train-1")]),
        ({"env": {"MODEL": MODEL}}, [Read("train-1")]),
        ({"upstream": {"train": {"artifacts": f"{R}/train-1/artifacts"}}}, []),
        ({"params": {"m": f"{R}/../etc/passwd"}}, []),
        ({"params": {"m": f"{R}/train-1/artifacts/../../train-2"}}, []),
        ({"params": {"m": f"{R}/.hidden/artifacts"}}, []),
        ({"params": {"m": f"{R}/train-1/clones.json"}}, []),
        ({"args": [R, f"{R}/"]}, []),
    ],
)  # fmt: skip
def test_what_is_brought(said, found):
    assert list(reads(order(**said))) == found


def test_its_own_folder_is_nobody_elses():
    made = order()
    assert list(reads(order(args=[f"{own_folder(made)}/outputs"]))) == []
