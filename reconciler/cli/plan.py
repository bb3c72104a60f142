"""`plumbline plan`: the plan of a commit, or of the files as they are, before anybody pushes.

With a daemon that follows this repository, the plan is against the world as it is; else it is against another commit,
as if everything that it asks for had been applied. The answer says which. In both cases what specs refer to out of the
repository is what the daemon pinned, where one answers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from planner.applied import World, as_applied
from planner.desire.view import Identity
from planner.guard import Budgets
from planner.happenings import woken
from planner.model.desired import DesiredState
from planner.model.events import REPOSITORY, Subscription
from planner.preview import previewed
from planner.render.foreign import phrase
from planner.render.frame import frame_of
from planner.render.json import plan_json
from planner.render.markdown import plan_markdown
from planner.render.text import plan_text
from planner.target import Contact
from reconciler import codec
from reconciler.api.asked import LARGEST_PLAN
from reconciler.cli import show
from reconciler.cli.client import Daemon, connect
from reconciler.cli.compiled_as import CompiledAs, compiled_as
from reconciler.cli.failure import Code, Failure
from reconciler.cli.followed import follows, known_to
from reconciler.cli.offline import Files, Project, project_at
from reconciler.cli.repository import Repository
from reconciler.cli.session import Session, session_of
from reconciler.compiling import compiled
from reconciler.settings import DaemonSettings
from reconciler.source.model import touched

__all__ = ["run"]


_HUBS_NOW = "components of hubs are read as they are now; a daemon goes on with what it pinned"


@dataclass(frozen=True, slots=True)
class _Request:
    """What was typed."""

    base: str | None
    head: str | None
    at: datetime
    live: bool | None
    server: bool = False
    backend: str | None = None

    @property
    def asked(self) -> dict[str, str]:
        """Parameters for the daemon."""
        return {"at": self.at.isoformat(), **({"server": "true"} if self.server else {})}


def run(  # noqa: PLR0913  one parameter an option, as typer wants it
    ctx: typer.Context,
    path: Annotated[Path, typer.Argument(help="A folder in the repository.")] = Path(),
    *,
    base: Annotated[str | None, typer.Option("--base", help="Compare with this commit or ref.")] = None,
    head: Annotated[str | None, typer.Option("--head", help="Plan this commit or ref, not the files.")] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="Plan as if it were then (ISO 8601).")] = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with 1 when anything would change.")] = False,
    live: Annotated[bool | None, typer.Option("--live/--offline", help="Ask the daemon, or do not.")] = None,
    server: Annotated[bool, typer.Option("--server", help="Ask the cluster what it says of each start.")] = False,
    backend: Annotated[
        str | None, typer.Option("--backend", metavar="NAME", help="Compile as for this backend, without a daemon.")
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print it as a comment for a pull request.")] = False,
) -> None:
    """Show what a commit, or the files as they are, would do.

    Without --head the files of the folder are planned, and compared with HEAD; with it, that commit, compared with
    its parent. A daemon that follows this repository is asked instead for what is really there, unless --base or
    --offline is given; with --base it is asked only for what it pinned. With --server the cluster is asked, too. What
    --markdown prints fits into a comment on GitHub, GitLab and Gitea, and words of specs do nothing there. Exit code 2
    when spec files have problems, or the cluster refuses something.
    """
    session = session_of(ctx)
    request = _Request(base, head, _instant(at), True if server and live is None else live, server, backend)
    if backend is not None:
        if live or server:
            raise Failure(Code.INPUT, "--backend is for plans without a daemon, which compiles as for its own")
        request = replace(request, live=False)
    if server and (base is not None or live is False):
        raise Failure(Code.INPUT, "--server asks the daemon, and excludes --base and --offline")
    if base is not None and live:
        raise Failure(Code.INPUT, "--base and --live exclude each other: a daemon compares with the world as it is")
    with project_at(path) as project, show.working("planning"):
        if project.repository is None:
            raise Failure(
                Code.INPUT, f"{project.top} is no git repository, so there is no commit to compare with; see validate"
            )
        live_answer = _live(session, project, request)
        answer = _with_unknown(live_answer or _offline(project, request, compiled_as(session, project, backend, None)))
    if session.json:
        show.value(answer["plan"])
    else:
        typer.echo(answer["markdown" if markdown else "text"], nl=False)
    _end(answer["plan"], exit_code=exit_code)


def _with_unknown(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer, which says above all if there is something that it cannot know."""
    count = sum(problem["code"] == "PL-311" for problem in answer["plan"]["problems"])
    if not count:
        return answer
    references = f"{count} reference{'s' if count > 1 else ''}"
    words = f"{references} out of the repository could not be looked up here (PL-311)"
    return _with_note(answer, f"{words}: their files count as unchanged in this plan, and a push may do more")


def _with_note(answer: dict[str, Any], note: str) -> dict[str, Any]:
    plan = {**answer["plan"], "notes": [*answer["plan"]["notes"], note]}
    markdown = f"{answer['markdown']}\n<sub>{phrase(note)}</sub>\n"
    return {**answer, "plan": plan, "text": f"note: {note}\n{answer['text']}", "markdown": markdown}


def _end(plan: Mapping[str, Any], *, exit_code: bool) -> None:
    told = [one for action in plan["actions"] for one in action["rehearsed"]]
    if any(problem["severity"] == "error" for problem in plan["problems"]) or any(one["refused"] for one in told):
        raise typer.Exit(Code.INPUT)
    if exit_code and (plan["actions"] or plan["held"]):
        raise typer.Exit(Code.FAILED)


def _instant(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.astimezone()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Failure(Code.INPUT, f"`{text}` is no instant: write it as 2026-11-23T06:00:00Z") from None


# --- against another commit ---


def _offline(project: Project, request: _Request, by: CompiledAs) -> dict[str, Any]:
    config, settings = by.config, by.settings
    repository = project.repository
    assert repository is not None
    head_id = repository.resolve(request.head) if request.head else ""
    base_id, words = _base(repository, request, head_id)
    before = project.at(base_id).compile(config) if base_id else None
    in_force = {name: operation.place.path for name, operation in before.roots.items()} if before else {}
    files = _files(project, head_id)
    given = files.given(config, in_force)
    desired = compiled(given, files.cache)
    world = as_applied(before, request.at, Identity(config.instance, before.project), desired) if before else World()
    asked = "no daemon was asked" if project.look is None else "the daemon was asked for its pins only"
    notes = [f"compared with {words}; {asked}", by.words]
    touches = touched(project.at(base_id).tree, files.tree) if base_id else []
    if project.look is None and any(outside.ident for outside in given.outside.values()):
        notes.append(_HUBS_NOW)
    world = replace(world, notes=(*world.notes, *notes), touched=tuple(touches), backend=config.backend)
    return _planned(desired, world, _contact(settings, request), Identity(config.instance, desired.project))


def _base(repository: Repository, request: _Request, head: str) -> tuple[str, str]:
    """The commit to compare with ("" for nothing), and how it is called."""
    if request.base is not None:
        ident = repository.resolve(request.base)
        name = ident[:10] if request.base == ident else f"{request.base} ({ident[:10]})"
        return ident, f"{name}, as if it had been applied and had succeeded"
    if head:
        parents = repository.commit(head).parents
        if not parents:
            return "", "nothing, as it is the first commit"
        return parents[0], f"its parent {parents[0][:10]}, as if that had been applied and had succeeded"
    ident = repository.find("HEAD") or ""
    if not ident:
        return "", "nothing, as there is no commit yet"
    return ident, f"HEAD ({ident[:10]}), as if it had been applied and had succeeded"


def _files(project: Project, commit: str) -> Files:
    return project.at(commit) if commit else project.now()


def _contact(settings: DaemonSettings | None, request: _Request) -> Contact:
    said = settings.budgets if settings else None
    budgets = Budgets(starts=said.starts, gpus=said.gpus, trials=said.trials) if said else Budgets()
    instance = settings.instance if settings else "default"
    return Contact(instance, (settings.repository.branch if settings else "") or "", request.at, budgets)


def _planned(desired: DesiredState, world: World, contact: Contact, identity: Identity) -> dict[str, Any]:
    found = previewed(desired, world, contact, identity)
    markdown = plan_markdown(found.plan, frame_of(found, desired, identity.instance))
    return {"plan": json.loads(plan_json(found.plan)), "text": plan_text(found.plan), "markdown": markdown}


# --- against the world as it is ---


def _live(session: Session, project: Project, request: _Request) -> dict[str, Any] | None:
    """The daemon's plan, or one that it was asked only for its pins for; None when none is to be asked.

    Raises:
        Failure: `--live` was given and none answers.
    """
    if request.live is False:
        return None
    try:
        with connect(session) as daemon:
            status = daemon.get("/v1/status")
            if not follows(str(status["repository"]), project) and not request.live:
                return None
            project.look = known_to(daemon)
            by = compiled_as(session, project, None, daemon)
            asked = None if request.base is not None else _ask(project, request, by, (daemon, status))
            return asked or _offline(project, request, by)
    except Failure as failure:
        if request.live or failure.code is not Code.ENVIRONMENT:
            raise
        project.look = None
        return None


def _ask(
    project: Project, request: _Request, by: CompiledAs, found: tuple[Daemon, Mapping[str, Any]]
) -> dict[str, Any] | None:
    daemon, status = found
    in_force = {operation["operation"]: operation["path"] for operation in status["operations"]}
    config = replace(by.config, project=str(status["project"]), instance=str(status["instance"]), fixed=True)
    repository = project.repository
    assert repository is not None
    commit = repository.resolve(request.head) if request.head else ""
    files = _files(project, commit)
    text = codec.encode(files.compile(config, in_force))
    woken_by: list[str] = []
    if len(text) <= LARGEST_PLAN:
        answer = daemon.post("/v1/plan", text, **request.asked)
        woken_by = _woken(answer, files, project)
    elif commit:
        answer = daemon.get("/v1/plan", head=commit, **request.asked)
    elif request.live:
        size, most = (f"{count / (1 << 20):.1f} MiB" for count in (len(text), LARGEST_PLAN))
        raise Failure(
            Code.INPUT,
            f"the files compile to {size} and a daemon takes {most}: plan them with --offline, "
            "or push them and plan --head COMMIT",
        )
    else:
        return None
    note = f"compared with the world as it is: project {status['project']}, instance {status['instance']}"
    for words in (*reversed(woken_by), by.words, note):
        answer = _with_note(answer, words)
    return answer


def _woken(answer: Mapping[str, Any], files: Files, project: Project) -> list[str]:
    """Whom a push of the files would wake, as far as the commit that the daemon has is here."""
    repository = project.repository
    assert repository is not None
    base = repository.find(str(answer["plan"]["base"])) if answer["plan"]["base"] and answer["listening"] else None
    if base is None:
        return []
    listeners = {
        name: (Subscription(REPOSITORY, ("connection_git_commit",), tuple(globs)),)
        for name, globs in answer["listening"].items()
    }
    return list(woken(listeners, touched(project.at(base).tree, files.tree)))
