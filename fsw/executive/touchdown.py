"""Touchdown: two witnesses, and never altitude alone.

Footpad switches: at least two legs for 60 ms. Support force: the accelerometers feel more than
the engine gives, by a share of the weight, for 0.3 s, or for longer where fresh ranges know of no
ground there; that serves when the switches are dead.
Switches alone have lied (Mars Polar Lander, 1999: a transient of the leg's deployment, latched,
cut the engine 40 m up), so they are confirmed: by a moment of support, or by fresh ranges that
put the footpads at the ground. Both witnesses are heard only in the let-down and slower than
5 m/s, and nothing that was said before is remembered.
"""

from fsw.framework.kernel import kernel
from fsw.framework.record import f64, i64, record, u8
from fsw.interface.modes import Mode
from fsw.mathlib.elementary import to_int

TOUCHDOWN_PARAMS = record(
    "TouchdownParams",
    "When the ground counts as reached.",
    arm_speed_mps=f64(
        "descent rate below which the witnesses are heard", default=5.0, lo=0.1, hi=1000.0
    ),
    contact_s=f64("time for which enough legs must touch", default=0.06, lo=0.01, hi=100.0),
    support_share=f64("support force that counts, over weight", default=0.25, lo=0.01, hi=2.0),
    support_s=f64("time for which it must last", default=0.3, lo=0.01, hi=100.0),
    astray_s=f64(
        "the same, where fresh ranges put all ground elsewhere", default=2.0, lo=0.01, hi=60.0
    ),
    confirm_s=f64("time for which it must last to confirm contact", default=0.03, lo=0.01, hi=5.0),
    confirm_for_s=f64("time for which that confirms", default=0.5, lo=0.01, hi=5.0),
    near_m=f64("altitude by fresh ranges that confirms contact", default=0.4, lo=0.0, hi=100.0),
    fresh_s=f64("age up to which ranges are fresh", default=3.0, lo=0.0, hi=60.0),
    legs=i64("legs that must touch at once", default=2, lo=1, hi=4),
    confirm=i64("1: contact must be confirmed; 0: switches are believed", default=1, lo=0, hi=1),
    latch=i64(
        "1: contact is remembered from whenever it was, and believed once armed",
        default=0,
        lo=0,
        hi=1,
    ),
)

TOUCHDOWN = record(
    "Touchdown",
    "What the two witnesses have said so far.",
    contact_ticks=i64("ticks in a row with enough legs touching"),
    support_ticks=i64("ticks in a row with support force"),
    confirmed_ticks=i64("ticks for which the last moment of support still confirms contact"),
    legs=u8("legs that touch, as last reported, one bit each"),
    reported=u8("1 once contact was reported"),
    latched=u8("1 once enough legs have touched for long enough"),
    spare=u8("zero", 5),
)


@kernel
def legs_touching(bits):
    """Number of legs whose bit is set."""
    return (bits & 1) + ((bits >> 1) & 1) + ((bits >> 2) & 1) + ((bits >> 3) & 1)


@kernel
def ground_reached(touchdown, params, estimate, thrust_N, g_mps2, mode, inbox, tick_s):
    """True when the ground counts as reached; call once a tick."""
    if int(inbox.has_contact) == 1:
        touchdown.legs = inbox.contact.legs
    armed = mode == Mode.TERMINAL and float(estimate.v_down_mps) < float(params.arm_speed_mps)
    if not armed and int(params.latch) == 0:
        touchdown.contact_ticks = 0
        touchdown.latched = 0
    else:
        _hear_switches(touchdown, params, tick_s)
    if not armed:
        touchdown.support_ticks = 0
        touchdown.confirmed_ticks = 0
        return False
    by_support = _feel_support(touchdown, params, estimate, thrust_N, g_mps2, tick_s)
    believed = int(params.confirm) == 0 or int(touchdown.confirmed_ticks) > 0
    near = float(estimate.altitude_m) <= float(params.near_m)
    believed = believed or (near and _ranges_fresh(params, estimate))
    return by_support or (int(touchdown.latched) == 1 and believed)


@kernel
def _hear_switches(touchdown, params, tick_s):
    """Count contact; remember it, when told to, beyond its end."""
    touchdown.contact_ticks = int(touchdown.contact_ticks) + 1
    if legs_touching(int(touchdown.legs)) < int(params.legs):
        touchdown.contact_ticks = 0
    if float(touchdown.contact_ticks) * tick_s >= float(params.contact_s):
        touchdown.latched = 1
    elif int(params.latch) == 0:
        touchdown.latched = 0


@kernel
def _feel_support(touchdown, params, estimate, thrust_N, g_mps2, tick_s):
    """Count support force, keep a moment of it as confirmation; true when it has lasted."""
    mass = float(estimate.mass_kg)
    support_N = mass * estimate.f_B_mps2[2] - thrust_N
    touchdown.support_ticks = int(touchdown.support_ticks) + 1
    if support_N <= float(params.support_share) * mass * g_mps2:
        touchdown.support_ticks = 0
    support_since_s = float(touchdown.support_ticks) * tick_s
    touchdown.confirmed_ticks = max(int(touchdown.confirmed_ticks) - 1, 0)
    if support_since_s >= float(params.confirm_s):
        touchdown.confirmed_ticks = to_int(float(params.confirm_for_s) / tick_s, 0.0, 1e6)
    needed_s = float(params.support_s)
    # an engine that lags or sticks feels like support
    if _ranges_fresh(params, estimate) and float(estimate.altitude_lo_m) > float(params.near_m):
        needed_s = max(needed_s, float(params.astray_s))
    return support_since_s >= needed_s


@kernel
def _ranges_fresh(params, estimate):
    age_s = float(estimate.range_age_s)
    return 0.0 <= age_s and age_s <= float(params.fresh_s)
