"""The ground station: uplinks state vectors and the go command.

At the start it sends the nominal state, whose error is the dispersion of the truth about it. In
`orbit` it sends a second one before ignition, from orbit determination of the true orbit: the
truth at that time plus errors drawn afresh from the same dispersions.
"""

from fsw.framework.kernel import kernel
from fsw.interface.messages import CommandCode
from sim.common.random_streams import Stream, stream_key
from sim.plant.initial_conditions import fill_update, inertial_state, perturb_state

GO_TICK = 1


@kernel
def nav_update_now(update, world):
    """Fill a NavUpdate with the current truth plus freshly drawn errors."""
    count = int(world.uplink.updates)
    key = stream_key(int(world.seed), Stream.UPDATE)
    state = perturb_state(world.dispersions, key, count, inertial_state(world.truth))
    fill_update(update, world.dispersions, int(world.t_ns), count & 0xFFFF, state)


@kernel
def uplink(world, messages):
    """Add the ground's messages to those of a tick: state vectors and the go."""
    tick = int(world.tick)
    due = int(world.start.update_t_ns)
    if tick == 0:
        messages.nav_update = world.uplink.nominal
        messages.has_nav_update = 1
        world.uplink.updates = 1
    elif due >= 0 and int(world.uplink.updates) == 1 and int(world.t_ns) >= due:
        nav_update_now(messages.nav_update, world)
        messages.has_nav_update = 1
        world.uplink.updates = 2
    if tick == GO_TICK:
        messages.command.t_ns = int(world.t_ns)
        messages.command.code = CommandCode.GO
        messages.command.seq = 0
        messages.has_command = 1
