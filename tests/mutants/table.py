"""The deliberate breaks: what is changed where, and the test that is there to notice."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """One break: in `file`, `line` (text that occurs once) becomes `broken`; `test` must die."""

    name: str
    file: str
    line: str
    broken: str
    test: str


FLIGHT = (
    Mutant(
        "fuse-at-arrival",
        "fsw/navigation/tick.py",
        "    return (t_ns, trusted)\n",
        "    return (rx_ns, trusted)\n",
        "tests/fsw/test_delay_property.py::test_any_delay_order_and_duplication_ends_with_the_same_bytes",
    ),
    Mutant(
        "no-delay-compensation",
        "fsw/navigation/tick.py",
        "    if dirty_k != NEVER and int(nav.replaying) == 0:\n",
        "    if dirty_k < 0 and int(nav.replaying) == 0:\n",
        "tests/fsw/test_delay_property.py::test_outliers_and_bursts_are_judged_alike_late_or_not",
    ),
    Mutant(
        "row-not-carried-back-to-the-stamp",
        "fsw/filter/range_update.py",
        "        out.H[V0 + i] = -lag * d_r[i]\n",
        "        out.H[V0 + i] = 0.0 * lag * d_r[i]\n",
        "tests/fsw/filter/test_grid_filter.py::test_the_row_belongs_to_the_state_at_the_grid_point",
    ),
    Mutant(
        "inflate-on-rejection",
        "fsw/filter/range_update.py",
        "    if verdict == RangeVerdict.REJECTED:\n",
        "    if verdict == RangeVerdict.REJECTED:\n        grid.P[HT, HT] += R\n",
        "tests/fsw/filter/test_grid_filter.py::test_a_hundred_rejections_inflate_nothing",
    ),
    Mutant(
        "latch-the-gate",
        "fsw/filter/range_gate.py",
        "    latched = latch > 0 and int(trust.rejects_in_a_row) >= latch\n",
        "    latched = latch >= 0 and int(trust.rejects_in_a_row) >= 3\n",
        "tests/fsw/filter/test_range_gate.py::test_after_any_number_of_rejections_a_good_sample_is_fused",
    ),
    Mutant(
        "lock-on-the-first-sample",
        "fsw/filter/range_gate.py",
        "    return int(trust.lock_count) >= int(params.lock_samples)\n",
        "    return int(trust.lock_count) >= 1\n",
        "tests/fsw/filter/test_range_gate.py::test_three_samples_that_agree_make_a_lock",
    ),
    Mutant(
        "skip-the-candidate",
        "fsw/filter/terrain_hypotheses.py",
        "    return int(trust.candidate_samples) >= needed\n",
        "    return int(trust.candidate_samples) >= 65535 * needed\n",
        "tests/fsw/guidance/test_altitude_bounds.py::test_a_step_of_the_ground_is_accepted_within_two_seconds",
    ),
    Mutant(
        "never-forget-a-stuck-value",
        "fsw/filter/range_gate.py",
        "    if range_m != float(trust.repeat_range_m):\n",
        "    stuck = int(trust.repeats) >= int(params.stuck_repeats)\n"
        "    if range_m != float(trust.repeat_range_m) and not stuck:\n",
        "tests/sim/test_forgetting.py::test_a_fault_that_ends_is_forgotten",
    ),
    Mutant(
        "heed-the-highest-altitude",
        "fsw/guidance/altitude_bounds.py",
        "        low = min(low, lowest_altitude(descent, alternate, sigma, latency_m))\n",
        "        low = max(low, lowest_altitude(descent, alternate, sigma, latency_m))\n",
        "tests/fsw/guidance/test_altitude_bounds.py::test_the_bound_is_the_lowest_altitude_less_three_sigma_and_latency",
    ),
    Mutant(
        "drop-the-k-sigma",
        "fsw/guidance/stopping_distance.py",
        "    return altitude_m - float(params.k_sigma) * sigma_m - latency_m\n",
        "    return altitude_m - latency_m\n",
        "tests/fsw/guidance/test_stopping_distance.py::test_uncertainty_and_latency_lower_the_altitude",
    ),
    Mutant(
        "assure-nothing",
        "fsw/guidance/stopping_distance.py",
        "    return max(u_mps2, needed)\n",
        "    return max(u_mps2, 0.0 * needed)\n",
        "tests/fsw/guidance/test_stopping_distance.py::test_assurance_keeps_the_margin_for_any_command",
    ),
    Mutant(
        "swap-a-quaternion-product",
        "fsw/filter/strapdown.py",
        "quat_unit(quat_mul(q_mid, dq_half))",
        "quat_unit(quat_mul(dq_half, q_mid))",
        "tests/fsw/filter/test_strapdown.py::test_a_turning_thrusting_body_follows_the_closed_form",
    ),
    Mutant(
        "forget-the-drift-of-a-clock",
        "fsw/intake/clock_sync.py",
        "+ _to_ns(float(timebase.drift_bound) * age_ns) + ROUNDING_NS\n",
        "+ _to_ns(0.0 * age_ns) + ROUNDING_NS\n",
        "tests/fsw/intake/test_clock_sync.py::test_the_true_time_lies_within_the_bound_whatever_the_delays",
    ),
    Mutant(
        "one-leg-is-ground",
        "fsw/executive/touchdown.py",
        "    if legs_touching(int(touchdown.legs)) < int(params.legs):\n",
        "    if legs_touching(int(touchdown.legs)) < 1:\n",
        "tests/fsw/executive/test_touchdown.py::test_any_two_legs_are_enough_and_one_is_not",
    ),
    Mutant(
        "abort-from-the-descent",
        "fsw/interface/modes.py",
        "    (Mode.BRAKING, Cue.ABORT): Mode.ABORT,\n",
        "    (Mode.BRAKING, Cue.ABORT): Mode.ABORT,\n    (Mode.DESCENT, Cue.ABORT): Mode.ABORT,\n",
        "tests/fsw/interface/test_modes.py::test_an_abort_climbs_only_out_of_braking_and_before_ignition_stays_in_orbit",
    ),
    Mutant(
        "silence-without-a-word",
        "fsw/navigation/nav_events.py",
        "    if silent and int(nav.silent) == 0:\n",
        "    if silent and int(nav.silent) < 0:\n",
        "tests/fsw/test_stateful.py::test_after_any_legal_stream_state_is_consistent_and_every_silence_reported",
    ),
)

INJECTOR = (
    Mutant(
        "a-delay-that-delays-nothing",
        "sim/faults/range_faults.py",
        "    if kind == FaultKind.DELAYED or kind == FaultKind.REORDER:\n",
        "    if kind == FaultKind.REORDER:\n",
        "tests/sim/faults/test_windows.py::test_delayed_ranges_arrive_so_much_later_with_their_own_stamps",
    ),
    Mutant(
        "a-window-that-opens-early",
        "sim/faults/windows.py",
        "    if t_ns < ns(float(fault.start_s)) or",
        "    if t_ns + 10_000_000 < ns(float(fault.start_s)) or",
        "tests/sim/faults/test_windows.py::test_a_window_changes_nothing_before_it_opens_and_something_after",
    ),
    Mutant(
        "stamped-at-arrival-but-not",
        "sim/faults/range_faults.py",
        "                    sample.t_ns = due_ns\n",
        "                    sample.t_ns = t_ns\n",
        "tests/sim/faults/test_windows.py::test_a_stamp_at_arrival_is_that_of_the_delayed_arrival_below_a_delay",
    ),
    Mutant(
        "a-flip-that-flips-nothing",
        "hil/bench/wire_faults.py",
        "[frame[at] ^ (1 << int(8 * what))]",
        "[frame[at] ^ (0 << int(8 * what))]",
        "tests/hil/bench/test_faults_on_the_wire.py::test_a_spoiled_frame_is_lost_and_no_other",
    ),
)

COMPARERS = (
    Mutant(
        "accept-a-bad-crc",
        "hil/wire/framing.py",
        "        if zlib.crc32(packet) != CRC_RESIDUE:\n",
        "        if zlib.crc32(packet) == CRC_RESIDUE + 1:\n",
        "tests/hil/wire/test_framing.py::test_every_burst_of_up_to_32_bits_is_refused",
    ),
    Mutant(
        "lost-frames-go-uncounted",
        "hil/wire/framing.py",
        "            self.counters.missing += ahead\n",
        "            self.counters.missing += 0\n",
        "tests/hil/wire/test_framing.py::test_lost_repeated_and_wrapped_sequence_numbers_are_counted",
    ),
    Mutant(
        "replay-copies-its-output",
        "hil/log/replay.py",
        '        content = self._buffer[: int(self._ring["head"][0])]\n',
        '        return None\n        content = self._buffer[: int(self._ring["head"][0])]\n',
        "tests/hil/log/test_replay.py::test_flight_software_that_differs_in_an_output_is_named_by_field_and_values",
    ),
    Mutant(
        "replay-trusts-the-log",
        "hil/log/differences.py",
        "    if now == sums:\n",
        "    if now:\n",
        "tests/hil/log/test_replay.py::test_one_changed_byte_in_any_channel_is_named",
    ),
    Mutant(
        "parity-ignores-a-field",
        "hil/bench/parity.py",
        "    if np.array_equal(ours, theirs):\n",
        "    if np.array_equal(ours[:128], theirs[:128]):\n",
        "tests/hil/bench/test_parity.py::test_a_flipped_bit_is_named_with_tick_field_and_both_values",
    ),
)

MUTANTS = (*FLIGHT, *INJECTOR, *COMPARERS)
