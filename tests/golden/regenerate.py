"""Write the golden folders of renderers, rules and contexts anew: `python tests/golden/regenerate.py` from the root.

The difference is part of the change that causes it, and is read in its review.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))


def render() -> dict[str, str]:
    """Every golden file of the renderers by name."""
    from planner.render.json import plan_json
    from planner.render.text import plan_text
    from tests.planner.plans import COMMITS, OUTCOMES, PULLS, comment, outcome, plan, pulled

    found = {}
    for name in COMMITS:
        value = plan(name)
        found[f"{name}.txt"], found[f"{name}.json"] = plan_text(value), plan_json(value)
        found[f"{name}.md"] = comment(name)
    found |= {f"pull-{name}.md": pulled(name) for name in PULLS}
    return {**found, **{f"outcome-{name}.md": outcome(name) for name in OUTCOMES}}


def main() -> None:
    """Write all folders."""
    from tests.planner.rules import rules
    from tests.reconciler.backends.engine import cases as engine
    from tests.reconciler.backends.kubernetes import cases, states
    from tests.reconciler.backends.local.contexts import contexts

    _write(ROOT / "tests/golden/render", render())
    _write(ROOT / "tests/golden/rules", rules())
    _write(ROOT / "tests/golden/contexts", contexts())
    _write(ROOT / "tests/golden/engine", {f"{name}.json": engine.golden(name) for name in engine.CASES})
    for name in cases.CASES:
        (ROOT / "tests/golden/kubernetes/render" / name / "manifests.yaml").write_text(cases.golden(name))
    for name in states.states():
        states.expected(name).write_text(states.golden(name))


def _write(folder: Path, files: dict[str, str]) -> None:
    """Write what differs, and remove what is not made any more."""
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        if path.name not in files:
            path.unlink()
    for name, text in files.items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main()
