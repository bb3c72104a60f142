"""Values of composite types: a git reference, a Dockerfile, artifacts (reference, sections 8.1 and 8.2).

What is in them is said by their sections; here a value is read as one, and becomes the mapping of what was written.
This module must never know their fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pydantic import ValidationError

from planner.canon import Json
from planner.compile.type_rules import Rule, as_dict
from planner.spec import faults
from planner.spec.composites import Artifacts, Dockerfile, Event, File, Git, Tensorboard
from planner.spec.places import Places
from planner.spec.shape import Section

__all__ = ["COMPOSITE_RULES"]


def _rule(name: str, section: type[Section]) -> Rule:
    def rule(value: Json) -> Json:
        given = as_dict(value)
        try:
            found = section.model_validate(given)
        except ValidationError as error:
            raise ValueError(_said(name, error, section, given)) from None
        made: dict[str, Json] = found.model_dump(
            mode="json", by_alias=True, exclude_unset=True, exclude_none=True, warnings=False
        )
        return made

    return rule


def _said(name: str, error: ValidationError, section: type[Section], value: Mapping[str, Json]) -> str:
    problem = faults.problems(error, section, value, Places(""))[0]
    hint = f"; {problem.hint}" if problem.hint else ""
    return f"a value of type {name} is wanted: {problem.message}{hint}"


COMPOSITE_RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "git": _rule("git", Git),
        "dockerfile": _rule("dockerfile", Dockerfile),
        "artifacts": _rule("artifacts", Artifacts),
        "event": _rule("event", Event),
        "file": _rule("file", File),
        "tensorboard": _rule("tensorboard", Tensorboard),
    }
)
"""By the name of the type."""
