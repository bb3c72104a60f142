"""A service: a Deployment for each attempt, and one Service that stays over all of them (decision 0079).

The Deployment restarts pods by itself; an attempt ends only when it is told to, or when somebody removes it. The
Service selects by the service's own label, which the pods of every generation have: traffic goes to whatever is ready,
to both generations while the new one takes over.
"""

from __future__ import annotations

from collections.abc import Iterator

from planner.model.gang import Update
from reconciler.backends.kubernetes import names
from reconciler.backends.kubernetes.render.parts import Object, filled
from reconciler.backends.kubernetes.render.pod import limited, template
from reconciler.backends.kubernetes.render.program import port_name
from reconciler.backends.kubernetes.settings import KubernetesSettings, Route
from reconciler.ports import Order

__all__ = ["beside", "deployment"]

_PROGRESS = 600.0
_STEADY = 1
"""Seconds that a program without a probe must live to count as ready (docs/run-contract.md)."""


def deployment(order: Order, settings: KubernetesSettings, metadata: Object, *, token: bool) -> Object:
    """The workload of an attempt of a service."""
    gang, name = order.run.gang, metadata["name"]
    labels = {**metadata["labels"], names.SERVICE: names.service_name(order.key, order.stamp)}
    pods = template(order, settings, labels, token=token)
    probed = "readinessProbe" in pods["spec"]["containers"][0]
    deadline = order.run.progress_deadline
    spec = filled(
        replicas=max(gang.replicas[0].count, 1),
        selector={"matchLabels": {names.OBJECT: name}},
        strategy={"type": "Recreate" if gang.update is Update.RECREATE else "RollingUpdate"},
        minReadySeconds=None if probed else _STEADY,
        revisionHistoryLimit=0,
        progressDeadlineSeconds=max(2, round(_PROGRESS if deadline is None else deadline)),
        template=pods,
    )
    metadata = {**metadata, "labels": labels, "annotations": {**metadata["annotations"], **limited(order)}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def beside(order: Order, settings: KubernetesSettings, metadata: Object) -> Iterator[Object]:
    """The Service of a service with ports, and its way in from outside where it is external."""
    gang = order.run.gang
    if not gang.ports:
        return
    name = names.service_name(order.key, order.stamp)
    own = {**metadata, "name": name, "labels": {**metadata["labels"], names.SERVICE: name}}
    yield {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": own,
        "spec": {
            "type": "ClusterIP",
            "selector": {names.SERVICE: name},
            "ports": [
                {"name": port_name(index), "port": number, "targetPort": port_name(index), "protocol": "TCP"}
                for index, number in enumerate(gang.ports)
            ],
        },
    }
    if gang.external and settings.route is not None:
        yield _outside(own, gang.ports[0], settings.route)


def _outside(metadata: Object, port: int, route: Route) -> Object:
    """The first port of the service at a host of its own, at the root of it."""
    name, namespace = metadata["name"], metadata["namespace"]
    host = route.host.format(service=name, namespace=namespace)
    metadata = {**metadata, "annotations": {**metadata["annotations"], **route.annotations}}
    if route.kind == "HTTPRoute":
        rule: Object = {
            "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
            "backendRefs": [{"name": name, "port": port}],
        }
        spec = filled(parentRefs=[dict(one) for one in route.gateways], hostnames=[host], rules=[rule])
        return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": metadata, "spec": spec}
    backend: Object = {"service": {"name": name, "port": {"number": port}}}
    path: Object = {"path": "/", "pathType": "Prefix", "backend": backend}
    to: Object = {"host": host, "http": {"paths": [path]}}
    spec = filled(
        ingressClassName=route.ingress_class,
        rules=[to],
        tls=[{"hosts": [host], "secretName": route.tls_secret}] if route.tls_secret else [],
    )
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec}
