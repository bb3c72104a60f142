"""Objects of Kubernetes in a spec: which fields there are, and whether a value is one that Kubernetes takes.

What is done with such an object is decided elsewhere; here it is plain data.
"""

from planner.spec.kubernetes.check import Fault, Looked, check
from planner.spec.kubernetes.field import Kubernetes

__all__ = ["Fault", "Kubernetes", "Looked", "check"]
