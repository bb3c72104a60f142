"""Makes docs/spec from the models: every field with its type, default, class of digests and meaning.

`python scripts/docs.py` writes the pages; a test compares them with what this gives. Nothing in those pages is written
by hand.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from planner.model.lifecycle import MEANINGS, SETS, TRANSITIONS
from planner.model.status import FINAL, RunStatus
from planner.spec.fields import LANGUAGE
from planner.spec.json_schema import document_schema
from planner.spec.shape import Section
from reconciler.docstrings import described
from scripts import docs_backends, docs_chart

ROOT = Path(__file__).resolve().parents[1]
FOLDER = "docs/spec"
PAGES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "operation": ("Operations", ("operation", "template_section", "mount")),
    "component": ("Components", ("component",)),
    "io": ("Inputs, outputs and params", ("io", "params")),
    "run": ("Runs", ("run",)),
    "distributed": ("Distributed runs", ("replicas", "replicas_cluster")),
    "container": ("Containers and their surroundings", ("container", "probe", "environment")),
    "init": ("What is put in place before a run", ("init", "composites")),
    "matrix": ("Sweeps", ("matrix", "optimization", "early_stopping")),
    "distributions": ("Distributions of a sweep", ("distributions", "spaces", "date_spaces")),
    "schedule": ("Schedules and events", ("schedule", "events")),
    "joins": ("Joins", ("joins",)),
    "around": ("Around a run", ("termination", "cache", "plugins", "hooks", "build")),
}
"""Pages by file name: title, and the modules whose sections they show."""
_MADE = "<!-- made by `make docs` from the models: do not edit -->\n\n"
_LIFE = """How the status of a run moves. *Decided* and *intent* are records that planning makes; *seen* and *attempt
ended* are what a backend said. A final status is left by nothing but a retry, which begins another round. A DAG is
`created` until its operations have told how it ends; what `status` shows of it meanwhile is told by them.

`queued`, `unschedulable` and `unknown` are what clusters say; runs on one machine have none of them."""
_MANY = 6
"""Alternatives that are named one by one at most."""
_TEMPLATE = r"\{\{"


def pages() -> dict[str, str]:
    """The text of every page by its path from the root of the repository."""
    found = {f"{FOLDER}/{name}.md": _page(name) for name in PAGES}
    return {
        **found,
        f"{FOLDER}/README.md": _index(),
        f"{FOLDER}/digests.md": _digests(),
        "docs/statuses.md": _statuses(),
        "docs/backends.md": docs_backends.page(),
        "docs/chart.md": docs_chart.page(),
    }


def _statuses() -> str:
    """The life of a run: a diagram, and what each status means."""
    steps = [
        f"    {before} --> {after}: {by}"
        for before, following in TRANSITIONS.items()
        for after, by in following.items()
    ]
    ends = [f"    {status} --> [*]" for status in sorted(FINAL)]
    sets = {status: [name for name, members in SETS.items() if status in members] for status in RunStatus}
    rows = [f"| `{status}` | {MEANINGS[status]} | {', '.join(sets[status]) or '-'} |" for status in RunStatus]
    diagram = ["```mermaid", "stateDiagram-v2", "    [*] --> created", "    [*] --> on_schedule", *steps, *ends, "```"]
    head = ["# Statuses", "", f"{_MADE}{_LIFE}", "", *diagram, "", "| Status | Meaning | Sets |", "|---|---|---|"]
    return "\n".join([*head, *rows, ""])


def _sections(page: str) -> list[type[Section]]:
    modules = PAGES[page][1]
    found = [kind for kind in LANGUAGE.values() if kind.__module__.rpartition(".")[2] in modules]
    return sorted(found, key=lambda kind: (modules.index(kind.__module__.rpartition(".")[2]), _line(kind)))


def _line(kind: type[Section]) -> int:
    source = Path(str(sys.modules[kind.__module__].__file__)).read_text()
    return source[: source.index(f"class {kind.__name__}(")].count("\n")


_SCHEMAS: Mapping[str, Any] = document_schema()["$defs"]
_HOME = {kind.__name__: page for page in PAGES for kind in _sections(page)}


def _index() -> str:
    rows = "".join(
        f"| [{title}]({name}.md) | {', '.join(f'`{kind.__name__}`' for kind in _sections(name))} |\n"
        for name, (title, _) in PAGES.items()
    )
    return (
        f"# The specification, field by field\n\n{_MADE}"
        "A document has `version: 1.1` and a `kind`: an [operation](operation.md#operation) or a "
        "[component](component.md#component). Names may be written in camelCase, as here, or in snake_case.\n\n"
        f"| Page | Sections |\n|---|---|\n{rows}\n"
        "*identity*, *live* and *inert* say what a change of a field means: [digests](digests.md).\n"
    )


def _page(name: str) -> str:
    body = "\n".join(_section(kind) for kind in _sections(name))
    return f"# {PAGES[name][0]}\n\n{_MADE}{body}"


def _section(kind: type[Section]) -> str:
    text = "\n\n".join(" ".join(part.split()) for part in (kind.__doc__ or "").split("\n\n"))
    rows = "".join(_row(kind, name) for name in kind.model_fields)
    head = "| Field | Type | Default | A change is | Meaning |\n|---|---|---|---|---|\n"
    return f"## {kind.__name__}\n\n{text}\n\n{head}{rows}"


def _row(kind: type[Section], name: str) -> str:
    field = kind.model_fields[name]
    spelled = field.alias or name
    meaning = field.description or described(kind)[name]
    schema = _property(_SCHEMAS[kind.__name__], spelled)
    cells = [f"`{spelled}`", _type(schema), _default(kind, name), kind.classes[name].value, " ".join(meaning.split())]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _property(schema: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The schema of a field; a section that has several forms has it in one of them."""
    if name in schema.get("properties", {}):
        found: Mapping[str, Any] = schema["properties"][name]
        return found
    options = (_property(option, name) for option in schema.get("anyOf", schema.get("oneOf", ())))
    return next(filter(None, options), {})


def _default(kind: type[Section], name: str) -> str:
    field = kind.model_fields[name]
    if field.is_required():
        return "required"
    return "" if field.default is None else f"`{json.dumps(field.default, default=str)}`"


# Types in words


def _type(schema: Mapping[str, Any]) -> str:
    words = list(dict.fromkeys(_words(schema)))
    pages_of = {_HOME.get(word[1:].partition("]")[0]) for word in words if word.startswith("[")}
    if len(words) > _MANY and len(pages_of) == 1:
        page = next(iter(pages_of))
        return f"one of [{PAGES[str(page)][0].lower()}]({page}.md)"
    return " or ".join(words) or "anything"


def _words(schema: Mapping[str, Any]) -> Iterator[str]:
    if "$ref" in schema:
        yield _link(schema["$ref"].rpartition("/")[2])
    elif "anyOf" in schema or "oneOf" in schema:
        for option in schema.get("anyOf", schema.get("oneOf", ())):
            yield from _words({**option, "type": option.get("type", schema.get("type"))})
    elif "enum" in schema or "const" in schema:
        options = schema.get("enum", [schema.get("const")])
        if options != [0, 1]:
            yield from (f"`{option}`" for option in options if option is not None)
    else:
        kinds = schema.get("type")
        for one in kinds if isinstance(kinds, list) else [kinds]:
            yield from _plain(one, schema)


def _plain(kind: str | None, schema: Mapping[str, Any]) -> Iterator[str]:
    match kind:
        case "array":
            inner = schema.get("items")
            yield f"list of {_type(inner)}" if isinstance(inner, Mapping) and inner else "list"
        case "object":
            inner = schema.get("additionalProperties")
            yield f"mapping to {_type(inner)}" if isinstance(inner, Mapping) and inner else "mapping"
        case "string":
            pattern = str(schema.get("pattern", ""))
            if not pattern.startswith("^(?:[tT]"):  # words of truth
                yield "template" if pattern.startswith(_TEMPLATE) else "string"
        case "integer" | "number" | "boolean":
            yield {"integer": "whole number", "number": "number", "boolean": "true or false"}[kind]
        case _:
            return


def _link(name: str) -> str:
    if name.startswith("kubernetes."):
        return f"Kubernetes' `{name.partition('.')[2]}`"
    page = _HOME.get(name)
    return f"[{name}]({page}.md#{name.lower()})" if page else f"`{name}`"


def _digests() -> str:
    parts = []
    for page, (title, _) in PAGES.items():
        rows = ""
        for kind in _sections(page):
            groups: dict[str, list[str]] = {"identity": [], "live": [], "inert": []}
            for name, group in kind.classes.items():
                groups[group.value].append(f"`{kind.model_fields[name].alias or name}`")
            rows += f"| {_link(kind.__name__)} | {' | '.join(' '.join(groups[group]) for group in groups)} |\n"
        parts.append(f"## {title}\n\n| Section | identity | live | inert |\n|---|---|---|---|\n{rows}")
    return (
        f"# What a change of a field means\n\n{_MADE}"
        "A change of an *identity* field is a new generation: the operation runs again. A *live* field is applied to "
        "what is there. An *inert* field changes nothing. For a field that holds a section, the class is that of its "
        "presence; inside, each field has its own. Of a limit of resources that stands beside a request, only the "
        "request is identity.\n\n" + "\n".join(parts)
    )


def main() -> None:
    """Write the pages, and remove those that are made no more."""
    made = pages()
    (ROOT / FOLDER).mkdir(exist_ok=True)
    for old in (ROOT / FOLDER).glob("*.md"):
        if old.relative_to(ROOT).as_posix() not in made:
            old.unlink()
    for path, text in made.items():
        (ROOT / path).write_text(text)


if __name__ == "__main__":
    main()
