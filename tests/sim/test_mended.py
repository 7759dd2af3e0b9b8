"""Faults of an instrument, its clock or its sender are recovered from, and the lander lands.

Each of these was lost while lost samples were bridged, a count of samples was not held against a
clock, exact zeros were used, and the rangefinder was never power-cycled.
"""

import functools

import pytest

from fsw.interface.events import EventCode
from sim.run.fly import fly
from sim.scenario.load import SCENARIOS, load

NOMINAL = (SCENARIOS / "nominal.toml").read_text()


@functools.cache
def flown(fault, folder):
    path = folder / "flight.toml"
    path.write_text(f"{NOMINAL}\n[[faults]]\n{fault}")
    result = fly(load(str(path)), 1)
    names = [
        EventCode.label_of(event.code)
        for event in result.event_records
        if event.code < len(EventCode)
    ]
    return result, names


@pytest.mark.parametrize(
    ("fault", "event"),
    [
        ('kind = "wrong_scale"\nscale = 0.3048\nfrom_altitude_m = 3075', "range_power_cycled"),
        ('kind = "wrong_scale"\nscale = 10\nfrom_altitude_m = 2987', "range_power_cycled"),
        ('kind = "imu_zero"\nstart_s = 285\nend_s = 289', "ignition"),
        ('kind = "pause"\nstart_s = 650\nend_s = 657', "imu_silent"),
        ('kind = "pause"\nstart_s = 730\nend_s = 737', "imu_silent"),
        ('kind = "restart"\noutage_s = 5\nstart_s = 660', "restarted"),
        ('kind = "drop"\nsensor = "imu"\nprobability = 0.5', "imu_gap"),
        ('kind = "stamp_drift"\ndrift = -0.015', "stamps_repaired"),
        ('kind = "stamp_jump"\nsensor = "imu"\njump_s = -7\nstart_s = 600', "imu_clock_repaired"),
    ],
)
def test_it_is_mended(fault, event, tmp_path_factory):
    result, names = flown(fault, tmp_path_factory.mktemp("mended"))
    assert result.verdict == "landed"
    assert event in names
