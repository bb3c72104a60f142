"""What a plan of files compiles them by: the configuration that is named, the daemon's, or a backend's name.

Whoever plans for another backend than the one that runs it sees problems that are none, so the plan says which it was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from planner.compile import CompileConfig
from reconciler.cli.client import Daemon
from reconciler.cli.failure import Code, Failure
from reconciler.cli.offline import Project, config_of
from reconciler.cli.session import Session
from reconciler.compiling_as import config_from
from reconciler.settings import DaemonSettings

__all__ = ["BACKENDS", "CompiledAs", "compiled_as"]

BACKENDS = ("local", "engine", "kubernetes")


@dataclass(frozen=True, slots=True)
class CompiledAs:
    """What files are compiled by.

    Attributes:
        config: what compile may know.
        settings: of the configuration that was named; None without one.
        words: for people, whose backend it is.
    """

    config: CompileConfig
    settings: DaemonSettings | None
    words: str


def compiled_as(session: Session, project: Project, backend: str | None, daemon: Daemon | None) -> CompiledAs:
    """What to go by: a configuration that is named, else the daemon that is asked, else the backend of that name.

    Raises:
        Failure: a backend is named that there is not, or beside a configuration.
        Unusable: the configuration file is wrong.
    """
    if backend is not None and backend not in BACKENDS:
        raise Failure(
            Code.INPUT, f"there is no backend `{backend}`: write {', '.join(BACKENDS[:-1])} or {BACKENDS[-1]}"
        )
    if backend is not None and session.config is not None:
        raise Failure(Code.INPUT, "--backend and --config exclude each other: the configuration names its backend")
    config, settings = config_of(session, project)
    if settings is not None:
        return CompiledAs(config, settings, f"{_for(config)}, by {session.config}")
    if daemon is not None and (told := _told(daemon)) is not None:
        return CompiledAs(told, None, f"{_for(told)}, as the daemon does")
    if backend is not None:
        named = replace(config, backend=backend)
        return CompiledAs(named, None, f"{_for(named)}; its rules and connections are not known")
    more = "name the daemon's configuration with -c, or another backend with --backend, if it runs elsewhere"
    return CompiledAs(config, None, f"{_for(config)}: {more}")


def _for(config: CompileConfig) -> str:
    return f"compiled as for the {config.backend} backend"


def _told(daemon: Daemon) -> CompileConfig | None:
    """What a daemon says; None for one of a version that does not."""
    try:
        return config_from(daemon.get("/v1/compiling"))
    except ValueError:
        return None
    except Failure as failure:
        if failure.code is not Code.INPUT:
            raise
        return None
