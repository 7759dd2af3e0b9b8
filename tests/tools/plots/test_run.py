"""A picture shows what the log holds, and a request that cannot be drawn gets one line."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from hil.log.reader import open_log
from hil.log.recorder import Recorder
from sim.common.errors import InputError
from tests.hil.flights import DESCRIPTION, record, record_talk
from tools.plots.run import OUTCOMES, _envelope, _outcomes, _read, plot_log


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("plots")


@pytest.fixture(scope="module")
def flight(folder):
    path = folder / "flight.mcap"
    record(path)
    return path


def test_a_png_is_wide_enough_to_read(folder, flight):
    data = plot_log(flight, folder / "run.png").read_bytes()
    assert data.startswith(b"\x89PNG\r\n")
    assert int.from_bytes(data[16:20], "big") >= 900


def test_an_svg_is_well_formed_and_the_same_each_time(folder, flight):
    first = plot_log(flight, folder / "one.svg").read_bytes()
    assert ElementTree.fromstring(first).tag.endswith("svg")
    assert plot_log(flight, folder / "two.svg").read_bytes() == first


def test_every_range_that_was_seen_has_one_outcome(flight):
    log = open_log(flight)
    seen = int(np.sum(log.table("range").sample.range_m > 0))
    outcomes = dict(zip((label for label, *_ in OUTCOMES), _outcomes(_read(flight)), strict=True))
    assert sum(len(at_s) for at_s, _ in outcomes.values()) == seen > 0
    assert len(outcomes["fused"][0]) > 0 and len(outcomes["held until others agree"][0]) > 0


def test_fused_ranges_agree_with_the_belief_to_their_noise(flight):
    fused = _outcomes(_read(flight))[0][1]
    settled = fused[len(fused) // 2 :]
    assert abs(float(np.mean(settled))) < 10.0
    assert float(np.max(np.abs(settled))) < 60.0


def test_the_curve_is_the_cap_that_the_flight_software_computed(flight):
    shown = _read(flight)
    telemetry = open_log(flight).table("telemetry")
    late = telemetry[len(telemetry) // 2 :]
    cap = _envelope(shown, late.altitude_lo_m.astype(float))
    assert cap == pytest.approx(late.v_cap_mps, rel=0.02)


def test_latencies_are_drawn_where_a_session_recorded_them(folder, flight):
    talk = folder / "talk.mcap"
    record_talk(talk)
    heights = []
    for log in (flight, talk):
        svg = plot_log(log, folder / "panels.svg").read_text()
        heights.append(float(re.search(r'height="([0-9.]+)pt"', svg).group(1)))
    assert heights[1] > heights[0]


@pytest.mark.parametrize("name", ["run.pdf", "run", "run.png.gz"])
def test_another_kind_of_picture_is_refused_in_a_line(folder, flight, name):
    with pytest.raises(InputError, match="ends in .png or .svg"):
        plot_log(flight, folder / name)


def test_a_folder_that_is_not_there_is_refused_in_a_line(folder, flight):
    with pytest.raises(InputError, match="cannot be written"):
        plot_log(flight, folder / "no" / "run.png")


def test_a_log_without_a_flight_is_refused_in_a_line(folder):
    path = folder / "empty.mcap"
    with Recorder(path, DESCRIPTION):
        pass
    with pytest.raises(InputError, match="nothing to draw"):
        plot_log(path, folder / "empty.png")
