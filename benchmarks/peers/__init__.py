"""Peers that the project is compared with: locked environments of their own, driven as subprocesses."""
