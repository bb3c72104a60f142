"""Renderers: a plan and problems as text and JSON. Everything shown is in the value; nothing is computed here."""
