"""A file read as a spec: its documents, and what they refer to and give by name. Decides nothing about a tree."""

from __future__ import annotations

from dataclasses import replace

from planner.compile.cache import SpecFile
from planner.compile.given import Entry
from planner.compile.marks import is_hidden_spec
from planner.compile.outside import outside_references
from planner.compile.paths import is_preset, references
from planner.errors import Place, Problem
from planner.spec.load import Loaded, load
from planner.spec.text import MAX_BYTES

__all__ = ["as_spec", "spoilt", "too_large"]


def as_spec(path: str, data: bytes) -> SpecFile:
    """A file with its problems, whatever it looks like."""
    loaded = load(path, data)
    if loaded.look == "other" and is_hidden_spec(data):
        loaded = replace(loaded, look="suspect")
    documents = tuple(one if is_preset(one) else replace(one, value=None) for one in loaded.documents)
    loaded = replace(loaded, documents=documents)  # what the models hold is not kept twice
    presets = tuple(document for document in documents if document.name and is_preset(document))
    outside = outside_references(loaded) if _may_refer(data) else ()
    return SpecFile(loaded, references(loaded), outside, presets)


def _may_refer(data: bytes) -> bool:
    """Whether a field may be called `hubRef` or `urlRef`, in either spelling, be it with escapes."""
    return b"Ref" in data or b"_ref" in data or b"\\" in data


def too_large(path: str, entry: Entry) -> SpecFile:
    """A file that is too large to be read."""
    hint = "split it into several files, or exclude it"
    message = f"the file has {entry.size:,} bytes, more than {MAX_BYTES:,}"
    return spoilt(Problem("PL-103", message, Place(path), hint=hint))


def spoilt(problem: Problem) -> SpecFile:
    """A file of which nothing is known but what is wrong with it."""
    return SpecFile(Loaded(problem.place.path, (), (problem,), "suspect"), ())
