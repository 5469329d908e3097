"""Readers for files that are no plain tables, one module per format.

Each has `recognises(head)`, told from the first 4 KiB whether the file is its own, and `records(path)`, which yields
one JSON-able dict per row for the columns' paths to read.
"""


class ParserError(ValueError):
    """A file is damaged or incomplete; the text says what is wrong and where."""
