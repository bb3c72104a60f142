"""Rows of the table of fields: a document, where the field is, and another value for it, by the line of the table."""
