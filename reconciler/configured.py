"""What the settings mean to the parts of the daemon. Reads nothing and checks nothing: `settings` has done that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from decimal import Decimal
from pathlib import Path

from planner.admit import Limits
from planner.compile import CompileConfig
from planner.compile.given import ONE_MACHINE
from planner.compile.policy import kept_of
from planner.desire.view import Identity
from planner.guard import Budgets
from planner.line import QueueLimits
from planner.model.notices import NOTIFYING
from planner.spec.catalogue import Connection
from planner.spec.places import snake
from planner.spec.queues import amount
from reconciler.backends.local.settings import MEBIBYTE, Containment, LocalSettings
from reconciler.clones import GitClones
from reconciler.configured_engine import engine_rules_of
from reconciler.configured_kubernetes import rules_of
from reconciler.core import Policy
from reconciler.errors import Unusable
from reconciler.hubs import FolderHub, Hub
from reconciler.hubs_git import GitHub, Origin
from reconciler.messages import Address, Channel, HttpChannel
from reconciler.outside import Lookup
from reconciler.ports_sweep import Kept
from reconciler.settings import DaemonSettings, HubRepository, environment
from reconciler.settings_api import is_loopback
from reconciler.source import remote
from reconciler.source.access import access_to
from reconciler.stores.files import FileStore, open_store
from reconciler.urls import Urls

__all__ = ["channels_of", "clones_of", "config_of", "exposed", "local_of", "lookup_of", "policy_of", "store_of"]


def local_of(settings: DaemonSettings) -> LocalSettings:
    """How the local backend runs what it is given."""
    local = settings.backends.local
    return LocalSettings(
        root=settings.state_folder / "local",
        runs=settings.runs_folder,
        environments={image: path.expanduser().absolute() for image, path in local.environments.items()},
        user=local.user,
        allow_root=local.allow_root,
        slots=local.slots,
        env=local.env,
        log_cap=local.log_megabytes * MEBIBYTE,
        containment=Containment(local.containment),
    )


def config_of(settings: DaemonSettings, identity: Identity) -> CompileConfig:
    """What compiling must know of the daemon."""
    said, backend = settings.backends, settings.backend
    slots = {"local": said.local.slots, "engine": said.engine.slots}
    return CompileConfig(
        project=identity.project,
        instance=identity.instance,
        backend=backend,
        namespace=said.kubernetes.namespace,
        environments=(frozenset(said.local.environments) or None) if backend == "local" else None,
        slots=slots.get(backend),
        cluster=rules_of(said.kubernetes) if backend == "kubernetes" else None,
        engine=engine_rules_of(said.engine) if backend == "engine" else None,
        connections={connection.name: connection for connection in settings.connections},
        queues=settings.queues or None,
        namespaces=None if settings.namespaces is None else frozenset(settings.namespaces),
    )


def channels_of(settings: DaemonSettings) -> Mapping[str, Channel]:
    """How people are told through those connections that somebody can be told through."""
    variables = environment()
    return {
        connection.name: HttpChannel(connection.kind, _address_of(connection), variables)
        for connection in settings.connections
        if connection.kind in NOTIFYING
    }


def _address_of(connection: Connection) -> Address:
    said = {snake(str(name)): str(value) for name, value in (connection.schema_ or {}).items()}
    names = {field.name for field in fields(Address)}
    return Address(**{name: value for name, value in said.items() if name in names})


def clones_of(settings: DaemonSettings) -> GitClones:
    """Other repositories that runs get code of."""
    connections = {connection.name: connection for connection in settings.connections}
    return GitClones(settings.state_folder / "clones", Urls(settings.hosts), connections)


def store_of(settings: DaemonSettings) -> FileStore | None:
    """Where copies of artifacts are kept; None where the configuration names no place.

    Raises:
        Unusable: a secret cannot be read, or the file system does not take what is said.
    """
    said = settings.artifacts_store
    if said is None:
        return None
    files = {name: _secret_of(name, path.expanduser()) for name, path in said.option_files.items()}
    known, variables = environment(), said.option_variables
    for name, variable in variables.items():
        if not known.get(variable):
            raise Unusable(f"artifactsStore.optionVariables.{name}: the daemon has no variable {variable}")
    return open_store(said.url, {**said.options, **files, **{name: known[one] for name, one in variables.items()}})


def _secret_of(name: str, path: Path) -> str:
    try:
        value = path.read_text(encoding="utf-8").strip()
        mode = path.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise Unusable(f"artifactsStore.optionFiles.{name}: {path} cannot be read: {reason}") from None
    if mode & 0o007:
        raise Unusable(f"artifactsStore.optionFiles.{name}: {path} can be read by others: chmod 600 {path}")
    return value


def exposed(settings: DaemonSettings) -> Iterator[str]:
    """What others may read on its way: one sentence each."""
    webhooks = settings.webhooks.listen if settings.webhooks is not None else None
    for setting, address, what in (
        ("api.events", settings.api.events, "tokens"),
        ("pages.listen", settings.pages.listen, "tokens"),
        ("webhooks.listen", webhooks, "what forges send"),
    ):
        if address and not is_loopback(address.rpartition(":")[0].strip("[]")):
            words = f"put something that speaks it before, or {what} can be read"
            yield f"{setting} answers on {address} without TLS: {words}"


def lookup_of(settings: DaemonSettings) -> Lookup:
    """Where references out of the repository lead.

    Raises:
        Unusable: the address of a hub is not allowed, or what opens it cannot be read.
    """
    return Lookup(tuple(_hubs(settings)), Urls(settings.hosts))


def _hubs(settings: DaemonSettings) -> Iterator[Hub]:
    for hub in settings.hubs:
        if hub.path is not None:
            yield FolderHub(hub.name, hub.path.expanduser().absolute())
        elif hub.repository is not None:
            yield _git_hub(hub.name, hub.repository, settings.state_folder / "hubs" / hub.name)


def _git_hub(name: str, said: HubRepository, folder: Path) -> GitHub:
    followed = remote.parse(said.url)
    ref = f"refs/tags/{said.tag}" if said.tag else f"refs/heads/{said.branch}" if said.branch else "HEAD"
    try:
        return GitHub(name, Origin(followed, access_to(followed, said.access), ref), folder)
    except ValueError as error:
        raise Unusable(f"the hub `{name}` cannot be read at {ref}: {error}") from None


def policy_of(settings: DaemonSettings, identity: Identity, warnings: tuple[str, ...]) -> Policy:
    """How this daemon plans.

    Raises:
        Unusable: the address of the repository is not allowed.
    """
    is_local = settings.backend in ONE_MACHINE and remote.parse(settings.repository.url).path is not None
    return Policy(
        identity=identity,
        branch=settings.repository.branch or "",
        budgets=Budgets(starts=settings.budgets.starts, gpus=settings.budgets.gpus, trials=settings.budgets.trials),
        limits=_limits_of(settings),
        resync=settings.resync.total_seconds(),
        grace=settings.grace.total_seconds(),
        hold_first=(settings.first_sync or ("run" if is_local else "hold")) == "hold",
        hold_others=settings.first_sync is None,
        warnings=warnings,
        retention=kept_of(settings.retention),
        kept=_leftovers_of(settings),
    )


def _limits_of(settings: DaemonSettings) -> Limits:
    """What there is to give out: of a machine its slots and ports; a cluster counts its own."""
    queues = _queues_of(settings)
    if settings.backend == "kubernetes":
        return Limits(settings.backends.kubernetes.runs_at_once, ports=None, queues=queues)
    said = settings.backends.engine if settings.backend == "engine" else settings.backends.local
    return Limits(said.runs_at_once, said.slots, (said.ports[0], said.ports[1]), queues)


def _leftovers_of(settings: DaemonSettings) -> Kept:
    said, store = settings.retention, settings.artifacts_store
    return Kept(said.events, said.history, said.commits, said.caches, store.keep_local if store is not None else None)


def _queues_of(settings: DaemonSettings) -> dict[str, QueueLimits]:
    return {
        name: QueueLimits(
            runs=queue.runs,
            resources={resource: amount(most) or Decimal(0) for resource, most in queue.resources.items()},
            priority=queue.priority,
        )
        for name, queue in settings.queues.items()
    }
