"""Documents that nobody would write, and what must hold for each of them whatever it is.

A document is made from its seed alone, so a failing one is replayed by `python -m tests.fuzz SEED`.
"""
