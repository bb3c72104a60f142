"""Composite values: a git reference, a Dockerfile, artifacts, a file, a TensorBoard (reference, sections 8.1 and 8.2).

The same shapes are types of inputs and entries of `init`. What is done with them is not decided here.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainValidator, WithJsonSchema

from planner import keys
from planner.spec.shape import (
    SCALAR,
    TEMPLATE,
    BoolOrTemplate,
    CountOrTemplate,
    Names,
    OrTemplate,
    Section,
    WholeOrTemplate,
    fault,
    is_template,
    printed,
)
from planner.spec.uuids import uuid_of
from planner.spec.words import kind_of, short

__all__ = ["Artifacts", "Dockerfile", "Event", "File", "Git", "PathOrPair", "Paths", "Tensorboard"]


def _path(value: object) -> str | tuple[str, str]:
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(part, str) for part in value):
        return str(value[0]), str(value[1])
    raise fault("PL-203", "{field} must be a path or `[from, to]`, not " + kind_of(value), "write a string, or two")


_PAIR = {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2}
ONE_PATH = {"anyOf": [{"type": "string"}, _PAIR]}
PathOrPair = Annotated[str | tuple[str, str], PlainValidator(_path), WithJsonSchema(ONE_PATH)]
"""A path, or where it comes from and where it is put."""
Paths = Annotated[tuple[PathOrPair, ...] | str, OrTemplate(tuple[PathOrPair, ...])]
"""Paths, or a template of them."""
Texts = Annotated[tuple[str, ...] | str, OrTemplate(tuple[str, ...])]
"""Strings, or a template of them."""


class Git(Section, identity="url revision flags"):
    """A repository at a revision."""

    url: str | None = None
    """Where it is cloned from."""
    revision: str | None = None
    """A branch, a tag or a commit; the default branch by default."""
    flags: Texts | None = None
    """Further arguments of `git`, such as `--depth 1`; none by default."""


class Artifacts(Section, identity="files dirs", live="workers"):
    """Files and folders of an artifact store."""

    files: Paths | None = None
    """Files, by path or as `[from, to]`."""
    dirs: Paths | None = None
    """Folders, by path or as `[from, to]`."""
    workers: WholeOrTemplate | None = None
    """How many are copied at a time; the backend chooses by default."""


# Dockerfile

_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}:[0-9]{1,5}")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_PINNED = re.compile(r"[A-Za-z0-9+._-]{1,40}:[0-9a-fA-F]{32,128}")


def _is_image(text: str) -> bool:
    name, at, pinned = text.partition("@")
    head, _, last = name.rpartition("/")
    last, colon, tag = last.partition(":")
    hosts = head.split("/") if head else []
    if hosts and _HOST.fullmatch(hosts[0]):
        hosts = hosts[1:]
    return (
        all(_PART.fullmatch(part) for part in (*hosts, last))
        and bool(not colon or _TAG.fullmatch(tag))
        and bool(not at or _PINNED.fullmatch(pinned))
    )


def _image(value: object) -> str:
    if not isinstance(value, str):
        raise fault("PL-203", f"{{field}} must be a string, not {kind_of(value)}")
    if not is_template(value) and not _is_image(value):
        raise fault("PL-204", f"`{short(value)}` is not the name of an image", "write it like `python:3.12`")
    return value


def _variables(value: object) -> dict[str, str] | str:
    if isinstance(value, str) and is_template(value):
        return value
    if isinstance(value, dict):
        return {str(name): printed(text, (str(name),)) for name, text in value.items()}
    if isinstance(value, list | tuple):
        return dict(_variable(pair, index) for index, pair in enumerate(value))
    raise fault("PL-203", f"{{field}} must be a mapping or a list of pairs, not {kind_of(value)}")


def _variable(pair: object, index: int) -> tuple[str, str]:
    if isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[0], str):
        return pair[0], printed(pair[1], (index, 1))
    raise fault("PL-203", "{field} must be a name and a value", "write `[NAME, value]`", (index,))


_VARIABLE = {"type": "array", "prefixItems": [{"type": "string"}, SCALAR], "minItems": 2, "maxItems": 2}
_VARIABLES = {
    "anyOf": [
        {"type": "object", "additionalProperties": SCALAR},
        {"type": "array", "items": _VARIABLE},
        TEMPLATE,
    ]
}
Variables = Annotated[dict[str, str] | str, PlainValidator(_variables), WithJsonSchema(_VARIABLES)]
"""Variables by name, written as a mapping or as pairs, or a template of them."""


class Dockerfile(
    Section,
    identity="image env path copy_ post_run_copy run lang_env uid gid username filename workdir workdir_path shell",
):
    """How an image is made."""

    image: Annotated[str, PlainValidator(_image), WithJsonSchema({"type": "string"})]
    """The image that it starts from."""
    env: Variables | None = None
    """Variables, set before anything is run."""
    path: Texts | None = None
    """Folders that are put before `PATH`."""
    copy_: Paths | None = Field(default=None, alias="copy")
    """What is copied into the image before `run`, by path or as `[from, to]`."""
    post_run_copy: Paths | None = None
    """What is copied into the image after `run`."""
    run: Texts | None = None
    """Commands, in their order."""
    lang_env: str | None = None
    """The locale, for `LC_ALL` and the like."""
    uid: WholeOrTemplate | None = None
    """Id of the user that is made; with `gid`."""
    gid: WholeOrTemplate | None = None
    """Id of the user's group."""
    username: str | None = None
    """Name of the user that is made."""
    filename: str | None = None
    """Name of the file; `Dockerfile` by default."""
    workdir: str | None = None
    """The working folder; `/code` by default."""
    workdir_path: str | None = None
    """What is copied into the working folder."""
    shell: str | None = None
    """The shell of `run`; `/bin/bash` by default."""


# Files, TensorBoard, events

ArtifactKind = Literal[
    "model", "audio", "video", "histogram", "image", "tensor", "dataframe", "chart", "csv", "tsv", "psv", "ssv",
    "metric", "env", "html", "text", "file", "dir", "dockerfile", "docker_image", "data", "coderef", "table",
    "tensorboard", "curve", "confusion", "analysis", "iteration", "markdown", "system", "artifact", "span",
]  # fmt: skip
"""What an artifact is."""

_MODE = re.compile(r"0?[0-7]{3,4}|(?:[ugoa]{0,4}[-+=][rwxXst]{0,6},?){1,8}")


def _chmod(value: object) -> str:
    if not isinstance(value, str):
        raise fault("PL-203", f"{{field}} must be a string, not {kind_of(value)}", "quote it: '0644'")
    if not is_template(value) and not _MODE.fullmatch(value[:200]):
        raise fault("PL-204", f"`{short(value)}` is not a file mode", "write it like '0644' or u+x")
    return value


class File(Section, identity="content filename chmod", inert="kind"):
    """A file that is written before the run starts."""

    kind: Annotated[ArtifactKind | str, OrTemplate(ArtifactKind)] | None = None
    """What it is to those who look at the run; `file` by default."""
    content: str
    """What is in it."""
    filename: str | None = None
    """Its name; `file` by default."""
    chmod: Annotated[str, PlainValidator(_chmod), WithJsonSchema({"type": "string"})] | None = None
    """Its mode, such as `+x` or `'0644'`; unchanged by default."""


def _uuid(value: object) -> str:
    if not isinstance(value, str):
        raise fault("PL-203", f"{{field}} must be the id of a run, not {kind_of(value)}")
    if is_template(value):
        return value
    if keys.SHORT_ID.fullmatch(value) or keys.key_of(value) is not None:
        return value
    found = uuid_of(value)
    if found is None:
        hint = "write its id or its key, such as r-7f3k2m4q or train@g3"
        raise fault("PL-204", f"`{short(value)}` is not the id of a run", hint)
    return found


def _split(value: object) -> object:
    return [part for piece in value.split(",") if (part := piece.strip())] if isinstance(value, str) else value


_Uuids = Annotated[
    tuple[Annotated[str, PlainValidator(_uuid), WithJsonSchema({"type": "string"})], ...],
    BeforeValidator(_split),
    WithJsonSchema({"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}]}),
]


class Tensorboard(Section, identity="port uuids use_names path_prefix plugins"):
    """A TensorBoard over the outputs of runs."""

    port: CountOrTemplate | None = None
    """The port that it listens on; 6006 by default."""
    uuids: Annotated[_Uuids | str, OrTemplate(_Uuids)] | None = None
    """Ids of the runs, as a list or between commas."""
    use_names: BoolOrTemplate | None = None
    """Whether folders are named by the runs' names; by their ids by default."""
    path_prefix: str | None = None
    """The path that it is served under; `/` by default."""
    plugins: Annotated[Names | str, OrTemplate(Names)] | None = None
    """Plugins of TensorBoard, as a list or between commas; none by default."""


class Event(Section, identity="name kind"):
    """Something that happened."""

    name: str | None = None
    """Its name."""
    kind: str | None = None
    """What it is."""
