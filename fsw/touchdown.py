"""Touchdown: two independent witnesses, and never altitude alone.

Footpad switches: at least two legs for 60 ms. Support force: the accelerometers feel more than
the engine gives, by a share of the weight, for 0.3 s; that serves when the switches are dead.
Both are cleared at every tick until the vehicle is in its let-down and slower than 5 m/s, so
that no transient of an earlier phase can be remembered as ground (Mars Polar Lander, 1999: a
leg's deployment transient, latched, cut the engine 40 m up).
"""

from fsw.kernel import kernel
from fsw.modes import TERMINAL
from fsw.record import f64, i64, record, u8

TOUCHDOWN_PARAMS = record(
    "TouchdownParams",
    "When the ground counts as reached.",
    arm_speed_mps=f64(
        "descent rate below which the witnesses are heard", default=5.0, lo=0.1, hi=100.0
    ),
    contact_s=f64("time for which enough legs must touch", default=0.06, lo=0.01, hi=2.0),
    support_share=f64("support force that counts, over weight", default=0.25, lo=0.01, hi=2.0),
    support_s=f64("time for which it must last", default=0.3, lo=0.01, hi=5.0),
    legs=i64("legs that must touch at once", default=2, lo=1, hi=4),
)

TOUCHDOWN = record(
    "Touchdown",
    "What the two witnesses have said so far.",
    contact_ticks=i64("ticks in a row with enough legs touching"),
    support_ticks=i64("ticks in a row with support force"),
    legs=u8("legs that touch, as last reported, one bit each"),
    reported=u8("1 once contact was reported"),
    spare=u8("zero", 6),
)


@kernel
def legs_touching(bits):
    """Number of legs whose bit is set."""
    return (bits & 1) + ((bits >> 1) & 1) + ((bits >> 2) & 1) + ((bits >> 3) & 1)


@kernel
def ground_reached(touchdown, params, estimate, thrust_N, g_mps2, mode, inbox, tick_s):
    """True when either witness is convinced; call once a tick."""
    if int(inbox.has_contact) == 1:
        touchdown.legs = inbox.contact.legs
    armed = mode == TERMINAL and float(estimate.v_down_mps) < float(params.arm_speed_mps)
    if not armed:
        touchdown.contact_ticks = 0
        touchdown.support_ticks = 0
        return False
    touchdown.contact_ticks = int(touchdown.contact_ticks) + 1
    if legs_touching(int(touchdown.legs)) < int(params.legs):
        touchdown.contact_ticks = 0
    mass = float(estimate.mass_kg)
    support_N = mass * estimate.f_B_mps2[2] - thrust_N
    touchdown.support_ticks = int(touchdown.support_ticks) + 1
    if support_N <= float(params.support_share) * mass * g_mps2:
        touchdown.support_ticks = 0
    by_contact = float(touchdown.contact_ticks) * tick_s >= float(params.contact_s)
    by_support = float(touchdown.support_ticks) * tick_s >= float(params.support_s)
    return by_contact or by_support
