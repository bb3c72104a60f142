"""Where runs run: whether it is there, and what it lacks. Nothing is started, and no folder of it is made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.backends.engine.client import Engine
from reconciler.backends.local import advice, groups
from reconciler.backends.local.settings import Containment
from reconciler.backends.machine.account import resolve
from reconciler.configured import local_of
from reconciler.configured_engine import engine_of
from reconciler.errors import Transient, Unusable
from reconciler.ports_checked import Finding, Grade
from reconciler.settings import DaemonSettings

__all__ = ["RIGHTS", "backend"]

RIGHTS: Sequence[tuple[str, str, Sequence[str]]] = (
    ("batch", "jobs", ("create", "list", "watch", "patch", "delete")),
    ("apps", "deployments", ("create", "list", "watch", "patch", "delete")),
    ("", "pods", ("list", "watch")),
    ("", "pods/log", ("get",)),
    ("", "configmaps", ("create", "delete")),
    ("", "services", ("create", "list", "patch", "delete")),
)
"""What the daemon does in each namespace of runs, whatever they are; the chart's role has all that it may do."""


async def backend(settings: DaemonSettings) -> Sequence[Finding]:
    """The backend of the configuration.

    Raises:
        Unusable, Transient: runs cannot run there; the message says why.
    """
    match settings.backend:
        case "local":
            return _local(settings)
        case "engine":
            return await _engine(settings)
        case "kubernetes":
            return await _kubernetes(settings)


def _local(settings: DaemonSettings) -> Sequence[Finding]:
    said = local_of(settings)
    advice.check(said)
    account = resolve(said.user, "backends.local", allow_root=said.allow_root)
    tried = groups.candidates(settings.instance, said.root) if said.containment is Containment.AUTO else ()
    warnings = advice.warnings(said, account, next(iter(tried), None))
    return _found("processes of this machine", warnings)


async def _engine(settings: DaemonSettings) -> Sequence[Finding]:
    said = settings.backends.engine
    connections = {connection.name: connection for connection in settings.connections}
    wanted = engine_of(said, settings.state_folder / "engine", settings.runs_folder, connections)
    resolve(wanted.user, "backends.engine", allow_root=wanted.allow_root)
    engine = Engine(wanted.socket)
    try:
        kind = await engine.kind()
    except (Transient, Unusable) as error:
        how = "start it, or say where it is in backends.engine.socket; the daemon's user must be allowed to reach it"
        return [Finding("backend", Grade.PROBLEM, error.message, how)]
    finally:
        await engine.close()
    return _found(f"{kind} at {wanted.socket}", ())


async def _kubernetes(settings: DaemonSettings) -> Sequence[Finding]:
    try:
        from reconciler.backends.kubernetes.access import access_of  # noqa: PLC0415  its packages are an extra
        from reconciler.backends.kubernetes.client import Api  # noqa: PLC0415  as above
        from reconciler.backends.kubernetes.denied import Denied  # noqa: PLC0415  as above
    except ModuleNotFoundError as error:
        needs = f"backend: kubernetes needs the package {error.name}"
        raise Unusable(f"{needs}: pip install 'plumbline-gitops[kubernetes]'") from None
    said = settings.backends.kubernetes
    api = Api(access_of(said.kubeconfig, said.context))
    try:
        version = str((await api.call("GET", "/version")).get("gitVersion", "of an unknown version"))
        lacking = [
            f"{what} in {namespace}"
            for namespace in dict.fromkeys((said.namespace, *said.run_namespaces))
            for what in await _lacking(api, namespace)
        ]
    except Denied as error:
        raise Unusable(f"the cluster does not say what may be done there: {error}") from None
    finally:
        await api.close()
    if lacking:
        shown = ", ".join(lacking[:10]) + (f" and {len(lacking) - 10} more" if len(lacking) > 10 else "")
        how = "bind the role of charts/plumbline to whom the daemon is; docs/install.md has the rights"
        return [Finding("backend", Grade.PROBLEM, f"Kubernetes {version} answers, and refuses {shown}", how)]
    return _found(f"Kubernetes {version}", ())


async def _lacking(api: object, namespace: str) -> list[str]:
    """What of `RIGHTS` whoever we are has not in a namespace: as the API server itself says."""
    from reconciler.backends.kubernetes.client import Api  # noqa: PLC0415  as above

    assert isinstance(api, Api)
    found = []
    for group, kind, verbs in RIGHTS:
        resource, _, below = kind.partition("/")
        for verb in verbs:
            asked = {"namespace": namespace, "verb": verb, "group": group, "resource": resource, "subresource": below}
            review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
            path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
            answer = await api.call("POST", path, {**review, "spec": {"resourceAttributes": asked}})
            if not answer.get("status", {}).get("allowed"):
                found.append(f"{verb} {kind}")
    return found


def _found(what: str, warnings: Iterable[str]) -> Sequence[Finding]:
    told = [Finding("backend", Grade.WARNING, warning) for warning in warnings]
    return [Finding("backend", Grade.OK, f"{what}: runs can run there"), *told]
