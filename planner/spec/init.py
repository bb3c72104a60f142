"""Init entries: what is put in place before a run starts (reference, section 10.9; design: "Code")."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from planner.spec.clashes import Clash, Said
from planner.spec.composites import ONE_PATH, Artifacts, Dockerfile, File, Git, Paths, Tensorboard
from planner.spec.container import Container
from planner.spec.needed import any_of
from planner.spec.shape import OrTemplate, Section, fault, is_template
from planner.spec.words import kind_of, short

__all__ = ["HANDLERS", "GitInit", "InitEntry", "inside"]

HANDLERS = (
    "artifacts", "paths", "git", "dockerfile", "file", "tensorboard", "lineageRef", "modelRef", "artifactRef",
)  # fmt: skip
"""Fields of an entry that say what it does; an entry has one at most."""


def inside(value: object, at: tuple[str | int, ...] = ()) -> str:
    """A relative path in one spelling: no `.`, no empty parts, "" for the folder itself.

    Raises:
        PydanticCustomError: for one that leads out, or is none.
    """
    if not isinstance(value, str):
        raise fault("PL-203", f"{{field}} must be a path, not {kind_of(value)}", at=at)
    parts = [part for part in value.split("/") if part not in {"", "."}]
    if not value or value.startswith("/") or ".." in parts or "\\" in value:
        hint = "write it relative, without `..`"
        raise fault("PL-204", f"`{short(value)}` is not a path inside the folder", hint, at)
    return "/".join(parts)


InsidePath = Annotated[str, PlainValidator(inside), WithJsonSchema({"type": "string", "minLength": 1})]


class GitInit(Git, identity="paths"):
    """Code: of this repository at the run's commit, or of another one."""

    paths: tuple[InsidePath, ...] | None = None
    """Files and folders from the root of this repository, "" for all of it; by default the spec file's own folder."""


def _git(value: object) -> object:
    return {} if value is None else value


def _paths(value: object) -> object:
    return [value] if isinstance(value, str) and not is_template(value) else value


_OnePath = WithJsonSchema({"anyOf": [{"type": "array", "items": ONE_PATH}, {"type": "string"}]})


class InitEntry(
    Section,
    identity="artifacts paths git dockerfile file tensorboard lineage_ref model_ref artifact_ref connection path "
    "container",
):
    """One entry. `- git:` alone is the folder of the spec file."""

    model_config = ConfigDict(json_schema_extra=any_of(*HANDLERS, "connection", "container", or_null=("git",)))

    git: Annotated[Annotated[GitInit | str, OrTemplate(GitInit)] | None, BeforeValidator(_git)] = None
    """Code: of this repository at the run's commit where it has neither `url` nor a `connection`; else a clone."""
    artifacts: Annotated[Artifacts | str, OrTemplate(Artifacts)] | None = None
    """Files and folders of an artifact store: that of the connection, or the default one."""
    paths: Annotated[Paths, BeforeValidator(_paths), _OnePath] | None = None
    """Paths of an artifact store: one, or a list of them, each a string or `[from, to]`."""
    dockerfile: Annotated[Dockerfile | str, OrTemplate(Dockerfile)] | None = None
    """A Dockerfile that is written."""
    file: Annotated[File | str, OrTemplate(File)] | None = None
    """A file that is written, and kept with the outputs of the run."""
    tensorboard: Annotated[Tensorboard | str, OrTemplate(Tensorboard)] | None = None
    """Folders for a TensorBoard over other runs."""
    lineage_ref: str | None = None
    """An artifact of another run: `<uuid of the run>:<name of the artifact>`."""
    model_ref: str | None = None
    """A version of a model: `[owner/][project:]version`."""
    artifact_ref: str | None = None
    """A version of an artifact: `[owner/][project:]version`."""
    connection: str | None = None
    """The connection that it comes from."""
    path: str | None = None
    """Where it is put. For code of this repository a folder below the working folder; the same place by default."""
    container: Container | None = None
    """What to change of the container that does it; without any other field but `path`, a container of one's own."""

    @property
    def is_code(self) -> bool:
        """Whether it puts code of this repository in place."""
        return isinstance(self.git, GitInit) and not self.git.url and self.connection is None

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """Nothing to do, two things to do, and what does not go with code of this repository."""
        named = [name for name in HANDLERS if said[name] is not None or (name == "git" and said.has(name))]
        for name in named[1:]:
            both = " and ".join(f"`{one}`" for one in named)
            message = f"an init entry does one thing, and this one has {both}"
            yield (), fault("PL-209", message, "make an entry of each", (name,))
        if not named and said["connection"] is None and said["container"] is None:
            message = "an init entry without anything to put in place"
            known = (*HANDLERS, "connection", "container")
            yield (), fault("PL-202", message, "write `git: {}`, or remove it", ("git",), unless=known)
        if said.has("git"):
            yield from _of_git(said)


def _of_git(said: Said) -> Iterator[Clash]:
    git = Said(said["git"]) if isinstance(said["git"], dict) else Said({})
    keys = ("git", "connection")
    if git["url"] or said["connection"] is not None:
        if git["paths"] is not None:
            message = "`paths` of `git` are of this repository, and this is another one"
            yield keys, fault("PL-209", message, "remove `paths`", ("git", "paths"))
        return
    for name in git.given("revision", "flags"):
        message = f"`{name}` is for another repository: code of this one is that of the run's commit"
        yield keys, fault("PL-209", message, f"add `url` or a `connection`, or remove `{name}`", ("git", name))
    if said["container"] is not None:
        message = "code of this repository is put in place without a container"
        yield (*keys, "container"), fault("PL-209", message, "remove `container`", ("container",))
    if said["path"] is not None:
        try:
            inside(said["path"], ("path",))
        except PydanticCustomError as error:
            yield (*keys, "path"), error
