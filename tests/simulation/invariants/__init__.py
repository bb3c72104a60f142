"""Invariants: each module has a `check(history)` that gives violations in words, and looks at nothing else."""
