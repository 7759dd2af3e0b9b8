"""Dead reckoning: while no increment comes, the head flies on by what the actuators were told.

Control needs attitude and rate at every tick, and a silence of seconds in which both stand still
would have it turn the vehicle against a rate that is long gone. The grid waits: the next sample
of the instrument tells what was gained meanwhile, and the head is taken from it anew.
"""

from fsw.filter.strapdown import strapdown
from fsw.framework.kernel import kernel
from fsw.mathlib.vectors import add_scaled3, load3, scale3, store3


@kernel
def reckon(nav, moon, now_ns, force_mps2, turn_B_radps2):
    """Carry the head to now under a force along z_B and an angular acceleration."""
    dt = float(now_ns - int(nav.current.t_ns)) * 1e-9
    if dt <= 0.0:
        return
    before = load3(nav.omega_B_radps)
    middle = add_scaled3(before, turn_B_radps2, 0.5 * dt)
    strapdown(moon, nav.current, now_ns, (0.0, 0.0, force_mps2 * dt), scale3(middle, dt))
    store3(nav.omega_B_radps, add_scaled3(before, turn_B_radps2, dt))
    store3(nav.f_B_mps2, (0.0, 0.0, force_mps2))
