"""Touchdown detection: two independent indications, and never altitude alone.

Footpad switches: at least two legs for 60 ms. Support force: the accelerometers measure more than
the engine gives, by a share of the weight, for 0.3 s, or for longer where fresh ranges exclude
ground there; that detects touchdown with failed switches.
Switches alone have given false contact (Mars Polar Lander, 1999: a transient of the legs'
deployment, latched, cut the engine 40 m up), so they are confirmed: by a moment of support force,
or by fresh ranges that put the footpads at the ground. Both are armed only in the terminal descent
and below 5 m/s, and nothing from before that is remembered.
"""

from fsw.framework.kernel import kernel
from fsw.framework.record import f64, i64, record, u8
from fsw.interface.modes import Mode
from fsw.interface.timing import TICK_S
from fsw.mathlib.elementary import to_int
from fsw.models.gravity import surface_gravity

# clamp of a count of ticks, beyond any confirm_for_s
CONFIRM_TICKS_MAX = 1e6

TOUCHDOWN_PARAMS = record(
    "TouchdownParams",
    "When the ground counts as reached.",
    arm_speed_mps=f64(
        "descent rate below which touchdown detection is armed", default=5.0, lo=0.1, hi=1000.0
    ),
    contact_s=f64("time for which enough legs must touch", default=0.06, lo=0.01, hi=100.0),
    support_share=f64("support force that counts, over weight", default=0.25, lo=0.01, hi=2.0),
    support_s=f64("time for which it must last", default=0.3, lo=0.01, hi=100.0),
    astray_s=f64(
        "the same, where fresh ranges exclude ground there", default=2.0, lo=0.01, hi=60.0
    ),
    confirm_s=f64("time for which it must last to confirm contact", default=0.03, lo=0.01, hi=5.0),
    confirm_for_s=f64("time for which that confirmation holds", default=0.5, lo=0.01, hi=5.0),
    near_m=f64("altitude by fresh ranges that confirms contact", default=0.4, lo=0.0, hi=100.0),
    fresh_s=f64("age up to which ranges are fresh", default=3.0, lo=0.0, hi=60.0),
    legs=i64("legs that must touch at once", default=2, lo=1, hi=4),
    confirm=i64("1: contact must be confirmed; 0: switches alone suffice", default=1, lo=0, hi=1),
    latch=i64(
        "1: contact at any time is latched, and used once armed",
        default=0,
        lo=0,
        hi=1,
    ),
)

TOUCHDOWN = record(
    "Touchdown",
    "Touchdown detection between ticks.",
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
def ground_reached(touchdown, params, estimate, inbox, mode, thrust_N):
    """True when the ground counts as reached; call once a tick. thrust_N: expected thrust."""
    limits = params.touchdown
    if int(inbox.has_contact) == 1:
        touchdown.legs = inbox.contact.legs
    armed = mode == Mode.TERMINAL and float(estimate.v_down_mps) < float(limits.arm_speed_mps)
    if not armed and int(limits.latch) == 0:
        touchdown.contact_ticks = 0
        touchdown.latched = 0
    else:
        _count_contact(touchdown, limits)
    if not armed:
        touchdown.support_ticks = 0
        touchdown.confirmed_ticks = 0
        return False
    g_mps2 = surface_gravity(params.moon, params.site)
    by_support = _detect_support(touchdown, limits, estimate, thrust_N, g_mps2)
    confirmed = int(limits.confirm) == 0 or int(touchdown.confirmed_ticks) > 0
    near = float(estimate.altitude_m) <= float(limits.near_m)
    confirmed = confirmed or (near and _ranges_fresh(limits, estimate))
    return by_support or (int(touchdown.latched) == 1 and confirmed)


@kernel
def _count_contact(touchdown, params):
    """Count ticks of contact; latch it beyond its end where the parameter says so."""
    touchdown.contact_ticks = int(touchdown.contact_ticks) + 1
    if legs_touching(int(touchdown.legs)) < int(params.legs):
        touchdown.contact_ticks = 0
    if float(touchdown.contact_ticks) * TICK_S >= float(params.contact_s):
        touchdown.latched = 1
    elif int(params.latch) == 0:
        touchdown.latched = 0


@kernel
def _detect_support(touchdown, params, estimate, thrust_N, g_mps2):
    """Count ticks of support force, and keep its confirmation; True when it has lasted."""
    mass = float(estimate.mass_kg)
    support_N = mass * estimate.f_B_mps2[2] - thrust_N
    touchdown.support_ticks = int(touchdown.support_ticks) + 1
    if support_N <= float(params.support_share) * mass * g_mps2:
        touchdown.support_ticks = 0
    supported_s = float(touchdown.support_ticks) * TICK_S
    touchdown.confirmed_ticks = max(int(touchdown.confirmed_ticks) - 1, 0)
    if supported_s >= float(params.confirm_s):
        touchdown.confirmed_ticks = to_int(
            float(params.confirm_for_s) / TICK_S, 0.0, CONFIRM_TICKS_MAX
        )
    needed_s = float(params.support_s)
    # an engine that lags or sticks looks like support
    if _ranges_fresh(params, estimate) and float(estimate.altitude_lo_m) > float(params.near_m):
        needed_s = max(needed_s, float(params.astray_s))
    return supported_s >= needed_s


@kernel
def _ranges_fresh(params, estimate):
    """True within fresh_s of the newest range fused."""
    age_s = float(estimate.range_age_s)
    return 0.0 <= age_s and age_s <= float(params.fresh_s)
