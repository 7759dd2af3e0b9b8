"""What can go wrong between two ends. Every text is one line: where, what, what was expected."""

from sim.common.errors import InputError


class BenchError(InputError):
    """A session that cannot begin or go on."""


class LinkError(BenchError):
    """A port that cannot be opened, or that stayed away too long."""


class SchemaMismatch(BenchError):
    """The two ends were built from different records."""


class PeerSilent(BenchError):
    """The other end did not answer within its time."""
