"""The values that the planner computes with: frozen dataclasses, without behaviour that looks beyond themselves."""
