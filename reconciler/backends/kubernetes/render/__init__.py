"""An order as the objects of a cluster: plain JSON for the API server, the same for the same order. Pure."""

from reconciler.backends.kubernetes.render.manifests import Manifests, knows, namespace_of, render, tombstone

__all__ = ["Manifests", "knows", "namespace_of", "render", "tombstone"]
