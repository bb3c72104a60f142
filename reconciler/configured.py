"""What the settings mean to the parts of the daemon. Reads nothing and checks nothing: `settings` has done that."""

from __future__ import annotations

from planner.admit import Limits
from planner.compile import CompileConfig
from planner.desire.view import Identity
from planner.guard import Budgets
from reconciler.backends.local.settings import MEBIBYTE, Containment, LocalSettings
from reconciler.core import Policy
from reconciler.settings import DaemonSettings
from reconciler.source import remote

__all__ = ["config_of", "local_of", "policy_of"]


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
    local = settings.backends.local
    return CompileConfig(
        project=identity.project,
        instance=identity.instance,
        backend=settings.backend,
        environments=frozenset(local.environments) or None,
        slots=local.slots,
    )


def policy_of(settings: DaemonSettings, identity: Identity, warnings: tuple[str, ...]) -> Policy:
    """How this daemon plans.

    Raises:
        Unusable: the address of the repository is not allowed.
    """
    local = settings.backends.local
    is_local = remote.parse(settings.repository.url).path is not None
    return Policy(
        identity=identity,
        branch=settings.repository.branch or "",
        budgets=Budgets(starts=settings.budgets.starts, gpus=settings.budgets.gpus),
        limits=Limits(runs=local.runs_at_once, slots=local.slots, ports=(local.ports[0], local.ports[1])),
        resync=settings.resync.total_seconds(),
        grace=settings.grace.total_seconds(),
        hold_first=(settings.first_sync or ("run" if is_local else "hold")) == "hold",
        hold_others=settings.first_sync is None,
        warnings=warnings,
    )
