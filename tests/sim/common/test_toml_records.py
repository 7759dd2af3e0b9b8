"""A TOML table becomes a record or one clear line."""

import pytest

from fsw.framework.codes import Code
from fsw.framework.record import REGISTRY, f32, f64, i32, record, u8
from sim.common.errors import InputError
from sim.common.toml_records import expected, fill

INNER = record("TablesInner", "Nested.", depth_m=f64("depth", default=1.5, lo=0.0, hi=10.0))
OUTER = record(
    "TablesOuter",
    "One field of every sort.",
    inner=INNER("nested record"),
    altitude_m=f64("height", default=7.0, lo=0.0, hi=100.0),
    axis_Nm=f64("torque", 3, lo=0.0, hi=40.0),
    rate_radps=f64("rate", lo=-1.0),
    short_m=f32("narrow float"),
    count=i32("how many", lo=1, hi=9, default=1),
    kind=u8("which", codes=Code("Slope", {"FLAT": 0, "STEEP": 1})),
    level=u8("level"),
    spare=u8("zero", 6),
)
del REGISTRY["TablesInner"], REGISTRY["TablesOuter"]  # not part of the project's own dictionary


def filled(table):
    row = OUTER.new()
    fill(row, OUTER, table, "a.toml: part")
    return row


def test_what_is_given_is_taken_and_the_rest_keeps_its_default():
    row = filled(
        {"inner": {"depth_m": 2}, "axis_Nm": [1, 2.5, 3], "kind": "steep", "count": 9, "level": 255}
    )
    assert row.inner.depth_m == 2.0 and row.altitude_m == 7.0
    assert list(row.axis_Nm) == [1.0, 2.5, 3.0]
    assert (row.kind, row.count, row.level) == (1, 9, 255)


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ({"altitude": 1.0}, "part.altitude: missing unit suffix; expected 'altitude_m'"),
        ({"altitude_km": 1.0}, "part.altitude_km: wrong unit suffix; expected 'altitude_m'"),
        ({"altitud_m": 1.0}, "part.altitud_m: unknown key; did you mean 'altitude_m'?"),
        ({"zzz": 1.0}, "part.zzz: unknown key"),
        ({"spare": [0] * 6}, "part.spare: unknown key"),
        ({"inner": {"dept_m": 1}}, "part.inner.dept_m: unknown key; did you mean 'depth_m'?"),
        ({"inner": 3}, "part.inner: expected a table, not 3"),
        ({"altitude_m": "high"}, "part.altitude_m: expected a number from 0 to 100, not 'high'"),
        ({"altitude_m": True}, "part.altitude_m: expected a number from 0 to 100, not true"),
        ({"altitude_m": {}}, "part.altitude_m: expected a number from 0 to 100, not a table"),
        ({"altitude_m": [1.0]}, "part.altitude_m: expected a number from 0 to 100, not 1 value"),
        ({"altitude_m": 100.5}, "part.altitude_m: expected a number from 0 to 100, not 100.5"),
        ({"altitude_m": float("nan")}, "part.altitude_m: expected a number from 0 to 100, not nan"),
        ({"short_m": float("inf")}, "part.short_m: expected a number, not inf"),
        ({"short_m": 1e39}, "part.short_m: expected a number, not 1e+39"),
        ({"rate_radps": -2}, "part.rate_radps: expected a number not below -1, not -2"),
        ({"axis_Nm": [1, 2]}, "part.axis_Nm: expected 3 numbers from 0 to 40, not 2 values"),
        ({"axis_Nm": [1, 2, 41]}, "part.axis_Nm: expected 3 numbers from 0 to 40, not 41"),
        ({"axis_Nm": 1}, "part.axis_Nm: expected 3 numbers from 0 to 40, not 1"),
        ({"count": 2.0}, "part.count: expected an integer from 1 to 9, not 2.0"),
        ({"count": 10**400}, "part.count: expected an integer from 1 to 9"),
        ({"level": 256}, "part.level: expected an integer from 0 to 255, not 256"),
        ({"kind": "round"}, "part.kind: expected one of flat, steep, not 'round'"),
        ({"kind": 1}, "part.kind: expected one of flat, steep, not 1"),
    ],
)
def test_a_bad_entry_is_one_line_that_names_key_and_expectation(table, line):
    with pytest.raises(InputError) as refusal:
        filled(table)
    complaint = str(refusal.value)
    assert complaint.startswith("a.toml: " + line) and "\n" not in complaint


def test_the_longest_finite_number_is_refused_where_it_would_overflow():
    with pytest.raises(InputError, match="expected a number"):
        filled({"short_m": 10**400})


def test_expectations_are_worded_from_the_declaration():
    assert expected(OUTER.fields["spare"]) == "6 integers from 0 to 255"
    assert expected(OUTER.fields["short_m"]) == "a number"
