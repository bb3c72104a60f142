"""Runs as containers of this machine's container engine, Docker or Podman (docs/engine.md)."""
