"""Table: what counts as ground, and what must not be latched as ground."""

import itertools

import pytest

from fsw.executive.state import PARAMS
from fsw.executive.touchdown import TOUCHDOWN, ground_reached, legs_touching
from fsw.interface.messages import INBOX
from fsw.interface.modes import Mode
from fsw.navigation.estimate import ESTIMATE


def with_touchdown(**values):
    """Default parameters, but for these of touchdown detection."""
    made = PARAMS.new()
    for name, value in values.items():
        made.touchdown[name] = value
    return made


DEFAULT = with_touchdown()
G_MPS2, MASS_KG, THRUST_N = 1.62, 400.0, 600.0
TWO_LEGS, ONE_LEG, NO_LEG = 0b0101, 0b1000, 0b0000
HELD_UP_MPS2 = THRUST_N / MASS_KG


class Detection:
    """Touchdown detection tick by tick: terminal descent, low by a fresh range, by default."""

    def __init__(self, params=DEFAULT, altitude_m=0.3, range_age_s=0.2):
        self.touchdown, self.inbox, self.params = TOUCHDOWN.new(), INBOX.new(), params
        self.estimate = ESTIMATE.new(mass_kg=MASS_KG, altitude_m=altitude_m)
        self.estimate.range_age_s = range_age_s

    def tick(self, legs=None, support_mps2=0.0, mode=Mode.TERMINAL, v_down=1.2):
        """True when the ground counts as reached; legs None without a new sample."""
        self.inbox.has_contact = 0 if legs is None else 1
        self.inbox.contact.legs = legs or 0
        self.estimate.v_down_mps = v_down
        self.estimate.f_B_mps2 = (0.0, 0.0, HELD_UP_MPS2 + support_mps2)
        return ground_reached(
            self.touchdown,
            self.params,
            self.estimate,
            self.inbox,
            mode,
            THRUST_N,
        )

    def ticks_until_ground(self, limit=200, **inputs):
        for n in range(1, limit + 1):
            if self.tick(**inputs):
                return n
        return None


# --- switches ----------------------------------------------------------------------------


def test_two_legs_for_sixty_milliseconds_are_ground():
    assert Detection().ticks_until_ground(legs=TWO_LEGS) == 6


@pytest.mark.parametrize("legs", range(16))
def test_any_two_legs_are_enough_and_one_is_not(legs):
    assert legs_touching(legs) == bin(legs).count("1")
    expected = 6 if bin(legs).count("1") >= 2 else None
    assert Detection().ticks_until_ground(legs=legs) == expected


def test_contact_that_bounces_restarts_its_count():
    detection = Detection()
    for legs in [TWO_LEGS] * 5 + [ONE_LEG] + [TWO_LEGS] * 5 + [NO_LEG]:
        assert not detection.tick(legs=legs)
    assert detection.ticks_until_ground(legs=TWO_LEGS) == 6


def test_the_last_switch_state_holds_without_new_samples():
    detection = Detection()
    assert not detection.tick(legs=TWO_LEGS)
    assert detection.ticks_until_ground() == 5


# --- switches have to be confirmed -------------------------------------------------------

BLIND = {"range_age_s": -1.0}


@pytest.mark.parametrize(
    ("altitude_m", "range_age_s", "accepted"),
    [
        (0.3, 0.1, True),
        (-2.0, 0.1, True),
        (0.5, 0.1, False),
        (40.0, 0.1, False),  # Mars Polar Lander's height
        (0.3, 2.9, True),
        (0.3, 3.1, False),
        (0.3, -1.0, False),
    ],
)
def test_switches_alone_suffice_only_near_the_ground_by_fresh_ranges(
    altitude_m, range_age_s, accepted
):
    detection = Detection(altitude_m=altitude_m, range_age_s=range_age_s)
    assert detection.ticks_until_ground(legs=0b1111) == (6 if accepted else None)


def test_a_moment_of_support_confirms_the_switches_without_ranges():
    detection = Detection(**BLIND)
    assert detection.ticks_until_ground(legs=TWO_LEGS, support_mps2=1.0) == 6
    detection = Detection(**BLIND)
    for support in (1.0, 1.0, 0.0):  # shorter than 30 ms
        detection.tick(legs=TWO_LEGS, support_mps2=support)
    assert detection.ticks_until_ground(legs=TWO_LEGS) is None


def test_a_moment_of_support_confirms_for_half_a_second():
    for later, expected in ((42, 6), (43, 6), (44, None)):
        detection = Detection(**BLIND)
        for _ in range(3):
            detection.tick(support_mps2=1.0)
        for _ in range(later):
            detection.tick()
        assert detection.ticks_until_ground(legs=TWO_LEGS) == expected


def test_contact_and_support_must_come_together():
    detection = Detection(**BLIND)
    for _ in range(20):
        assert not detection.tick(legs=TWO_LEGS)  # not confirmed
    for _ in range(29):
        assert not detection.tick(legs=NO_LEG, support_mps2=1.0)


def test_support_before_the_terminal_descent_is_no_confirmation():
    detection = Detection(**BLIND)
    for _ in range(20):
        detection.tick(support_mps2=1.0)
    detection.tick(mode=Mode.DESCENT)
    assert detection.ticks_until_ground(legs=TWO_LEGS) is None


def test_without_required_confirmation_switches_suffice():
    unconfirmed = with_touchdown(confirm=0)
    assert Detection(unconfirmed, **BLIND).ticks_until_ground(legs=TWO_LEGS) == 6


def test_a_latch_keeps_the_transient_that_cut_an_engine_forty_metres_up():
    # the logic flown in 1999, as a parameter: remembered from any phase, accepted once armed
    latched = Detection(with_touchdown(confirm=0, latch=1), altitude_m=40.0)
    for _ in range(6):
        assert not latched.tick(legs=0b0111, mode=Mode.BRAKING)
    latched.tick(legs=NO_LEG, mode=Mode.BRAKING)
    assert latched.ticks_until_ground(v_down=13.0) is None
    assert latched.ticks_until_ground() == 1


# --- nothing is remembered ---------------------------------------------------------------

EARLIER = [mode for mode in range(len(Mode)) if mode != Mode.TERMINAL]


@pytest.mark.parametrize("mode", EARLIER)
def test_contact_outside_the_terminal_descent_is_never_ground(mode):
    assert Detection().ticks_until_ground(legs=0b1111, support_mps2=9.0, mode=mode) is None


@pytest.mark.parametrize(
    "mode", [Mode.STANDBY, Mode.COAST, Mode.BRAKING, Mode.APPROACH, Mode.DESCENT, Mode.LANDED]
)
def test_a_transient_of_an_earlier_phase_is_not_latched(mode):
    # Mars Polar Lander, 1999: legs swing out, their switches close for a moment
    detection = Detection()
    for _ in range(50):
        detection.tick(legs=0b1111, support_mps2=3.0, mode=mode)
    detection.tick(legs=NO_LEG, mode=mode)
    assert detection.ticks_until_ground() is None


def test_switches_closed_at_the_start_of_terminal_descent_still_need_their_time():
    detection = Detection()
    for _ in range(50):
        detection.tick(legs=TWO_LEGS, mode=Mode.DESCENT)
    assert detection.ticks_until_ground() == 6


@pytest.mark.parametrize(("v_down", "expected"), [(4.99, 6), (5.01, None), (40.0, None)])
def test_detection_is_armed_only_at_low_speed(v_down, expected):
    assert Detection().ticks_until_ground(legs=TWO_LEGS, v_down=v_down) == expected


def test_contact_at_high_speed_is_not_kept():
    detection = Detection()
    for _ in range(50):
        detection.tick(legs=TWO_LEGS, support_mps2=1.0, v_down=8.0)
    assert detection.ticks_until_ground(legs=NO_LEG) is None


def test_leaving_the_armed_state_restarts_both_counts():
    for pause in ({"mode": Mode.DESCENT}, {"v_down": 6.0}):
        detection = Detection()
        for _ in range(5):
            assert not detection.tick(legs=TWO_LEGS)
        assert not detection.tick(legs=TWO_LEGS, **pause)
        assert detection.ticks_until_ground(legs=TWO_LEGS) == 6
        detection = Detection()
        for _ in range(29):
            assert not detection.tick(support_mps2=1.0)
        assert not detection.tick(support_mps2=1.0, **pause)
        assert detection.ticks_until_ground(support_mps2=1.0) == 30


# --- support force -----------------------------------------------------------------------

QUARTER_MPS2 = 0.25 * G_MPS2


def test_support_for_three_tenths_of_a_second_is_ground_without_any_switch():
    assert Detection().ticks_until_ground(legs=NO_LEG, support_mps2=1.01 * QUARTER_MPS2) == 30


def test_less_than_a_quarter_of_the_weight_is_no_ground():
    assert Detection().ticks_until_ground(support_mps2=0.99 * QUARTER_MPS2) is None


def test_thrust_is_no_support():
    # the same measured force, but the engine gives it
    detection = Detection()
    assert detection.ticks_until_ground(support_mps2=0.0) is None


def test_intermittent_support_restarts_its_count():
    detection = Detection()
    for support in [1.0] * 29 + [0.0] + [1.0] * 29 + [0.0]:
        assert not detection.tick(support_mps2=support)
    assert detection.ticks_until_ground(support_mps2=1.0) == 30


def test_half_of_each_indication_is_not_enough():
    detection = Detection()
    for _, (legs, support) in itertools.product(
        range(5), [(TWO_LEGS, 0.0)] * 5 + [(NO_LEG, 1.0)] * 5
    ):
        assert not detection.tick(legs=legs, support_mps2=support)


def test_support_must_last_longer_where_fresh_ranges_exclude_ground():
    high = Detection(altitude_m=9.0)
    high.estimate.altitude_lo_m = 8.0
    assert high.ticks_until_ground(support_mps2=1.0, limit=400) == 200
    old = Detection(altitude_m=9.0, range_age_s=3.1)
    old.estimate.altitude_lo_m = 8.0
    assert old.ticks_until_ground(support_mps2=1.0) == 30
    unsure = Detection(altitude_m=9.0)
    unsure.estimate.altitude_lo_m = 0.3
    assert unsure.ticks_until_ground(support_mps2=1.0) == 30
