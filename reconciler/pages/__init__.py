"""Pages for browsers: what commits, operations and runs are, to be read and nothing else (docs/pages.md)."""
