"""The kinds of objects that we make or look at, and where the API has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

__all__ = ["EVENTS", "MAIN", "PODS", "Kind", "kind_of", "path_of"]

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object in namespaces."""

    base: str
    plural: str

    def path(self, namespace: str, *names: str) -> str:
        """Path of the collection, of an object, or of a part of it."""
        return "/".join((self.base, "namespaces", *(quote(name, safe="") for name in (namespace, self.plural, *names))))


_CORE, _BATCH, _APPS = "/api/v1", "/apis/batch/v1", "/apis/apps/v1"
_KINDS = {
    "ConfigMap": Kind(_CORE, "configmaps"),
    "Secret": Kind(_CORE, "secrets"),
    "Service": Kind(_CORE, "services"),
    "Pod": Kind(_CORE, "pods"),
    "Job": Kind(_BATCH, "jobs"),
    "Deployment": Kind(_APPS, "deployments"),
    "Ingress": Kind("/apis/networking.k8s.io/v1", "ingresses"),
    "HTTPRoute": Kind("/apis/gateway.networking.k8s.io/v1", "httproutes"),
}
MAIN = ("Job", "Deployment")
"""Kinds that an attempt's main object can be of."""
PODS = _KINDS["Pod"]
EVENTS = Kind(_CORE, "events")


def kind_of(name: str) -> Kind:
    """The kind of this name."""
    return _KINDS[name]


def path_of(item: Object, *, collection: bool = False) -> str:
    """Path of an object that has its kind and namespace in it, or of the collection that it is made in."""
    meta = item["metadata"]
    names = () if collection else (meta["name"],)
    return kind_of(item["kind"]).path(meta["namespace"], *names)
