"""A daemon whose API server misbehaves: what may happen, how it is brought about, and what must come of it.

See docs/kubernetes-faults.md.
"""
