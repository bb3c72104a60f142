"""Forges: where commits say how it went. Adapters of `reconciler.ports.Forge`, independent of each other."""
