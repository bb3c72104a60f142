"""Commands in comments on pull requests: who may give them, what becomes of them, and that they are answered.

A comment is data until its author was asked for at the forge. What it commands goes the way of the API's commands, and
is decided by the planner alone.
"""
