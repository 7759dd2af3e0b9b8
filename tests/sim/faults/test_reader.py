"""Bad rows of faults are refused in one line that names the row."""

import pytest

from sim.common.errors import InputError
from sim.common.toml_records import UNITS, unit_of
from sim.faults.reader import read_faults, refuse_wire_faults
from sim.faults.table import FAULT, FAULT_SLOTS, KINDS, FaultKind, Sensor
from sim.plant.world import WORLD
from sim.run.fly import fly
from sim.scenario.load import load

HEAD = 'name = "mine"\ndoc = "Mine."\n[vehicle]\nclass = "resilience_class"\n'


def refusal(*rows):
    with pytest.raises(InputError) as caught:
        read_faults(WORLD.new(), [({"faults": list(rows)}, "mine.toml: ")])
    complaint = str(caught.value)
    assert "\n" not in complaint
    assert complaint.startswith("mine.toml: ")
    return complaint.removeprefix("mine.toml: ")


def read(*rows):
    world = WORLD.new()
    read_faults(world, [({"faults": list(rows)}, "mine.toml: ")])
    return world


OFF = {"kind": "off"}
DELAYED = {"kind": "delayed", "delay_s": 1.0}


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ({}, "faults.1.kind: missing; there are off, delayed, "),
        (
            {"kind": "delyed"},
            "faults.1.kind: unknown kind of fault 'delyed'; did you mean 'delayed'",
        ),
        ({"kind": 3}, "faults.1.kind: unknown kind of fault '3'"),
        ({"kind": "delayed"}, "faults.1.delay_s: missing; delayed needs it"),
        (
            {"kind": "delayed", "delay": 1.0},
            "faults.1.delay: missing unit suffix; expected 'delay_s'",
        ),
        (
            {"kind": "delayed", "delay_ms": 9},
            "faults.1.delay_ms: wrong unit suffix; expected 'delay_s'",
        ),
        (
            {**DELAYED, "offset_m": 3.0},
            "faults.1.offset_m: delayed does not use it; it uses delay_s",
        ),
        (
            {**OFF, "sensor": "radar"},
            "faults.1.sensor: expected one of range, imu, contact, propulsion",
        ),
        ({**DELAYED, "sensor": "imu"}, "faults.1.sensor: delayed affects range, not 'imu'"),
        ({"kind": "engine_out", "sensor": "imu"}, "faults.1.sensor: engine_out does not use it"),
        (
            {**OFF, "probability": 1.2},
            "faults.1.probability: expected a number from 0 to 1, not 1.2",
        ),
        ({"kind": "drop"}, "faults.1.probability: missing; drop needs it"),
        ({"kind": "wrong"}, "faults.1: wrong needs offset_m or ramp_mps"),
        (
            {**OFF, "start_s": 20.0, "end_s": 10.0},
            "faults.1: the window ends before it begins: end_s 10",
        ),
        (
            {**OFF, "from_altitude_m": 100.0, "until_altitude_m": 900.0},
            "faults.1: the window ends before it begins, on the way down: until_altitude_m 900",
        ),
        ({**OFF, "mode": "hover"}, "faults.1.mode: expected one of any, standby, coast, "),
        (
            {"kind": "late_acquisition", "start_s": 5.0},
            "faults.1.start_s: late_acquisition is open from the start; give its end",
        ),
        (
            {"kind": "early_loss", "until_altitude_m": 5.0},
            "faults.1.until_altitude_m: early_loss does not end; give its beginning",
        ),
        ({"kind": "missed_ticks", "ticks": 2.5}, "faults.1.ticks: expected an integer from 0 to"),
        (7, "faults.1: expected a table, not 7"),
    ],
)
def test_a_bad_row_is_one_line_with_its_number(row, complaint):
    fine = {"kind": "thrust_scale", "scale": 0.9}
    assert refusal(fine, row).startswith(complaint)


@pytest.mark.parametrize(
    ("first", "second", "complaint"),
    [
        (OFF, DELAYED, "nothing is sent, so it can never act"),
        (DELAYED, OFF, "nothing is sent, so it can never act"),
        ({"kind": "pause"}, DELAYED, "nothing is sent, so it can never act"),
        ({"kind": "early_loss", "from_altitude_m": 900.0},
         {"kind": "noise", "sigma_m": 1.0, "from_altitude_m": 300.0}, "it can never act"),
        ({"kind": "off", "sensor": "imu"}, {"kind": "imu_zero"}, "it can never act"),
        ({"kind": "stuck"}, {"kind": "zero_valid"}, "the second one replaces the value of"),
        ({"kind": "false_valid", "value_m": 3.0}, {"kind": "false_invalid"}, "reverses the other"),
        ({"kind": "stamp_offset", "stamp_offset_s": 1.0}, {"kind": "stamp_at_arrival"},
         "the second one replaces the time-tag of the first"),
        ({"kind": "engine_out"}, {"kind": "thrust_scale", "scale": 0.9}, "the engine is out"),
        ({"kind": "throttle_stuck"}, {"kind": "throttle_stuck", "throttle": 0.3}, "stuck already"),
    ],
)  # fmt: skip
def test_two_rows_that_cannot_compose_are_refused(first, second, complaint):
    names = f"{second['kind']} does not compose with {first['kind']} of row 0: "
    assert refusal(first, second).startswith(f"faults.1: {names}")
    assert complaint in refusal(first, second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (OFF, {"kind": "off", "sensor": "imu"}),
        ({**OFF, "end_s": 700.0}, {**DELAYED, "start_s": 690.0}),
        ({**OFF, "mode": "braking"}, {**DELAYED, "mode": "descent"}),
        ({**OFF, "from_altitude_m": 300.0}, {**DELAYED, "from_altitude_m": 900.0}),
        ({**OFF, "probability": 0.5}, DELAYED),
        ({"kind": "stamp_at_arrival"}, {"kind": "stamp_offset", "stamp_offset_s": 1.0}),
        ({"kind": "stuck", "until_altitude_m": 900.0}, {"kind": "stale", "period_s": 1.0,
                                                        "from_altitude_m": 900.0}),
        ({"kind": "restart", "outage_s": 1.0}, {"kind": "engine_out"}),
        (OFF, {"kind": "contact_missing"}),
    ],
)  # fmt: skip
def test_rows_that_can_act_both_are_taken(first, second):
    world = read(first, second)
    rows = world.board.faults[: world.board.n_faults]
    assert [FaultKind.label_of(row.kind) for row in rows] == [first["kind"], second["kind"]]


def test_there_is_room_for_so_many_rows():
    rows = [{"kind": "wrong", "offset_m": float(i)} for i in range(FAULT_SLOTS)]
    assert read(*rows).board.n_faults == FAULT_SLOTS
    assert refusal(*rows, DELAYED) == f"faults.{FAULT_SLOTS}: expected at most {FAULT_SLOTS} rows"


def test_a_row_has_the_first_sensor_that_its_kind_affects():
    world = read(OFF, {"kind": "off", "sensor": "propulsion"})
    assert [Sensor.label_of(world.board.faults[i].sensor) for i in range(2)] == [
        "range",
        "propulsion",
    ]


def test_overrides_change_rows_and_add_them(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(HEAD + '[[faults]]\nkind = "delayed"\ndelay_s = 0.2\n')
    more = [("faults.0.delay_s", "0.5"), ("faults.1.kind", "drop"), ("faults.1.probability", "0.3")]
    faults = load(str(path), more).world.board
    assert (faults.n_faults, faults.faults[0].delay_s, faults.faults[1].probability) == (
        2,
        0.5,
        0.3,
    )
    for key, complaint in (
        ("faults.2.kind", "--set: faults.2: there are 1 rows, numbered from 0"),
        ("faults.x.kind", "--set: faults.x: expected the number of a row, from 0"),
    ):
        with pytest.raises(InputError, match=complaint):
            load(str(path), [(key, "off")])


def test_a_fault_in_a_file_names_the_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(HEAD + '[[faults]]\nkind = "delayed"\n')
    with pytest.raises(InputError) as caught:
        load(str(path))
    assert str(caught.value) == f"{path}: faults.0.delay_s: missing; delayed needs it"


def test_a_fault_of_the_wire_is_refused_where_there_is_none():
    flip = [("faults.0.kind", "wire_flip"), ("faults.0.probability", "0.1")]
    words = "faults.0: wire_flip needs a wire: fly it with `leadline hil`"
    with pytest.raises(InputError) as caught:
        fly(load("nominal", flip), 0)
    assert str(caught.value) == words
    refuse_wire_faults(load("nominal").world)


def test_every_magnitude_is_used_by_a_kind_and_every_kind_uses_what_there_is():
    used = {key for kind in KINDS.values() for key in kind.magnitudes}
    window = {"start_s", "end_s", "from_altitude_m", "until_altitude_m", "mode"}
    assert used | window | {"kind", "sensor", "spare"} == set(FAULT.fields)


def test_magnitudes_without_a_unit_are_pure_numbers():
    pure = {"lag_share", "lost_share", "probability", "drift", "scale", "sigma_share", "throttle"}
    floats = {key for key, field in FAULT.fields.items() if field.type == "f64"}
    assert {key for key in floats if unit_of(key) not in UNITS} == pure
