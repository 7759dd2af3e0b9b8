"""What the ground sends: state vectors and the go.

At the start the nominal state, whose error is the dispersion of the truth about it. In `orbit`
a second one before ignition: orbit determination has seen the true orbit meanwhile, so it is
the truth of that moment with errors drawn afresh from the same dispersions.
"""

from fsw.framework.kernel import kernel
from fsw.interface.messages import CommandCode
from fsw.mathlib.vectors import load3, load4
from sim.common.random_streams import Stream, stream_key
from sim.plant.initial_conditions import fill_update, perturb_state

GO_TICK = 1


@kernel
def nav_update_now(world, update):
    """Fill a NavUpdate with the truth of now, moved by freshly drawn errors."""
    truth = world.truth
    count = int(world.uplink.updates)
    key = stream_key(int(world.seed), Stream.UPDATE)
    r, v, q = perturb_state(
        world.dispersions,
        key,
        count,
        load3(truth.r_BM_I_m),
        load3(truth.v_BM_I_mps),
        load4(truth.q_IB),
    )
    fill_update(world.dispersions, update, int(world.t_ns), count & 0xFFFF, r, v, q)


@kernel
def uplink(world, arrivals):
    """Put into a tick's arrivals what the ground sends then."""
    tick = int(world.tick)
    due = int(world.start.update_t_ns)
    if tick == 0:
        arrivals.nav_update = world.uplink.nominal
        arrivals.has_nav_update = 1
        world.uplink.updates = 1
    elif due >= 0 and int(world.uplink.updates) == 1 and int(world.t_ns) >= due:
        nav_update_now(world, arrivals.nav_update)
        arrivals.has_nav_update = 1
        world.uplink.updates = 2
    if tick == GO_TICK:
        arrivals.command.t_ns = int(world.t_ns)
        arrivals.command.code = CommandCode.GO
        arrivals.command.seq = 0
        arrivals.has_command = 1
