"""What a daemon compiles by is the same on the other side of its socket."""

import json

import pytest

from planner.compile import CompileConfig
from planner.model.cluster import Allow, ClusterRules
from planner.model.engine import EngineAllow, EngineRules
from planner.spec.catalogue import Connection
from planner.spec.queues import Queue
from reconciler.compiling_as import config_from, config_view

pytestmark = pytest.mark.unit

BUCKET = {
    "name": "bucket",
    "kind": "s3",
    "schema": {"bucket": "s3://models"},
    "secret": {"name": "keys", "mountPath": "/keys", "items": ["id"]},
    "configMap": {"name": "more"},
    "env": {"REGION": "eu"},
    "annotations": {"example.org/egress": "s3"},
}
NOTHING = CompileConfig("vision", fixed=True)
CLUSTER = CompileConfig(
    "vision",
    instance="west",
    backend="kubernetes",
    namespace="ml",
    slots={"gpu": 4},
    prune=False,
    fixed=True,
    connections={"bucket": Connection.model_validate(BUCKET)},
    queues={"gold": Queue.model_validate({"runs": 2, "resources": {"nvidia.com/gpu": 8}, "priority": 3}), "b": Queue()},
    namespaces=frozenset({"research", "ml"}),
    cluster=ClusterRules(frozenset({Allow.ROOT}), ("trainer",), ("s3-*",), (), user=None, group=None, agent=True),
)
ENGINE = CompileConfig(
    "vision",
    backend="engine",
    fixed=True,
    environments=frozenset(),
    connections={},
    engine=EngineRules(frozenset({EngineAllow.VOLUMES})),
)


@pytest.mark.parametrize("config", [NOTHING, CLUSTER, ENGINE], ids=["nothing", "cluster", "engine"])
def test_there_and_back(config):
    assert config_from(json.loads(json.dumps(config_view(config)))) == config


def test_every_field_is_told():
    told = {*config_view(NOTHING), "fixed"}
    assert told == set(CompileConfig.__dataclass_fields__)


@pytest.mark.parametrize(
    "change",
    [
        {"backend": None, "connections": [1]},
        {"environments": "a"},
        {"cluster": {"allow": ["of a later version"]}},
        {"queues": {"a": {"unheard": 1}}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_another_version_says_is_no_crash(change):
    with pytest.raises(ValueError, match=r"."):
        config_from({**config_view(CLUSTER), **change})


def test_what_says_less_is_no_crash():
    whole = config_view(CLUSTER)
    for name in whole:
        with pytest.raises(ValueError, match="not what a daemon compiles by"):
            config_from({key: value for key, value in whole.items() if key != name})
