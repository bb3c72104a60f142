"""A file read as a spec: its documents, and what they refer to and give by name. Decides nothing about a tree."""

from __future__ import annotations

from dataclasses import dataclass, replace

from planner.compile.given import Entry
from planner.compile.marks import is_hidden_spec
from planner.compile.outside import outside_references
from planner.compile.paths import is_preset, references
from planner.errors import Place, Problem
from planner.spec.load import Document, Loaded, Look, load
from planner.spec.text import MAX_BYTES

__all__ = ["SpecFile", "as_spec", "spoilt", "too_large"]


@dataclass(slots=True)
class SpecFile:
    """A file that was read as a spec.

    Its documents are most of it, and nobody asks for them but who compiles the file or what refers to it. So they can
    be put away, and are read again when they are asked for.

    Attributes:
        path: of the file.
        look: whether it is a spec file.
        names: kind and name of each document, as written.
        problems: with the file itself.
        refs: repository paths that its operations refer to.
        outside: keys of references out of the repository.
        presets: those of its documents that are presets, those without a name too.
        data: its content; None where nothing can be read of it.
    """

    path: str
    look: Look
    names: tuple[tuple[str, str], ...] = ()
    problems: tuple[Problem, ...] = ()
    refs: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    presets: tuple[Document, ...] = ()
    data: bytes | None = None
    _loaded: Loaded | None = None

    @property
    def loaded(self) -> Loaded:
        """Its documents and their problems."""
        if self._loaded is None:
            documents = _loaded(self.path, self.data) if self.data is not None else None
            self._loaded = documents or Loaded(self.path, (), self.problems, self.look)
        return self._loaded

    def put_away(self) -> None:
        """Keep no documents but presets until somebody asks for them."""
        self._loaded = None


def as_spec(path: str, data: bytes) -> SpecFile:
    """A file with its problems, whatever it looks like."""
    loaded = _loaded(path, data)
    return SpecFile(
        path,
        loaded.look,
        names=tuple((document.kind, document.name) for document in loaded.documents),
        problems=loaded.problems,
        refs=references(loaded),
        outside=outside_references(loaded) if _may_refer(data) else (),
        presets=tuple(document for document in loaded.documents if is_preset(document)),
        data=data,
        _loaded=loaded,
    )


def _loaded(path: str, data: bytes) -> Loaded:
    loaded = load(path, data)
    if loaded.look == "other" and is_hidden_spec(data):
        loaded = replace(loaded, look="suspect")
    documents = tuple(one if is_preset(one) else replace(one, value=None) for one in loaded.documents)
    return replace(loaded, documents=documents)  # what the models hold is not kept twice


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
    return SpecFile(problem.place.path, "suspect", problems=(problem,))
