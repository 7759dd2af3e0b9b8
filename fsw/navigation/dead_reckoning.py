"""Dead reckoning: while no increment arrives, the present state follows the actuator commands.

Control needs attitude and rate at every tick; with both held still over a gap of seconds it would
turn the vehicle against a rate that is long gone. The grid waits: the instrument's next sample
includes the delta-v of the gap, and the output predictor then restarts from the grid.
"""

from fsw.filter.strapdown import strapdown
from fsw.framework.kernel import kernel
from fsw.mathlib.vectors import add_scaled3, load3, scale3, store3


@kernel
def reckon(nav, moon, now_ns, thrust_accel_mps2, turn_B_radps2):
    """Propagate to now under specific force along z_B [m/s^2] and angular acceleration."""
    dt = float(now_ns - int(nav.current.t_ns)) * 1e-9
    if dt <= 0.0:
        return
    before = load3(nav.omega_B_radps)
    middle = add_scaled3(before, turn_B_radps2, 0.5 * dt)
    dv_B_mps = (0.0, 0.0, thrust_accel_mps2 * dt)
    strapdown(nav.current, moon, now_ns, dv_B_mps, scale3(middle, dt))
    store3(nav.omega_B_radps, add_scaled3(before, turn_B_radps2, dt))
    store3(nav.f_B_mps2, (0.0, 0.0, thrust_accel_mps2))
