"""Webhooks of forges: hints that have the repository, or its pull requests, looked at sooner than the next poll."""
