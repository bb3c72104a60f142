"""What a run may not ask of a cluster: the rules of the daemon's configuration, held against a gang.

Asked when a spec is compiled, of what is known then, and again of every value before anything is made of it: a template
is no way around a rule. Nothing here talks to a cluster.
"""

from planner.compile.cluster.containers import container_name
from planner.compile.cluster.gang import reasons

__all__ = ["container_name", "reasons"]
