"""Examples of a strategy that meet a condition, any or the simplest; numbers of flights."""

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
    """Cases that a property flies: `count` in the ci profile, 20 times as many in a hunt."""
    return count if settings.get_current_profile_name() == "ci" else 20 * count
