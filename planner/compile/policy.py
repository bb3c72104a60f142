"""Policies of `.plumbline.yaml` as they hold for the operations of one file (design: "Discovery").

A policy goes by the path of the file that an operation is written in. For prune the daemon's configuration is the
ceiling: the file may only tighten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from planner.canon import Json
from planner.compile.given import ONE_MACHINE, CompileConfig
from planner.compile.origin import Origin, Report
from planner.model.desired import OnChange, Policy, RunPolicy
from planner.model.gang import Update
from planner.model.retention import Retention
from planner.spec import repository
from planner.spec.component import Component
from planner.spec.plain import plain
from planner.spec.plugins import Notification
from planner.spec.shape import is_template
from planner.spec.words import short

__all__ = [
    "RootPolicy",
    "check_notifications",
    "kept_of",
    "namespace_of",
    "notified",
    "own_namespace",
    "policy_of",
]


@dataclass(frozen=True, slots=True)
class RootPolicy:
    """What holds for a root.

    Attributes:
        policy: what planning goes by.
        queue: where neither operation nor component names one.
        update: how its services are replaced; None for what fits the service.
        backend: where its runs go.
        refused: why nothing of it can run here, or "".
        namespace: what `globals.namespace` is.
        config: the configuration of the daemon.
        notifications: who is told of its runs, where it names nobody itself.
    """

    policy: Policy
    queue: str
    update: Update | None
    backend: str
    refused: str
    namespace: str
    config: CompileConfig
    notifications: tuple[Notification, ...] = ()


_DEFAULT = Policy()


def policy_of(said: repository.Policy, config: CompileConfig) -> RootPolicy:
    """What a repository's policy for a file means under the daemon's configuration."""
    backend = said.backend or config.backend
    refused = "" if backend == config.backend else f"there is no backend {backend!r} here; there is {config.backend!r}"
    deadline = said.progress_deadline
    return RootPolicy(
        policy=Policy(
            run=_DEFAULT.run if said.run_policy is None else RunPolicy(said.run_policy),
            on_change=_DEFAULT.on_change if said.on_change is None else OnChange(said.on_change),
            self_heal=_DEFAULT.self_heal if said.self_heal is None else said.self_heal,
            progress_deadline=_DEFAULT.progress_deadline if deadline is None else deadline.total_seconds(),
            prune=config.prune and said.prune is not False,
            retention=None if said.retention is None else kept_of(said.retention),
        ),
        queue=said.queue or "",
        update=None if said.update is None else Update(said.update),
        backend=backend,
        refused=refused,
        namespace=said.namespace or config.namespace,
        config=config,
        notifications=said.notifications or (),
    )


def namespace_of(policy: RootPolicy) -> dict[str, Json]:
    """The section that says where a file's operations run which name no namespace themselves; empty for the default."""
    return {"namespace": policy.namespace} if policy.namespace != policy.config.namespace else {}


def own_namespace(component: Component, policy: RootPolicy) -> dict[str, Json]:
    """What `globals.namespace` is where an operation names one itself; one machine has no namespaces."""
    named = component.namespace
    return {"namespace": named} if named and policy.backend not in ONE_MACHINE and not is_template(named) else {}


def notified(sections: Mapping[str, Json], policy: RootPolicy) -> dict[str, Json]:
    """The sections of a root with the notifications of its policy, where it says none itself."""
    plugins = sections.get("plugins", {})
    if not policy.notifications or not isinstance(plugins, Mapping) or plugins.get("notifications") is not None:
        return dict(sections)
    return {**sections, "plugins": {**plugins, "notifications": [plain(one) for one in policy.notifications]}}


def check_notifications(policy: RootPolicy, origin: Origin, report: Report) -> None:
    """PL-302 for a connection of the policy's notifications that the configuration does not have."""
    known = policy.config.connections
    for name in dict.fromkeys(name for one in policy.notifications for name in one.connections):
        if known is not None and name not in known:
            message = f"there is no connection `{short(name)}` in the configuration, and .plumbline.yaml notifies by it"
            report.add(origin.problem("PL-302", message, "add it to `connections` in the daemon's configuration"))


def kept_of(said: repository.Retention) -> Retention:
    """What a `retention` section means."""
    return Retention(said.count, None if said.age is None else said.age.total_seconds())
