"""The demonstration: a repository, the daemon, pushes, plans, runs and statuses, in one terminal.

Uses the daemon as a person would, through its commands' API and git; it reaches into nothing.
"""
