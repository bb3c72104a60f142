"""The run contract in a pod: where a program finds its files, and who puts them there.

With the agent, its init container fills the pod's folder from the attempt's config map and the daemon, and its sidecar
carries away what the program leaves. Without it the context is mounted from the config map, and what the program
writes as outputs is the termination message of its container: 4 KiB, and no code, no `init`, no metrics, no artifacts.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence

from planner.canon import Json, plain
from planner.compile.clustered import handled, is_container
from planner.model.gang import Lifetime
from reconciler.backends import contract
from reconciler.backends.contract import Where
from reconciler.backends.kubernetes import layout, names
from reconciler.backends.kubernetes.reads import own_folder, reads
from reconciler.backends.kubernetes.render.parts import Object, Part, filled, objects
from reconciler.backends.kubernetes.render.security import agent_context
from reconciler.backends.kubernetes.settings import AgentSettings, KubernetesSettings
from reconciler.errors import Refused
from reconciler.ports import Order

__all__ = ["config_map", "needs_agent", "part", "secret", "sidecar", "where"]


_TOLD = ("collectArtifacts", "collectLogs", "logLevel")
"""Plugins that are the agent's to follow."""


def where(order: Order, settings: KubernetesSettings) -> Where:
    """Where the program of an order finds what the contract promises. A pod has its declared ports for itself."""
    group = order.run.gang.replicas[0]
    return Where(
        role=group.role,
        index=0,
        count=max(group.count, 1),
        runs=layout.RUNS,
        artifacts=own_folder(order),
        context=layout.CONTEXT,
        output=layout.OUTPUT if settings.agent.image else layout.MESSAGE,
        metrics=layout.METRICS,
        ports=order.run.gang.ports,
        traces=f"{layout.LIB}/{contract.TRACES}" if settings.agent.image else "",
    )


def needs_agent(order: Order) -> str:
    """What of an order cannot be without the agent, or ""."""
    wanted = handled(order.run.gang)
    if not wanted and order.run.earlier is not None:
        return "the artifacts of an earlier round"
    return wanted or ("what it reads of other runs" if reads(order) else "")


# Objects of the attempt


def config_map(order: Order, settings: KubernetesSettings) -> Object:
    """The content of the attempt's config map: `data`, or `binaryData` where it is packed.

    Raises:
        Refused: it is larger than a config map can be.
    """
    context = contract.context(order, where(order, settings))
    if settings.agent.image:
        return _packed(layout.ORDER_FILE, layout.ORDER_FILE_PACKED, _text(_order(order, context, settings.agent)))
    files = {layout.CONTEXT_FILE: _text(context)}
    if len(files[layout.CONTEXT_FILE].encode()) > layout.MOST_BYTES:
        raise Refused("its context is over 900 KiB: give it large values as files, or set agent.image")
    if settings.tracking:
        files[layout.TRACKING_FILE] = settings.tracking
    return {"data": files}


def _order(order: Order, context: Json, agent: AgentSettings) -> Json:
    """What the agent is to do."""
    gang = order.run.gang
    init = [entry for entry in objects(gang.replicas[0].pod.get("init")) if not is_container(entry)]
    return {
        "schema": "plumbline.order/1",
        "key": str(order.key),
        "contact": agent.contact,
        "context": context,
        "traces": contract.trace_of(order),
        "code": [plain(tree) for tree in gang.code],
        "init": init,
        "reads": len(reads(order)) if agent.contact else 0,
        "earlier": _earlier(order, init) if agent.contact else None,
        "plugins": {name: order.run.plugins[name] for name in _TOLD if name in order.run.plugins},
        **_activity(order),
    }


def _activity(order: Order) -> dict[str, Json]:
    """What the agent asks a service that is culled when it is idle. A command would be another container's to run."""
    asked, ports = order.run.activity, order.run.gang.ports
    if asked is None or asked.http_path is None or not 0 <= asked.port < len(ports):
        return {}
    said: Json = {"port": ports[asked.port], "path": asked.http_path, "period": asked.period, "timeout": asked.timeout}
    return {"activity": said}


def _earlier(order: Order, init: Sequence[Object]) -> Json:
    """Whether its folder of artifacts may hold something before its program starts, and where that was before.

    A program that goes on in the folder of earlier rounds finds it where they had it.
    """
    earlier, key = order.run.earlier, order.key
    again = order.run.gang.lifetime is Lifetime.ALWAYS or order.run.queue  # a pod may be made anew for the attempt
    if not (again or earlier is not None or key.attempt > 1 or any("file" in entry for entry in init)):
        return None
    rounds = range(key.round) if earlier is not None and not earlier.copy else ()
    return {"places": [names.object_name(key.run.at_round(number), order.stamp) for number in rounds]}


def _packed(plainly: str, packed: str, text: str) -> Object:
    data = text.encode()
    if len(data) <= layout.MOST_BYTES:
        return {"data": {plainly: text}}
    data = base64.b64encode(gzip.compress(data, mtime=0))
    if len(data) > layout.MOST_BYTES:
        raise Refused("its context and `init` are over 900 KiB even when packed: give it large values as files")
    return {"binaryData": {packed: data.decode()}}


def _text(value: Json) -> str:
    return json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def secret(token: str) -> Object:
    """The content of the attempt's secret."""
    return {"type": "Opaque", "data": {layout.TOKEN_FILE: base64.b64encode(token.encode()).decode()}}


# The pod


def part(order: Order, settings: KubernetesSettings, context: Mapping[str, Json], *, token: bool) -> Part:
    """What the contract adds to a pod.

    Args:
        order: of the attempt.
        settings: of the backend.
        context: security context of the pod.
        token: whether the attempt has one for the daemon.
    """
    files: Object = {"name": names.files_name(order.key, order.stamp), "defaultMode": 0o444}
    own: Object = {"name": layout.VOLUME, "emptyDir": filled(sizeLimit=settings.scratch)}
    volumes = [own, {"name": layout.VOLUME_FILES, "configMap": files}]
    if not settings.agent.image:
        shared = [(name, f"{layout.ROOT}/{name}") for name in ("workdir", "home", "io")]
        shared.append(("artifacts", own_folder(order)))
        mounts: list[Object] = [{"name": layout.VOLUME, "mountPath": path, "subPath": name} for name, path in shared]
        mounts.append({"name": layout.VOLUME_FILES, "mountPath": layout.LIB, "readOnly": True})
        return Part(volumes=tuple(volumes), mounts=tuple(mounts))
    if token:
        named: Object = {"secretName": names.token_name(order.key, order.stamp), "defaultMode": 0o444}
        volumes.append({"name": layout.VOLUME_TOKEN, "secret": named})
    whole = {"name": layout.VOLUME, "mountPath": layout.ROOT}
    init = _container(layout.INIT, layout.AGENT_INIT, settings.agent, context, token=token)
    return Part(volumes=tuple(volumes), mounts=(whole,), init=(init,))


def sidecar(settings: KubernetesSettings, context: Mapping[str, Json], *, token: bool) -> list[Object]:
    """The agent's native sidecar, which Kubernetes stops when the program has ended; none without the agent."""
    if not settings.agent.image:
        return []
    made = _container(layout.SIDECAR, layout.AGENT_SIDECAR, settings.agent, context, token=token)
    return [{**made, "restartPolicy": "Always"}]


def _container(
    name: str, command: tuple[str, ...], agent: AgentSettings, context: Mapping[str, Json], *, token: bool
) -> Object:
    mounts: list[Object] = [
        {"name": layout.VOLUME, "mountPath": layout.ROOT},
        {"name": layout.VOLUME_FILES, "mountPath": layout.ORDER, "readOnly": True},
    ]
    if token:
        mounts.append({"name": layout.VOLUME_TOKEN, "mountPath": layout.TOKEN, "readOnly": True})
    return {
        "name": name,
        "image": agent.image,
        "imagePullPolicy": agent.pull_policy,
        "command": list(command),
        "resources": {kind: dict(amounts) for kind, amounts in agent.resources.items()},
        "securityContext": agent_context(agent, context),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts,
    }
