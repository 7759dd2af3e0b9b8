"""The table of fault kinds against the tables and kernels that cannot be derived from it."""

import re
from pathlib import Path

import pytest

from sim.faults.envelope import read_envelope
from sim.faults.reader import WINDOW
from sim.faults.table import FAULT, KINDS, SENSOR_GROUP, FaultGroup, FaultKind, Sensor
from sim.scenario.load import HOME

# fields of a row that say what it is and what it affects, not how much
ADDRESS = ("kind", "sensor", "spare")
KERNEL_FILES = [*(HOME / "faults").glob("*.py"), *(HOME / "plant").glob("*.py")]
KERNEL_FILES += [*(HOME / "sensors").glob("*.py"), HOME.parent / "hil" / "bench" / "wire_faults.py"]


def kinds_named_in(paths: list[Path]) -> set[str]:
    """Labels of the kinds that these files name as members of FaultKind."""
    texts = "".join(path.read_text() for path in paths)
    return {name.lower() for name in re.findall(r"FaultKind\.([A-Z_]+)\b", texts)}


def test_every_kind_is_done_by_some_code():
    assert set(FaultKind.labels()) - kinds_named_in(KERNEL_FILES) == set()


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_uses_fields_of_a_row_and_affects_known_sensors(name):
    kind = KINDS[name]
    assert set(kind.magnitudes) <= set(FAULT.fields) - {*WINDOW, *ADDRESS}
    assert set(kind.sensors) <= set(Sensor.labels())
    assert set(kind.contradicts) <= set(KINDS) - {name}


def test_every_field_of_a_row_is_used_by_a_kind():
    used = {magnitude for kind in KINDS.values() for magnitude in kind.magnitudes}
    assert set(FAULT.fields) == used | {*WINDOW, *ADDRESS}


def test_every_group_has_a_kind_and_every_sensor_a_group():
    assert {kind.group for kind in KINDS.values()} == set(FaultGroup)
    assert set(SENSOR_GROUP) == set(Sensor)


@pytest.mark.parametrize("group", FaultGroup, ids=lambda group: group.label)
def test_a_group_sends_by_known_sensors_and_has_a_block_of_the_report(group):
    assert set(group.spec.senders) <= set(Sensor.labels())
    assert group.spec.report and not (group.spec.misleads and group.spec.persists)


def test_every_timing_fault_of_every_sensor_is_in_the_envelope_or_excluded_with_a_reason():
    labels = {
        f"{name}:{sensor}" if len(kind.sensors) > 1 else name
        for name, kind in KINDS.items()
        if kind.group == FaultGroup.TIMING
        for sensor in kind.sensors or ("",)
    }
    envelope = read_envelope()
    assert labels == {*envelope.inside, *envelope.outside}
