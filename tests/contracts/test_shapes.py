"""Adapters in memory and those of tests have the methods of their ports, and wait where these wait."""

from __future__ import annotations

import inspect

import pytest

from reconciler import ports
from reconciler.backends.memory import MemoryBackend
from reconciler.forges.branches import BranchPulls
from reconciler.forges.memory import MemoryForge, SilentForge
from reconciler.ledger.memory import MemoryLedger
from reconciler.ports_pulls import Pulls
from reconciler.source.memory import MemorySource
from reconciler.source.port import Source
from reconciler.source.repository import GitSource
from tests.reconciler.pulls.world import MemoryPulls

PAIRS = [
    (ports.Backend, MemoryBackend),
    (ports.Forge, MemoryForge),
    (ports.Forge, SilentForge),
    (ports.Ledger, MemoryLedger),
    (Pulls, BranchPulls),
    (Pulls, MemoryPulls),
    (Source, MemorySource),
    (Source, GitSource),
]


@pytest.mark.parametrize(("port", "adapter"), PAIRS, ids=lambda one: one.__name__)
def test_an_adapter_is_as_its_port(port, adapter):
    methods = {name: one for name, one in vars(port).items() if inspect.isfunction(one) and not name.startswith("_")}
    assert methods
    for name, method in methods.items():
        own = getattr(adapter, name)
        assert inspect.iscoroutinefunction(own) == inspect.iscoroutinefunction(method), name
        assert list(inspect.signature(own).parameters) == list(inspect.signature(method).parameters), name
