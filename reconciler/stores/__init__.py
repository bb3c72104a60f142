"""Stores of artifacts, through fsspec."""
