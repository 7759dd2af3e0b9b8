"""What a request can get wrong."""


class InputError(Exception):
    """A bad request. Its text is one line: where, what, and what was expected."""
