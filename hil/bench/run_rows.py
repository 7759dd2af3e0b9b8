"""The parts of a tick as the bench calls them: with arrays of one record."""

from fsw.framework.kernel import kernel
from sim.run.loop import move_tick, sense_tick


@kernel
def sense_rows(runs):
    """First part of a tick: sensors. True when the flight software gets the tick."""
    return sense_tick(runs[0])


@kernel
def move_rows(runs, views, commanded):
    """Last part of a tick: the truth moves. `views`: FlightView for the run monitor."""
    run = runs[0]
    run.flight = views[0]
    return move_tick(run, commanded)
