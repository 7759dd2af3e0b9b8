"""The error of a bad request."""


class InputError(Exception):
    """A bad request. Its text is one line: where, what, and what was expected."""
