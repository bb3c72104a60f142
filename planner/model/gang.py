"""A gang: what a leaf run is made of, the same for every kind and backend.

Kinds lower to a gang, backends lower a gang to processes or manifests. Nothing here knows a kind or a backend.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from planner.canon import Json

__all__ = ["Activity", "CodeTree", "Container", "Gang", "Lifetime", "Probe", "Replica", "Update"]


class Lifetime(StrEnum):
    """The only difference between leaves: a job has happened when it ended by itself, a service never has."""

    ONCE = "once"
    ALWAYS = "always"


class Update(StrEnum):
    """How a service goes from one generation to the next (design: "A changed root")."""

    ROLLING = "rolling"
    RECREATE = "recreate"


@dataclass(frozen=True, slots=True)
class Probe:
    """When a replica of a service is ready: the Kubernetes `readinessProbe`, one of http, tcp, command.

    Attributes:
        http_path: GET this path and take 200 to 399 as ready; None without httpGet.
        port: index into the gang's ports; -1 without one.
        command: exit 0 is ready; empty without exec.
        period: seconds between looks.
        timeout: seconds one look may take.
        failures: looks in a row that make a ready replica unready.
        delay: seconds before the first look.
    """

    http_path: str | None = None
    port: int = -1
    command: tuple[str, ...] = ()
    period: float = 1.0
    timeout: float = 1.0
    failures: int = 3
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Activity:
    """How a service says that it is in use (reference section 10.2): one of http, command.

    Attributes:
        http_path: GET this path; the answer is JSON whose `last_activity` is an instant. An error counts as activity.
        port: index into the gang's ports; -1 without one.
        command: exit 0 is in use, another one idle; what cannot be run counts as activity.
        period: seconds between looks.
        timeout: seconds one look may take.
    """

    http_path: str | None = None
    port: int = -1
    command: tuple[str, ...] = ()
    period: float = 60.0
    timeout: float = 5.0


@dataclass(frozen=True, slots=True)
class Container:
    """A program with its surroundings, bound or still holding template text.

    Attributes:
        image: container image; on the local backend it names an environment of the configuration.
        command: program and first arguments; empty when the image decides.
        args: further arguments.
        env: variables, values as text.
        working_dir: absolute, or relative to the working folder; "" for the working folder.
        resources: requests by resource name (`cpu`, `memory`, `nvidia.com/gpu`, a declared slot); limits fill gaps.
        limits: the most of each resource that it may use, as written.
    """

    image: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    working_dir: str = ""
    resources: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CodeTree:
    """Content of the repository that a run sees.

    Attributes:
        source: path in the repository; "" for its root folder.
        object_id: git object id of the tree or blob: the content, so the identity.
        target: path under the working folder; "" for the working folder itself.
        exclude: paths below `source` that are left out (the spec files of a folder).
        is_file: whether the object is a file.
        executable: whether that file has its exec bit.
    """

    source: str
    object_id: str
    target: str
    exclude: tuple[str, ...] = ()
    is_file: bool = False
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Replica:
    """A group of equal processes.

    Attributes:
        role: `main` for jobs and services; `worker`, `chief`, … for distributed kinds.
        count: how many; 0 for a group that a backend may add to.
        container: what each of them runs.
        pod: what else was said of each of them, as plain data by YAML name, its texts bound or template text:
            `environment`, `init` without code of the repository, `sidecars`, `volumes`, `connections`, `minReplicas`
            and so on; `container` for what `container` here does not hold.
    """

    role: str
    count: int
    container: Container
    pod: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gang:
    """Replica groups that live and die together.

    Attributes:
        replicas: the groups, in order of start.
        decider: role whose exit decides the outcome: 0 of all its replicas is success.
        lifetime: once or always.
        ports: declared ports of a service, in order; the backend leases the real ones.
        probe: readiness of a service; None means ready once it stays up.
        update: how a changed service is replaced.
        code: what it sees of the repository.
        labels: for people and clusters; never identity.
        annotations: likewise.
        external: whether nothing of ours stands in front of a service.
        rewrite_path: whether a base URL is cut off the requests to a service.
        options: what else its kind says of all groups, as plain data by YAML name: `cleanPodPolicy`, `entrypoint` and
            so on.
    """

    replicas: tuple[Replica, ...]
    decider: str = "main"
    lifetime: Lifetime = Lifetime.ONCE
    ports: tuple[int, ...] = ()
    probe: Probe | None = None
    update: Update = Update.RECREATE
    code: tuple[CodeTree, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    external: bool = False
    rewrite_path: bool = False
    options: Mapping[str, Json] = field(default_factory=dict)

    @property
    def requests(self) -> Mapping[str, int]:
        """Sum of countable requests over all replicas, by resource name (whole numbers only)."""
        total: dict[str, int] = {}
        for group in self.replicas:
            for name, amount in group.container.resources.items():
                if amount.isdigit():
                    total[name] = total.get(name, 0) + int(amount) * group.count
        return total
