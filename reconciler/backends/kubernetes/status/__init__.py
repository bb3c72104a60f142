"""What the objects of an attempt say of it, as the API server gives them: plain JSON in, an observation out. Pure."""

from reconciler.backends.kubernetes.status.observe import Objects, observe

__all__ = ["Objects", "observe"]
