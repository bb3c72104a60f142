"""The daemon's configuration: `daemon.yaml`, and where things live by default. The only reader of the environment.

Read like a spec file (strict YAML, every problem at once with its place); a wrong one ends the program with one
sentence a problem and exit code 3. Nothing here opens, makes or checks what it names.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError

from planner.errors import Problem
from planner.spec import faults
from planner.spec import yaml as reader
from planner.spec.catalogue import Connections
from planner.spec.clashes import Clash, Said
from planner.spec.container import EnvVar
from planner.spec.places import Places
from planner.spec.queues import Queues
from planner.spec.shape import Duration, Name, Section, Whole
from reconciler.errors import Unusable
from reconciler.settings_api import Api
from reconciler.settings_commands import Commands, clashes_of_commands
from reconciler.settings_election import Election, clashes_of_election
from reconciler.settings_engine import EngineBackend
from reconciler.settings_forge import ForgeSetting, ForgeSettings
from reconciler.settings_kubernetes import KubernetesBackend
from reconciler.settings_ledger import LedgerServer
from reconciler.settings_pages import Pages, clashes_of_pages
from reconciler.settings_previews import Previews, clashes_of_previews
from reconciler.settings_retention import DaemonRetention
from reconciler.settings_sources import Address, Hosts, Hub, HubRepository, Hubs, RemoteAccess
from reconciler.settings_store import ArtifactsStore
from reconciler.settings_webhooks import Webhooks

__all__ = [
    "Api",
    "Backends",
    "DaemonSettings",
    "Guards",
    "Hub",
    "HubRepository",
    "LocalBackend",
    "Pages",
    "RemoteAccess",
    "Repository",
    "cache_folder",
    "default_state",
    "environment",
    "load_settings",
]

_MOST_NAMED = 10


def _pause(value: timedelta) -> timedelta:
    if value < timedelta(seconds=1):
        raise ValueError("must be a second or more")
    return value


Pause = Annotated[Duration, AfterValidator(_pause)]


def _port_range(value: tuple[int, int]) -> tuple[int, int]:
    first, last = value
    if not 1 <= first <= last <= 65_535:
        raise ValueError("must be a first and a last port, from 1 to 65535")
    return value


def _variable(value: str) -> str:
    try:
        EnvVar(name=value)
    except ValidationError:
        raise ValueError("must be letters, digits, `_`, `-` or `.`, no digit first") from None
    return value


VariableName = Annotated[str, AfterValidator(_variable)]
"""The name of a variable, by the rule of specs."""


class Repository(Section):
    """What is followed."""

    url: Address
    """Path, file://, https:// or ssh:// URL, or user@host:path."""
    branch: str | None = None
    """Branch that is followed; the remote's HEAD when left out."""
    project: Name | None = None
    """Name of the project; the last segment of the URL when neither this nor `.plumbline.yaml` says it."""
    access: RemoteAccess = RemoteAccess()
    poll: Pause = timedelta(seconds=30)
    """Time between two looks at the remote; a repository on this machine is looked at whenever it changes, too."""


class Guards(Section):
    """What one commit may newly cause: the ceiling that `.plumbline.yaml` may only lower."""

    starts: Whole = 20
    """Operations that start."""
    trials: Whole = 1000
    """Trials that the sweeps may have."""
    gpus: Whole | None = None
    """GPUs asked for together."""


class LocalBackend(Section):
    """Runs as processes of this machine."""

    runs: Path | None = None
    """Folder of working folders, artifacts and exported trees; `<state>-runs` when left out. Logs are in the state."""
    environments: dict[str, Path] = Field(default_factory=dict)
    """Python environment (its folder) that stands for a container image."""
    user: str | None = None
    """User that runs are started as when the daemon is root."""
    allow_root: bool = False
    """Whether runs may be root's."""
    slots: dict[str, Whole] = Field(default_factory=dict)
    """How many there are of a countable resource, such as `nvidia.com/gpu: 2`; each is leased to one run."""
    runs_at_once: Whole | None = None
    """Attempts that may be alive at once."""
    ports: Annotated[tuple[Whole, Whole], AfterValidator(_port_range)] = (20000, 29999)
    """First and last port that services get when their own is taken."""
    log_megabytes: Whole = 64
    """Size at which a run's log is cut and rotated once."""
    env: dict[VariableName, str] = Field(default_factory=dict)
    """Further variables of every run."""
    containment: Literal["auto", "off"] = "auto"
    """How a run's processes are found again: with a control group where that can be, or without."""


class Backends(Section):
    """Settings of each backend."""

    local: LocalBackend = LocalBackend()
    kubernetes: KubernetesBackend = KubernetesBackend()
    engine: EngineBackend = EngineBackend()


class DaemonSettings(Section):
    """The file `daemon.yaml`."""

    repository: Repository
    state: Path | None = None
    """Folder of the ledger, if it is a file, the mirror and the socket (0700)."""
    ledger: LedgerServer | None = None
    """Where the ledger is; a file of the state folder when left out."""
    election: Election | None = None
    """Which of several replicas leads; there is only one when left out."""
    instance: Name = "default"
    """Name of this daemon: part of labels, note refs and status contexts."""
    backend: Literal["local", "engine", "kubernetes"] = "local"
    """Where runs run."""
    backends: Backends = Backends()
    forge: ForgeSetting = ForgeSettings(kind="notes")
    """Where commits say how it went."""
    commands: Commands | None = None
    """Whose comments on pull requests are obeyed; nobody's when left out."""
    previews: Previews = Previews()
    """What pull requests are told before they are merged."""
    first_sync: Literal["run", "hold"] | None = None
    """What first contact does; `run` for local repositories, else `hold`."""
    hubs: Hubs = ()
    """Where components of `hubRef` come from, in the order in which they are asked; last comes the packaged hub."""
    hosts: Hosts = ()
    """Hosts that `urlRef` may lead to; none when left out."""
    connections: Connections = ()
    """What specs may name as connections."""
    queues: Queues
    """What operations may wait in, by name; any name is taken when left out."""
    namespaces: tuple[Name, ...] | None = None
    """Namespaces that operations may ask for; any when left out."""
    budgets: Guards = Guards()
    retention: DaemonRetention = DaemonRetention()
    """Which runs are kept where `.plumbline.yaml` says nothing (all when left out), and how much of all else."""
    artifacts_store: ArtifactsStore | None = None
    """Where copies of all artifacts are kept; only with the runs on this machine when left out."""
    resync: Pause = timedelta(seconds=30)
    """Time between two looks at all runs and notes, whatever hints came: makes up for those that were lost."""
    grace: Duration = timedelta(seconds=30)
    """Time between TERM and KILL of what is stopped."""
    api: Api = Api()
    pages: Pages = Pages()
    webhooks: Webhooks | None = None
    """Where the forge tells of pushes and pull requests; off when left out."""
    log: Literal["text", "json"] | None = None
    """Form of log lines; text on a terminal, else JSON."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """What an election needs, and what pages and previews."""
        yield from clashes_of_election(said)
        yield from clashes_of_pages(said)
        yield from clashes_of_previews(said)
        yield from clashes_of_commands(said)

    @property
    def state_folder(self) -> Path:
        """The state folder, made absolute."""
        return (self.state or default_state()).expanduser().absolute()

    @property
    def runs_folder(self) -> Path:
        """The folder of runs: beside the state, as others than the daemon's user own parts of it."""
        said = self.backends
        runs = said.engine.runs if self.backend == "engine" else said.local.runs
        return runs.expanduser().absolute() if runs else Path(f"{self.state_folder}-runs")


def default_state() -> Path:
    """Where state lives unless something says otherwise: `$PLUMBLINE_STATE`, else the user's state folder."""
    named = os.environ.get("PLUMBLINE_STATE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "plumbline"


def cache_folder() -> Path:
    """Where things are kept that can be made again, keyed by content."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "plumbline"


def environment() -> dict[str, str]:
    """The process's own environment, for programs that are started on a person's behalf (git, pip); never for runs."""
    return dict(os.environ)


def load_settings(path: Path) -> DaemonSettings:
    """The settings of a file.

    Raises:
        Unusable: it cannot be read, or is wrong; the message has a line for each problem.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Unusable(f"cannot read the configuration {path}: {error.strerror}") from None
    read = reader.read(str(path), data)
    problems = [*read.problems, *_surplus(read.documents[1:])]
    value: Any = read.documents[0].value if read.documents else {}
    places = read.documents[0].places if read.documents else Places(str(path))
    if not problems:
        try:
            return DaemonSettings.model_validate(value)
        except ValidationError as error:
            problems = faults.problems(error, DaemonSettings, value, places)
    lines = "\n".join(
        f"  {problem.place}: {problem.message}" + (f"; {problem.hint}" if problem.hint else "")
        for problem in problems[:_MOST_NAMED]
    )
    raise Unusable(f"the configuration is wrong\n{lines}")


def _surplus(documents: Sequence[reader.YamlDocument]) -> Iterator[Problem]:
    """Documents behind the first: whoever wrote one expects it to count."""
    for document in documents:
        hint = "put it into the first, and remove the line `---`"
        message = "the configuration is one document, and this is another"
        yield Problem("PL-204", message, document.places.value(""), hint=hint)
