"""What the objects of an attempt say of it, as the API server gives them: plain JSON in, an observation out. Pure."""

from reconciler.backends.kubernetes.status.left import owed_by
from reconciler.backends.kubernetes.status.observe import Objects, observe
from reconciler.backends.kubernetes.status.pods import newest
from reconciler.backends.kubernetes.status.queue import is_taken
from reconciler.backends.kubernetes.status.service import drift_of

__all__ = ["Objects", "drift_of", "is_taken", "newest", "observe", "owed_by"]
