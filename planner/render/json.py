"""Plans and problems as JSON: the same value as the text, in a stable order."""

from __future__ import annotations

import json

from planner import canon
from planner.canon import Json
from planner.errors import Problem
from planner.model.plan import Plan

__all__ = ["plan_json", "problem_json"]


def plan_json(plan: Plan) -> str:
    """The plan as indented JSON; field names as in `planner.model.plan`, plus `applicable`."""
    value = canon.plain(plan)
    assert isinstance(value, dict)
    value["problems"] = [problem_json(problem) for problem in plan.problems]
    value["applicable"] = plan.applicable
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def problem_json(problem: Problem) -> Json:
    """One problem: code, severity, message, path, line, column, pointer, address, hint."""
    return {
        "code": problem.code,
        "severity": str(problem.severity),
        "message": problem.message,
        "path": problem.place.path,
        "line": problem.place.line,
        "column": problem.place.column,
        "pointer": problem.pointer,
        "address": problem.address,
        "hint": problem.hint,
    }
