"""Presets: operations with `isPreset: true`, which others name to be merged under or over them (reference, 5.4).

Decides which document a name means, and what a preset itself must have. How it is merged is decided where operations
are patched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from planner.compile.origin import Origin, Report, warning
from planner.compile.paths import is_preset
from planner.compile.view import View
from planner.errors import Place, Problem
from planner.spec.load import Document, Loaded
from planner.spec.operation import Operation
from planner.spec.shape import is_template
from planner.spec.words import nearest, short

__all__ = ["FoundPreset", "clashing_presets", "preset_faults", "presets_of", "without_presets"]

_COMPARED = 200
"""Names that one that is not there is compared with."""


@dataclass(frozen=True, slots=True)
class FoundPreset:
    """A preset and where it is written."""

    operation: Operation
    origin: Origin


def presets_of(names: tuple[str, ...] | None, origin: Origin, view: View, report: Report) -> tuple[FoundPreset, ...]:
    """The presets of these names, in the order written; problems say which there are not.

    Args:
        names: the field `presets` of an operation or a component.
        origin: where that field is written.
        view: the tree.
        report: takes problems.
    """
    found = (_preset(name, origin.first((index,)), view, report) for index, name in enumerate(names or ()))
    return tuple(preset for preset in found if preset is not None)


def _preset(name: str, origin: Origin, view: View, report: Report) -> FoundPreset | None:
    if is_template(name):
        message = "the name of a preset cannot be a template: presets are merged before templates are read"
        report.add(origin.problem("PL-406", message, "write the name out"))
        return None
    documents = view.presets(name)
    if not documents:
        near = "" if report.full else nearest(name, view.preset_names()[:_COMPARED])
        hint = f"did you mean `{near}`?" if near else "add an operation of that name with `isPreset: true`"
        report.add(origin.problem("PL-302", f"there is no preset `{short(name)}`", hint))
        return None
    document = documents[0]
    if len(documents) > 1 or not isinstance(document.spec, Operation) or not view.is_sound(document.places.path):
        files = " and ".join(sorted({one.places.path for one in documents}))
        what = "more than one has that name" if len(documents) > 1 else "its file has problems"
        report.add(origin.problem("PL-302", f"the preset `{short(name)}`: {what}", f"repair {files} first"))
        return None
    return FoundPreset(document.spec, Origin(document.places))


def without_presets(loaded: Loaded) -> Loaded:
    """The file without its presets: they are neither roots nor names."""
    rest = tuple(document for document in loaded.documents if not is_preset(document))
    return loaded if len(rest) == len(loaded.documents) else replace(loaded, documents=rest)


def preset_faults(loaded: Loaded) -> Iterator[Problem]:
    """What is wrong with the presets of a file by themselves."""
    for document in loaded.documents:
        if not is_preset(document):
            continue
        origin = Origin(document.places)
        if not document.name:
            yield origin.at("isPreset").problem("PL-202", "a preset needs a name: operations name it", "add `name`")
        if isinstance(document.spec, Operation) and document.spec.presets:
            message = "the `presets` of a preset have no effect"
            yield warning(origin.at("presets").problem("PL-209", message, "name them where this one is named"))


def clashing_presets(presets: Mapping[str, tuple[Document, ...]]) -> Iterator[Problem]:
    """PL-301 for each of several presets with one name."""
    for name, documents in presets.items():
        if len(documents) > 1:
            places: list[Place] = [Origin(one.places).first(("name",)).place for one in documents]
            for index, place in enumerate(places):
                other = places[0 if index else 1]
                message = f"two presets named `{short(name)}`: the other is at {other}"
                yield Problem("PL-301", message, place, "/name", "rename one of them")
