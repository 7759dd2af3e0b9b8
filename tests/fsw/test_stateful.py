"""Any legal stream in any order: the flight software stays consistent and reports why.

A machine of Hypothesis plays sensors, ground and scheduler: samples that arrive, fail, are false,
late or duplicate, ticks that are missed, restarts, commands. After every tick its own record
of what was sent is compared with what the flight software counted, acknowledged and reported.
"""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from fsw.interface.messages import (
    CLOCK_EXCHANGE,
    CONTACT_SAMPLE,
    PROPULSION_STATUS,
    RANGE_SAMPLE,
    CommandCode,
)
from fsw.interface.modes import TRANSITIONS, Mode, engine_may_run
from tests.fsw.computer import TICK_NS, Computer, above_the_site, command, names
from tests.fsw.test_any_input import check

S = 1_000_000_000
START_M, FALL_MPS = 1000.0, 4.0
HOVER_MPS = 1.62 * TICK_NS / S  # delta-v of a tick, against gravity
RANGE_TICKS = 5
BEAM_M = 2.0  # from the centre of mass down to where the range begins
# most of the flights begin where ranges matter
MODES = [Mode.DESCENT, Mode.TERMINAL, Mode.APPROACH, Mode.BRAKING, Mode.COAST, *range(len(Mode))]
LOCKED_TICKS = 60
LEGAL = {(before, after) for (before, _), after in TRANSITIONS.items()}
few = st.integers(1, 12)


class Stream(RuleBasedStateMachine):
    """Sensors, ground and scheduler of one flight at constant speed, and what they have sent."""

    @initialize(mode=st.sampled_from(MODES), locked=st.booleans())
    def begin(self, mode, locked):
        self.computer = Computer()
        self.handed = self.seq = 0
        self.commands_sent = 0
        self.ticks_without_imu = 0
        self.taken_seq = None  # count of the newest inertial sample that was delivered
        self.reported_silent = False
        self.tick(nav_update=above_the_site(START_M, FALL_MPS))
        if locked:
            self.fly(LOCKED_TICKS, True)
        self.computer.core.executive.mode = mode

    # --- what may come -------------------------------------------------------------------

    @rule(count=st.integers(1, 250), with_ranges=st.sampled_from([True, True, False]))
    def fly(self, count, with_ranges):
        for _ in range(count):
            due = with_ranges and self.computer.n % RANGE_TICKS == 0
            self.tick(ranges=[self.range()] if due else [])

    @rule(count=few)
    def lose_inertial_samples(self, count):
        for _ in range(count):
            self.computer.imu(dv=(0.0, 0.0, HOVER_MPS))
            self.tick(imus=[])

    @rule(count=st.integers(2, 4))
    def deliver_inertial_samples_together(self, count):
        held = []
        for n in range(count):
            held.append(self.computer.imu(dv=(0.0, 0.0, HOVER_MPS)))
            self.tick(imus=held if n == count - 1 else [])

    @rule(skipped=st.integers(1, 255))
    def miss_ticks(self, skipped):
        self.sleep(skipped)
        self.tick(missed=skipped)

    @rule(away=st.integers(0, 200))
    def restart(self, away):
        self.sleep(away)
        self.computer.inbox.resumed = 1
        events = self.tick()
        self.computer.inbox.resumed = 0
        assert names(events).count("restarted") == 1

    @rule(codes=st.lists(st.integers(0, len(CommandCode)), min_size=1, max_size=2))
    def command(self, codes):
        self.commands_sent += len(codes)
        sent = [command(code, self.commands_sent - i) for i, code in enumerate(codes)]
        self.tick(commands=sent)
        answered = [(int(ack.seq), int(ack.code)) for ack in self.computer.acks()]
        assert answered == [(int(each.seq), int(each.code)) for each in sent]

    @rule(legs=st.integers(0, 15), count=few)
    def touch(self, legs, count):
        for _ in range(count):
            self.tick(contact=CONTACT_SAMPLE.new(t_ns=self.now_ns, legs=legs))

    @rule(mass_kg=st.floats(300.0, 800.0), ready=st.integers(0, 1))
    def report_propulsion(self, mass_kg, ready):
        status = PROPULSION_STATUS.new(t_ns=self.now_ns, mass_kg=mass_kg, ready=ready)
        self.tick(propulsion=status)

    @rule(error_m=st.floats(-300.0, 300.0))
    def uplink(self, error_m):
        update = above_the_site(self.height_m + error_m, FALL_MPS)
        update.t_ns = self.now_ns
        self.tick(nav_update=update)

    @rule(there=st.integers(0, TICK_NS // 4), back=st.integers(0, TICK_NS // 4))
    def ask_the_clock(self, there, back):
        asked = self.now_ns - TICK_NS // 2
        stamps = {"t_remote_rx_ns": asked + there, "t_remote_tx_ns": asked + there}
        self.tick(clock=CLOCK_EXCHANGE.new(t_ns=asked, t_rx_ns=asked + there + back, **stamps))

    @rule(count=st.integers(1, 40), late=st.integers(0, 900), copies=st.integers(1, 3))
    def deliver_ranges_together(self, count, late, copies):
        """What was seen at one moment after the other, up to `late` ticks ago."""
        made = [self.range(late_ticks=late + RANGE_TICKS * (count - n)) for n in range(count)]
        made *= copies
        while made:
            self.tick(ranges=made[:8])
            made = made[8:]

    @rule(
        count=st.integers(1, 60),
        off_m=st.sampled_from([15.0, -300.0, 2000.0]) | st.floats(-3000.0, 9000.0),
        valid=st.sampled_from([1, 1, 1, 0]),
    )
    def measure_wrongly(self, count, off_m, valid):
        for n in range(count * RANGE_TICKS):
            self.tick(ranges=[self.range(off_m, valid=valid)] if n % RANGE_TICKS == 0 else [])

    @rule(count=few, off_ns=st.sampled_from([30_000_000, -2 * S, 10**15, -(10**15)]))
    def stamp_wrongly(self, count, off_ns):
        for n in range(count * RANGE_TICKS):
            self.tick(ranges=[self.range(off_ns=off_ns)] if n % RANGE_TICKS == 0 else [])

    @rule(count=st.integers(3, 40), value_m=st.floats(0.0, 1500.0))
    def stick(self, count, value_m):
        for n in range(count * RANGE_TICKS):
            stuck = self.range()
            stuck.range_m = value_m
            self.tick(ranges=[stuck] if n % RANGE_TICKS == 0 else [])

    # --- what must hold ------------------------------------------------------------------

    @invariant()
    def covariance_is_one(self):
        P = np.array(self.computer.core.navigation.grid.P)
        assert np.array_equal(P, P.T)
        scale = np.sqrt(np.maximum(np.diag(P), 1e-300))
        correlation = P / np.outer(scale, scale)
        assert np.linalg.eigvalsh(correlation).min() > -1e-9

    @invariant()
    def every_range_has_one_verdict(self):
        assert int(np.sum(self.computer.core.navigation.intake.verdicts)) == self.handed

    def tick(self, missed=0, imus=None, ranges=(), **reports):
        """One tick, whose outcome is checked; an inertial sample arrives by default."""
        computer = self.computer
        core = computer.core
        if imus is None:
            imus = [computer.imu(dv=(0.0, 0.0, HOVER_MPS))]
        before = core.executive.copy()
        events = computer.tick(missed, imus, ranges, **reports)
        self.handed += len(ranges)
        check(computer)
        assert core.executive.tick == before.tick + 1
        assert core.executive.events_lost == 0
        self.check_modes(int(before.mode), events)
        self.check_silences(missed, imus, events)
        self.check_silence_of_ranges(int(before.mode), events)
        return events

    def check_modes(self, mode, events):
        """Every move is of the table, begins where the last one ended, and is an event."""
        for name, after, before in events:
            if name == "mode_changed":
                assert before == mode and (int(before), int(after)) in LEGAL
                mode = after
        assert self.computer.mode == mode

    def check_silences(self, missed, imus, events):
        """Missed ticks and lost inertial samples are reported, each once; nothing else is."""
        reported = names(events)
        assert ("missed_ticks" in reported) == (missed > 0)
        self.ticks_without_imu = 0 if imus else self.ticks_without_imu + 1
        limit = int(self.computer.params.executive.imu_silent_ticks)
        assert ("imu_silent" in reported) == (self.ticks_without_imu == limit)
        gaps = 0
        for sample in imus:
            gaps += self.taken_seq is not None and int(sample.seq) != self.taken_seq + 1
            self.taken_seq = int(sample.seq)
        assert reported.count("imu_gap") == gaps

    def check_silence_of_ranges(self, mode, events):
        """Silence of ranges is reported exactly when powered for too long without a fused one."""
        for name in names(events):
            if name in ("range_silent", "range_resumed"):
                assert self.reported_silent == (name == "range_resumed")
                self.reported_silent = not self.reported_silent
        nav = self.computer.core.navigation
        age_s = (self.computer.inbox.now_ns - nav.grid.trust.last_fused_t_ns) / S
        powered = engine_may_run(mode) and self.computer.mode == mode
        if powered and nav.grid.trust.locked == 1:
            assert self.reported_silent == (
                age_s > float(self.computer.params.navigation.trust.silent_s)
            )

    # --- the flight ----------------------------------------------------------------------

    @property
    def now_ns(self):
        return self.computer.n * TICK_NS

    @property
    def height_m(self):
        return START_M - FALL_MPS * self.now_ns / S

    def range(self, off_m=0.0, late_ticks=0, off_ns=0, valid=1):
        """What the rangefinder saw some ticks ago, made wrong by so much."""
        self.seq += 1
        seen_ns = self.now_ns - late_ticks * TICK_NS
        made = RANGE_SAMPLE.new(t_ns=seen_ns + off_ns, seq=self.seq & 0xFFFF, valid=valid)
        true_m = START_M - FALL_MPS * seen_ns / S - BEAM_M
        made.range_m = max(true_m + off_m, 0.0)
        return made

    def sleep(self, ticks):
        """Time goes by, and what the sensors send is lost."""
        for _ in range(ticks):
            self.computer.imu(dv=(0.0, 0.0, HOVER_MPS))
            self.computer.n += 1


def test_after_any_legal_stream_state_is_consistent_and_every_silence_reported():
    run_state_machine_as_test(Stream, settings=settings(max_examples=25, stateful_step_count=20))
