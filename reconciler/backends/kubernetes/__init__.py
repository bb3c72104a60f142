"""Runs on Kubernetes: what a run is there (`render`), and what the objects of one say of it (`status`)."""
