"""Entry into the flight software for callers in Python: arrays of one record each.

Numba finds the type of an array by a pointer, but that of a record by comparing every name and
offset in it: for records of this size that costs 80 microseconds a call instead of one.
"""

from fsw.executive.step import boot, step
from fsw.framework.kernel import kernel


@kernel
def step_rows(states, params, inboxes, outboxes):
    """One tick of the flight software; each argument is an array of one record."""
    step(states[0], params[0], inboxes[0], outboxes[0])


@kernel
def boot_rows(states, params):
    """Initialise a zeroed state; each argument is an array of one record."""
    boot(states[0], params[0])
