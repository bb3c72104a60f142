"""Orders from specs, made as the daemon makes them: compiled, bound, completed with what the backend knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from planner import keys
from planner.compile.bind import BindRequest, bind, finish_run
from planner.compile.given import CompileConfig
from planner.keys import Key
from planner.model.artifacts import Earlier
from planner.model.desired import CompiledOperation
from planner.model.run import Leases, Stamp
from planner.spec.catalogue import Connection
from reconciler.backends.kubernetes.render import knows
from reconciler.backends.kubernetes.settings import KubernetesSettings
from reconciler.ports import Order
from tests.planner.compile.trees import compiled

AT = datetime(2026, 11, 23, 6, tzinfo=UTC)
STAMP = Stamp("5f0c", 7, "default", "vision")


@dataclass(frozen=True, slots=True)
class Ask:
    """What an order is made of beside its spec."""

    settings: KubernetesSettings = field(default_factory=KubernetesSettings)
    key: Key | None = None
    grace: float = 30.0
    earlier: Earlier | None = None
    files: Mapping[str, str] = field(default_factory=dict)


def operation(text: str, ask: Ask | None = None) -> CompiledOperation:
    """The one operation of a spec."""
    ask = ask or Ask()
    settings = ask.settings
    config = CompileConfig(
        "vision",
        backend="kubernetes",
        namespace=settings.namespace,
        connections=settings.connections or None,
        namespaces=frozenset(settings.run_namespaces),
        cluster=settings.compile_rules,
    )
    state = compiled({"run.yaml": text, **ask.files}, config)
    assert len(state.roots) == 1, [str(problem) for problem in state.problems]
    return next(iter(state.roots.values()))


def order(text: str, ask: Ask | None = None) -> Order:
    """The order of the first attempt of a spec's one operation."""
    ask = ask or Ask()
    made = operation(text, ask)
    key = ask.key or keys.generation(made.name, 3)
    run = bind(
        BindRequest(
            operation=made,
            key=key,
            values={},
            upstream={},
            identity=(STAMP.instance, STAMP.project),
            commit="c" * 40,
            opened_at=AT,
            because="a golden file",
            earlier=ask.earlier,
        )
    )
    first = Order(key.at_attempt(1), replace(run, grace=ask.grace), Leases(), STAMP)
    return replace(first, run=finish_run(first.run, knows(first, ask.settings)))


def connections(*written: Mapping[str, Any]) -> dict[str, Connection]:
    """A catalogue."""
    return {one["name"]: Connection.model_validate(dict(one)) for one in written}


def job(body: str) -> str:
    """A spec of a job: `body` is what stands below `run`."""
    text = "\n".join(f"    {line}" for line in body.splitlines())
    return f"version: 1.1\nkind: operation\nname: train\ncomponent:\n  run:\n    kind: job\n{text}\n"


GOLDEN = Path(__file__).parents[4] / "tests/golden/kubernetes"
