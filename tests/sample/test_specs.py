"""The sample's declarations fit its code: what a spec reader alone cannot know."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "sample-repo"
COMPONENTS = {path.stem: yaml.safe_load(path.read_text()) for path in sorted(SAMPLE.glob("components/*.yaml"))}
OPERATIONS = {path.stem: yaml.safe_load(path.read_text()) for path in sorted(SAMPLE.glob("ops/*.yaml"))}
GRAPHS = {
    graph: {node["name"]: node for node in OPERATIONS[graph]["component"]["run"]["operations"]}
    for graph in ("digits", "compare", "tune")
}
NODES = {f"{graph}/{name}": node for graph, nodes in GRAPHS.items() for name, node in nodes.items()}
each_component = pytest.mark.parametrize("name", COMPONENTS)


def code(name):
    paths = [path for entry in COMPONENTS[name]["run"]["init"] for path in entry["git"]["paths"]]
    assert len(paths) == len(set(paths))
    return paths


def component_of(node):
    return COMPONENTS[Path(node["pathRef"]).stem]


@pytest.mark.parametrize("kind", ["component", "operation"])
def test_every_document_is_named_as_its_file(kind):
    documents = COMPONENTS if kind == "component" else OPERATIONS

    for stem, document in documents.items():
        assert (document["version"], document["kind"], document["name"]) == (1.1, kind, stem)


def test_every_reference_leads_to_a_component_and_every_component_is_used():
    referring = [operation for operation in OPERATIONS.values() if "pathRef" in operation] + list(NODES.values())
    targets = [(SAMPLE / "ops" / node["pathRef"]).resolve() for node in referring]

    assert set(targets) == {path.resolve() for path in SAMPLE.glob("components/*.yaml")}


@each_component
def test_a_run_gets_the_module_that_it_calls_and_all_that_this_imports(name):
    module = COMPONENTS[name]["run"]["container"]["command"]
    assert module[:2] == ["python", "-m"]
    needed, todo = set(), [module[2].replace(".", "/") + ".py"]
    while todo:
        path = todo.pop()
        needed.add(path)
        for node in ast.walk(ast.parse((SAMPLE / path).read_text())):
            if isinstance(node, ast.ImportFrom) and node.level:
                todo += [f"digits/{alias.name}.py" for alias in node.names if f"digits/{alias.name}.py" not in needed]

    assert set(code(name)) == needed


def test_no_file_of_code_is_left_over():
    used = {path for name in COMPONENTS for path in code(name)}

    assert used == {str(path.relative_to(SAMPLE)) for path in SAMPLE.glob("digits/*.py")}


@each_component
def test_arguments_name_declared_inputs_and_options_of_the_program(name):
    component = COMPONENTS[name]
    declared = {entry["name"] for entry in component.get("inputs", [])}
    arguments = component["run"]["container"].get("args", [])
    program = (SAMPLE / code(name)[0]).read_text()

    if arguments or "run.inputs()" not in program:
        assert set(re.findall(r"\{\{ (\w+) \}\}", " ".join(arguments))) == declared
    for argument in arguments:
        assert f'"{argument.split("=")[0]}"' in program


@each_component
def test_programs_write_their_declared_outputs(name):
    program = (SAMPLE / code(name)[0]).read_text()

    for entry in COMPONENTS[name].get("outputs", []):
        assert f'"{entry["name"]}"' in program


@pytest.mark.parametrize("name", NODES)
def test_params_of_the_graph_fit_their_components(name):
    node, siblings = NODES[name], GRAPHS[name.partition("/")[0]]
    declared = {entry["name"]: entry for entry in component_of(node).get("inputs", [])}
    params = node.get("params", {})
    joined = {key for join in node.get("joins", []) for key in join["params"]}

    swept = set(node.get("matrix", {}).get("params", {}))

    assert {*params, *joined, *swept} <= set(declared)
    assert not swept & {*params, *joined}
    assert {key for key, entry in declared.items() if "value" not in entry} <= {*params, *joined, *swept}
    assert all(declared[key]["isList"] for key in joined)
    for key, param in params.items():
        if isinstance(param, dict):
            source = component_of(siblings[param["ref"].removeprefix("ops.")])
            types = {entry["name"]: entry["type"] for entry in source["outputs"]}
            assert types[param["value"].removeprefix("outputs.")] == declared[key]["type"]


def test_the_schedules_say_when_in_words_that_a_reader_takes():
    nightly, minutely = OPERATIONS["nightly"]["schedule"], OPERATIONS["drift-check"]["schedule"]

    assert (nightly["kind"], nightly["cron"], nightly["timezone"]) == ("cron", "0 2 * * *", "Europe/Berlin")
    assert (minutely["kind"], minutely["cron"]) == ("cron", "* * * * *")
    assert minutely["missed"] == "none"  # text: yaml's null would be another value


def test_the_service_is_ready_when_it_answers_on_its_port():
    run = COMPONENTS["predict"]["run"]

    assert run["container"]["readinessProbe"]["httpGet"] == {"path": "/healthz", "port": run["ports"][0]}


def test_the_readme_tells_of_every_operation():
    readme = (SAMPLE / "README.md").read_text()

    assert re.findall(r"^\| \[`([\w-]+)`\]\(ops/", readme, re.MULTILINE) == [
        "digits",
        "compare",
        "tune",
        "announce",
        "profile-data",
        "predict",
        "nightly",
        "drift-check",
    ]
    assert set(OPERATIONS) == set(re.findall(r"\(ops/([\w-]+)\.yaml\)", readme))
    for link in re.findall(r"\]\(([^):]+)\)", readme):
        assert (SAMPLE / link).exists(), link


def test_the_demo_environment_has_what_the_sample_needs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    names = [re.match(r"[\w-]+", line)[0] for line in (SAMPLE / "requirements.txt").read_text().split()]

    assert names == [re.match(r"[\w-]+", line)[0] for line in project["project"]["optional-dependencies"]["demo"]]


def test_it_reads_as_a_repository_of_its_own():
    for path in SAMPLE.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            found = re.search(r"\b(planner|reconciler/|pytest|daemon\.py|sample-repo)\b", path.read_text())
            assert found is None, (path, found)
