"""Asking a strategy for a thing of a kind, any of them or the simplest; how long to ask."""

import random

from hypothesis import Phase, find, settings

LIMITS = settings(max_examples=5000, database=None, deadline=None)


def some(strategy, wanted):
    """A value for which `wanted` holds; raises NoSuchExample when none is met."""
    return _found(strategy, wanted, [Phase.generate])


def simplest(strategy, wanted):
    """The simplest value for which `wanted` holds; raises NoSuchExample when none is met."""
    return _found(strategy, wanted, [Phase.generate, Phase.shrink])


def _found(strategy, wanted, phases):
    limits = settings(LIMITS, phases=phases)
    return find(strategy, wanted, settings=limits, random=random.Random(0))


def flights(count):
    """How many cases a property flies: so many on every machine, and many more in a hunt."""
    return count if settings.get_current_profile_name() == "ci" else 20 * count
