"""Previews on pull requests: what merging each would do, and what came of it once it is merged.

Whatever a pull request says is data here. Nothing of it is executed, no secret is read, nothing that it names is
fetched and no backend is asked: it is merged in memory, compiled and planned by the functions that plan commits.
"""
