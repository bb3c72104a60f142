"""What can be computed: from files, facts and an instant to a plan.

Pure: no IO, clock, logging, randomness or async. `reconciler` imports this package, never the reverse.
"""
