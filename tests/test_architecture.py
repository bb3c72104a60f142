"""The architecture, checked: what planner may import, who reads the environment, how large things grow."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[1]
PURE = {
    "__future__",
    "abc",
    "ast",
    "base64",
    "bisect",
    "calendar",
    "collections",
    "contextlib",
    "dataclasses",
    "datetime",
    "decimal",
    "difflib",
    "enum",
    "fnmatch",
    "fractions",
    "functools",
    "hashlib",
    "heapq",
    "itertools",
    "json",
    "math",
    "operator",
    "posixpath",
    "re",
    "string",
    "struct",
    "types",
    "typing",
    "unicodedata",
    "urllib.parse",
    "uuid",
    "zoneinfo",
    "planner",
    "pydantic",
    "pydantic_core",
}
"""What planner may import anywhere."""
PLACED = {
    "yaml": "planner/spec/",
    "jinja2": "planner/compile/template/",
    "croniter": "planner/desire/cron.py",
    "sys": "planner/canon.py",  # for `intern`
    "statistics": "planner/search/chance.py",  # the normal distribution and its inverse
    "numpy": "planner/search/",
    "scipy": "planner/search/",
    "sklearn": "planner/search/",
    "threadpoolctl": "planner/search/threads.py",
}
"""What it may import in one place."""


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module if node.module in PURE else node.module.split(".")[0])
    return found


def test_planner_imports_only_what_is_pure() -> None:
    bad = {}
    for path in modules("planner"):
        name = path.relative_to(ROOT).as_posix()
        extra = {item for item in imports(path) - PURE if not name.startswith(PLACED.get(item, "/"))}
        if extra:
            bad[name] = extra

    assert bad == {}


def test_planner_is_never_async() -> None:
    kinds = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    bad = [
        path
        for path in modules("planner")
        if any(isinstance(node, kinds) for node in ast.walk(ast.parse(path.read_text())))
    ]

    assert bad == []


def test_only_settings_and_the_run_side_read_the_environment() -> None:
    # The supervisor and the tracking file run outside the daemon: their environment is the run's.
    allowed = {"reconciler/settings.py", "reconciler/tracking.py", "reconciler/backends/local/supervisor.py"}
    bad = [
        name
        for path in modules("reconciler")
        if re.search(r"\bos\.(environ|getenv)\b", path.read_text())
        and (name := path.relative_to(ROOT).as_posix()) not in allowed
    ]

    assert bad == []


@pytest.mark.parametrize("package", ["planner", "reconciler"])
def test_every_module_says_what_it_does(package: str) -> None:
    bad = [
        path
        for path in modules(package)
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]

    assert bad == []


@pytest.mark.parametrize("package", ["planner", "reconciler"])
def test_modules_stay_small_or_say_why(package: str) -> None:
    bad = []
    for path in modules(package):
        text = path.read_text()
        doc = ast.get_docstring(ast.parse(text)) or ""
        if text.count("\n") > 300 and "one file" not in doc.lower():
            bad.append(path.relative_to(ROOT).as_posix())

    assert bad == []


def test_nothing_names_the_machine_that_it_was_written_on() -> None:
    words = re.compile("|".join(["/wo" + "rk/", r"\.\./sha" + "red", r"\.lib" + "rary"]))
    bad = [
        path.relative_to(ROOT).as_posix()
        for pattern in ("**/*.py", "**/*.md", "**/*.toml", "**/*.yaml", "Makefile", "scripts/*")
        for path in ROOT.glob(pattern)
        if path.is_file() and words.search(path.read_text(errors="replace"))
    ]

    assert bad == []
