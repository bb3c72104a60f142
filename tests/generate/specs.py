"""Whole documents: components, operations, DAGs and presets (reference, sections 2 to 5 and 12)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from tests.generate import io, matrix, runs, sections, timing
from tests.generate.dice import Dice, Free

VERSION = 1.1


@dataclass(frozen=True)
class Case:
    """A document.

    Attributes:
        seed: makes it again: `document(seed)`.
        fault: what was planted, or "" where nothing was.
        value: the document.
    """

    seed: str
    fault: str
    value: dict[str, Any]

    @property
    def text(self) -> str:
        """As YAML."""
        return text_of(self.value)


def text_of(value: Any) -> str:
    """A document as YAML."""
    return yaml.dump(_plain(value), sort_keys=False, Dumper=yaml.CSafeDumper, width=100)


def _plain(value: Any) -> Any:
    """A copy of equal parts of its own, so that YAML needs no anchors."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def documents(seed: object, count: int) -> Iterator[Case]:
    """So many documents."""
    for number in range(count):
        yield document(f"{seed}/{number}")


def document(seed: str) -> Case:
    """The document of that seed: half of them are valid, the other half have one planted fault."""
    from tests.generate.faults import with_fault

    dice = Dice(seed)
    made = valid(dice)
    if dice.chance(0.5):
        return Case(seed, "", made)
    fault, made = with_fault(dice, made)
    return Case(seed, fault, made)


def valid(dice: Dice) -> dict[str, Any]:
    """A valid document of any kind."""
    shape = dice.pick(["component", *["operation"] * 4, "sweep", "dag", "reference", "preset", "event"])
    match shape:
        case "component":
            made, _ = component(dice)
            return {"version": VERSION, **made, "kind": "component"}
        case "sweep":
            return sweep(dice)
        case "dag":
            return dag(dice)
        case "reference":
            ref = dice.pick([{"hubRef": "acme/train:1"}, {"urlRef": "https://example.org/train.yaml"}])
            return {"version": VERSION, "kind": "operation", **ref} | shared(dice) | extras(dice)
        case "preset":
            return preset(dice)
        case _:
            return operation(dice)


def shared(dice: Dice) -> dict[str, Any]:
    """Fields that components and operations share."""
    return dice.fields(
        ("name", 0.7, dice.name),
        ("description", 0.3, lambda: "what it does"),
        ("tags", 0.3, lambda: dice.pick([dice.names(), "a, b"])),
        ("presets", 0.01, dice.names),
        ("queue", 0.15, lambda: dice.pick(["agent/gpu", "gpu"])),
        ("namespace", 0.05, dice.word),
        ("cache", 0.15, lambda: sections.cache(dice)),
        ("termination", 0.3, lambda: sections.termination(dice)),
        ("plugins", 0.2, lambda: sections.plugins(dice)),
        ("hooks", 0.1, lambda: [sections.hook(dice) for _ in range(dice.whole(1, 2))]),
        ("build", 0.06, lambda: sections.build(dice)),
        ("isApproved", 0.06, lambda: dice.chance(0.5)),
        ("cost", 0.05, lambda: dice.pick([0, 1.5, 3])),
        ("mount", 0.04, lambda: sections.mount(dice)),
        ("template", 0.04, lambda: sections.template(dice)),
    )


def component(dice: Dice, kind: str = "") -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A component, and its inputs."""
    inputs = io.inputs(dice) if dice.chance(0.7) else []
    outputs = {"outputs": io.outputs(dice)} if dice.chance(0.4) else {}
    run = runs.run(dice, kind)
    made = dice.fields(("version", 0.1, lambda: VERSION), ("kind", 0.3, lambda: "component"))
    made |= {key: part for key, part in shared(dice).items() if key not in {"template", "mount"}}
    made |= ({"inputs": inputs} if inputs else {}) | outputs | {"run": run}
    _fitting(made, run["kind"])
    return made, inputs


def _fitting(made: dict[str, Any], kind: str) -> None:
    if kind == "dag":
        made.pop("build", None)


def extras(dice: Dice) -> dict[str, Any]:
    """Fields of operations only."""
    return dice.fields(
        ("patchStrategy", 0.15, lambda: dice.pick(sections.STRATEGIES)),
        ("schedule", 0.15, lambda: timing.schedule(dice)),
        ("joins", 0.06, lambda: [timing.join(dice)]),
        ("trigger", 0.06, lambda: dice.pick(timing.TRIGGERS)),
        ("conditions", 0.08, lambda: dice.pick(["{{ globals.iteration == 1 }}", "true"])),
        ("skipOnUpstreamSkip", 0.05, lambda: dice.chance(0.5)),
        ("events", 0.005, lambda: [timing.event(dice, "ops.other")]),
    )


def operation(dice: Dice, kind: str = "") -> dict[str, Any]:
    """An operation with its component inside."""
    made, inputs = component(dice, kind)
    found = {"version": VERSION, "kind": "operation"} | shared(dice)
    _fitting(found, made["run"]["kind"])
    params = io.params(dice, inputs)
    if params:
        found["params"] = params
    if dice.chance(0.2):
        found["runPatch"] = run_patch(dice, made["run"])
    return found | extras(dice) | {"component": made}


def run_patch(dice: Dice, run: dict[str, Any]) -> dict[str, Any]:
    """A patch that fits a run."""
    parts = {key: part for key, part in runs.parts(dice).items() if dice.chance(0.6)}
    if "container" in parts:
        parts["container"].pop("image", None)
    kind = run["kind"]
    if kind in runs.REPLICAS and dice.chance(0.6):
        return {dice.pick([role for role in runs.REPLICAS[kind] if role in run]): parts}
    if kind == "raycluster":
        return {"head": parts}
    if kind in {"daskcluster", "mpijob"}:
        return {"worker": parts}
    return parts


def sweep(dice: Dice, kind: str = "") -> dict[str, Any]:
    """An operation with a matrix."""
    found, types = matrix.matrix(dice, kind)
    inputs = [{"name": name, "type": type_} for name, type_ in types.items()]
    for name, type_ in types.items():
        dice.scope.setdefault(type_, []).append(name)
    run = runs.run(dice, "job")
    own = shared(dice)
    return (
        {"version": VERSION, "kind": "operation", **own, "matrix": found}
        | extras(dice)
        | {"component": {"inputs": inputs, "run": run}}
    )


def preset(dice: Dice) -> dict[str, Any]:
    """An operation that is laid over others."""
    made = {"kind": "operation", "isPreset": True, "name": dice.name()} | shared(dice)
    if dice.chance(0.5):
        made["version"] = VERSION
    patch = {key: part for key, part in runs.parts(dice).items() if dice.chance(0.5)}
    return made | dice.fields(
        ("patchStrategy", 0.4, lambda: dice.pick(sections.STRATEGIES)), ("runPatch", 0.8, lambda: patch)
    )


def dag(dice: Dice) -> dict[str, Any]:
    """An operation that runs a DAG."""
    library = [component(Dice(f"{dice.random.random()}")) for _ in range(dice.whole(0, 2))]
    for number, (made, _) in enumerate(library):
        made["name"] = f"part-{number}"
    nodes: list[dict[str, Any]] = []
    for number in range(dice.whole(1, 5)):
        nodes.append(_node(dice, f"step-{number}", library, nodes))
    run: dict[str, Any] = {"kind": "dag", "operations": nodes}
    if library:
        run["components"] = [made for made, _ in library]
    run |= dice.fields(
        ("concurrency", 0.3, lambda: dice.whole(1, 4)),
        ("environment", 0.2, lambda: sections.environment(dice)),
        ("earlyStopping", 0.15, lambda: matrix.stopping(dice)),
        ("connections", 0.1, dice.names),
    )
    found = {"version": VERSION, "kind": "operation"} | shared(dice)
    _fitting(found, "dag")
    return found | {"component": {"run": run}}


def _node(
    dice: Dice, name: str, library: list[tuple[dict[str, Any], list[dict[str, Any]]]], before: list[dict[str, Any]]
) -> dict[str, Any]:
    inner = Dice(f"{dice.random.random()}", 100)
    if library and dice.chance(0.5):
        made, inputs = dice.pick(library)
        source: dict[str, Any] = {"dagRef": made["name"]}
    else:
        made, inputs = component(inner)
        source = {"component": made}
    params = io.params(inner, inputs)
    if before and dice.chance(0.4):
        params["up"] = {"ref": f"ops.{dice.pick(before)['name']}", "value": "globals.uuid", "contextOnly": True}
    found = {"name": name, **source} | ({"params": params} if params else {})
    found |= dice.fields(
        ("trigger", 0.2, lambda: dice.pick(timing.TRIGGERS)),
        ("conditions", 0.08, lambda: "true"),
        ("skipOnUpstreamSkip", 0.1, lambda: dice.chance(0.5)),
        ("termination", 0.2, lambda: sections.termination(inner)),
    )
    if before and dice.chance(0.4):
        found["dependencies"] = [one["name"] for one in dice.some(before, 1, 2)]
    if before and dice.chance(0.08):
        found["events"] = [timing.event(dice, f"ops.{before[0]['name']}")]
    return found


__all__ = ["Case", "Free", "component", "dag", "document", "documents", "operation", "sweep", "text_of", "valid"]
