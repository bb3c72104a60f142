"""What compile is given: a tree, the blobs that were read of it, and the configuration. Values only.

Nothing here fetches anything: `planner.compile.wanted` names the blobs that are still needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from planner.errors import Place
from planner.model.cluster import ClusterRules
from planner.model.engine import EngineRules
from planner.spec.catalogue import Connection
from planner.spec.queues import Queue

__all__ = [
    "ONE_MACHINE",
    "SETTINGS",
    "CompileConfig",
    "CompileInput",
    "Entry",
    "EntryKind",
    "EntryRef",
    "FileRow",
    "FileState",
    "Outside",
    "Override",
]

SETTINGS = ".plumbline.yaml"
"""The repository's own settings, at its root."""

ONE_MACHINE = frozenset({"local", "engine"})
"""Backends whose runs share the addresses, folders and slots of the daemon's machine."""

EntryKind = Literal["blob", "tree", "symlink", "submodule"]
"""What an entry of a tree is."""


class Entry(Protocol):
    """One name in a tree."""

    @property
    def kind(self) -> EntryKind:
        """What it is."""
        ...

    @property
    def id(self) -> str:
        """Git's id of its content."""
        ...

    @property
    def size(self) -> int:
        """Bytes of a blob."""
        ...

    @property
    def executable(self) -> bool:
        """Whether a file has its exec bit."""
        ...


@dataclass(frozen=True, slots=True)
class EntryRef:
    """An `Entry` for callers that have none of their own."""

    kind: EntryKind
    id: str
    size: int = 0
    executable: bool = False


@dataclass(frozen=True, slots=True)
class CompileConfig:
    """The daemon's configuration, as far as compile depends on it.

    Attributes:
        project: name of the project; the repository's own word counts before it, unless it is `fixed`.
        fixed: whether a ledger holds `project` already: then another name in the repository is a problem.
        connections: the catalogue by name; None when it is not known, and then no name is checked.
        queues: by name; None when they are not known, or none is configured.
        namespaces: where operations may run beside `namespace`; None for everywhere.
        cluster: what specs may ask of a cluster; None where runs go to none, or that is not known.
        engine: what specs may ask of a container engine; None where runs go to none, or that is not known.
        instance: name of the Plumbline instance.
        backend: name of the backend that runs go to.
        namespace: what `globals.namespace` is where no policy says.
        environments: images that the local backend has an environment for; None when that is not known.
        slots: how many of each countable resource there are; None when that is not known.
        prune: whether removal may stop anything: the ceiling of the repository's own setting.
    """

    project: str
    instance: str = "default"
    backend: str = "local"
    namespace: str = "default"
    environments: frozenset[str] | None = None
    slots: Mapping[str, int] | None = None
    prune: bool = True
    fixed: bool = False
    connections: Mapping[str, Connection] | None = None
    queues: Mapping[str, Queue] | None = None
    namespaces: frozenset[str] | None = None
    cluster: ClusterRules | None = None
    engine: EngineRules | None = None


@dataclass(frozen=True, slots=True)
class Outside:
    """What a reference out of the repository led to, or why it led nowhere.

    Attributes:
        path: how its places are shown: `hub:train:2/train.yaml`, or the URL.
        ident: id of the content, which decides whether it is the same; "" where there is none.
        content: the file.
        failure: why there is no content, in one sentence, or "".
        hint: what to do about it.
        elsewhere: whether somebody else could look it up: then the failure is no mistake of the spec.
    """

    path: str = ""
    ident: str = ""
    content: bytes = b""
    failure: str = ""
    hint: str = ""
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Override:
    """Other values of the params of one root, for one run that a person asks for.

    Attributes:
        place: where its document begins.
        params: texts by name, over the params that it gives.
    """

    place: Place
    params: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CompileInput:
    """A commit's tree and what else compile may know.

    Attributes:
        commit: full commit id.
        tree_id: id of the root tree.
        entries: every entry below the root by its path, folders included; the whole tree, never a part.
        config: the configuration.
        blobs: contents by blob id, as far as they were read; grow it until `wanted` is empty.
        in_force: for each root of the ledger, the file that it comes from.
        named: files that count as spec files whatever they hold.
        override: other params of one root.
        outside: what references out of the repository led to, by the keys that `references` names.
    """

    commit: str
    tree_id: str
    entries: Mapping[str, Entry]
    config: CompileConfig
    blobs: Mapping[str, bytes] = field(default_factory=dict)
    in_force: Mapping[str, str] = field(default_factory=dict)
    named: frozenset[str] = frozenset()
    override: Override | None = None
    outside: Mapping[str, Outside] = field(default_factory=dict)


FileState = Literal["in", "out", "ignored"]
"""A spec file; a file that `paths` leaves out; a file that is included and is no spec."""


@dataclass(frozen=True, slots=True)
class FileRow:
    """One line of `plumbline ls-files`: a YAML or JSON file, what it counts as, and why."""

    path: str
    state: FileState
    why: str
