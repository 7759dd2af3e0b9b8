"""Control at 100 Hz: attitude by thrusters, thrust by throttle.

Attitude: the turn rate commanded follows the stopping curve of the angle still to turn, as the
descent rate follows that of the height, and is limited; torque follows the rate error and
compensates a disturbance (thrust has an offset from the centre of mass), which a momentum observer
estimates from the torque commanded within limits, so that saturation cannot wind it up. Thrusters
have a smallest impulse: commanded impulse is summed, and fired once it is a pulse.

Thrust: acceleration times mass over full thrust, corrected by an estimate of true over commanded
thrust (fsw.control.thrust_estimator), with a part of the engine's lag compensated. A part only:
over-compensating a lag is as dangerous as ignoring it (Apollo's P66, Eyles, AAS 04-064).
"""

from fsw.control.attitude import control_attitude
from fsw.control.throttle import control_throttle
from fsw.control.thrust_estimator import THRUST, THRUST_PARAMS
from fsw.framework.kernel import kernel
from fsw.framework.record import f64, record, u8
from fsw.interface.modes import Mode, engine_may_run
from fsw.mathlib.vectors import load3, store3

CONTROL_PARAMS = record(
    "ControlParams",
    "Attitude loop, thruster pulses, throttle.",
    attitude_per_s=f64("turn rate per small angle to turn", default=1.2, lo=0.05, hi=5.0),
    rate_per_s=f64("angular acceleration per rate error", default=3.5, lo=0.1, hi=10.0),
    rate_max_degps=f64("greatest turn rate", default=5.0, lo=0.2, hi=30.0),
    torque_share=f64(
        "share of the thrusters' torque that stopping a turn counts on", default=0.5, lo=0.1, hi=1.0
    ),
    deadband_deg=f64("deadband of angle in coast", default=0.5, lo=0.0, hi=10.0),
    rate_deadband_degps=f64("deadband of rate error in coast", default=0.1, lo=0.0, hi=2.0),
    min_impulse_Nms=f64(
        "smallest angular impulse of a thruster pulse", 3, default=(0.4, 0.4, 0.2), lo=0.0, hi=100.0
    ),
    observer_per_s=f64("bandwidth of the disturbance observer", default=0.8, lo=0.0, hi=5.0),
    disturbance_max_Nm=f64(
        "greatest disturbance estimated, each axis", default=30.0, lo=0.0, hi=100.0
    ),
    lag_compensation=f64("share of the thrust lag compensated", default=0.33, lo=0.0, hi=0.8),
    thrust=THRUST_PARAMS("thrust estimator"),
)

CONTROL = record(
    "Control",
    "Memory of control between ticks.",
    momentum_B_Nms=f64("angular momentum that the observer expects", 3),
    disturbance_B_Nm=f64("torque on the body beside that of the thrusters", 3),
    unfired_B_Nms=f64("angular impulse commanded and not yet fired", 3),
    torque_B_Nm=f64("torque commanded from the thrusters", 3),
    angle_B_rad=f64("rotation still to make", 3),
    thrust=THRUST("thrust estimator"),
    thrust_share=f64("thrust that the lag model expects, as a share of full thrust"),
    throttle=f64("throttle commanded"),
    fired=u8("1 when this tick commands a thruster"),
    running=u8("1 while the engine is commanded to burn"),
    spare=u8("zero", 6),
)


@kernel
def control(core, params, mode, dt_s):
    """One tick: write torque, throttle and engine_on of the actuator command, `core.actuators`."""
    state = core.control
    actuators = core.actuators
    running = engine_may_run(mode) and int(core.guidance.engine_cut) == 0
    state.running = 1 if running else 0
    actuators.engine_on = 1 if running else 0
    actuators.throttle = control_throttle(core, params, running, dt_s)
    if running or mode == Mode.COAST:
        control_attitude(core, params, running, dt_s)
    else:
        state.fired = 0
        store3(state.unfired_B_Nms, (0.0, 0.0, 0.0))
        store3(state.torque_B_Nm, (0.0, 0.0, 0.0))
    store3(actuators.torque_B_Nm, load3(state.torque_B_Nm))
