"""One module a revision, named `v` and its number. A released revision is never edited."""
