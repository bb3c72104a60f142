"""Prints sizes of modules and functions: median, 90th percentile and the largest."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Print one line a package for modules and one for functions, then the largest of each."""
    for package in ("planner", "reconciler"):
        paths = sorted((ROOT / package).rglob("*.py"))
        modules = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in paths}
        functions: dict[str, int] = {}
        for path in paths:
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    name = f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
                    functions[name] = (node.end_lineno or node.lineno) - node.lineno + 1
        print(f"{package}: {sum(modules.values())} lines")
        show("modules", modules)
        show("functions", functions)


def show(what: str, sizes: dict[str, int]) -> None:
    """Print the distribution of `sizes` and the five largest."""
    ordered = sorted(sizes.values())
    median, ninety = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.9)]
    print(f"  {len(ordered)} {what}: median {median}, p90 {ninety}, largest {ordered[-1]}")
    for name, size in sorted(sizes.items(), key=lambda item: -item[1])[:5]:
        print(f"    {size:5} {name}")


if __name__ == "__main__":
    main()
