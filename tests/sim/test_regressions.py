"""What was found once is flown for ever: each file in tests/regressions ends as it says.

A file is a scenario with its seed, its preset, its reason in `doc`, and in `expect` how it ends:
landed where what it had found was fixed, else how it is lost, begun with the word Open or Listed.
"""

from pathlib import Path

import pytest

from sim.evaluation.requirements import REQUIREMENTS, broken
from sim.run.fly import fly
from sim.scenario.load import load
from sim.scenario.schema import AS_FLOWN

KEPT = sorted((Path(__file__).parent.parent / "regressions").glob("*.toml"))
ALWAYS = {each.name for each in REQUIREMENTS if each.always}


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_what_was_found_ends_as_it_is_known_to(path):
    scenario = load(str(path))
    as_flown = scenario.params_name == AS_FLOWN
    expected = scenario.expect_as_flown if as_flown else scenario.expect_verdict
    result = fly(scenario, scenario.seed)
    assert result.verdict == expected
    assert not ALWAYS & set(broken(result.margins))


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_what_was_found_is_named_after_its_file_and_has_a_reason(path):
    scenario = load(str(path))
    assert scenario.name == path.stem
    lost = scenario.params_name != AS_FLOWN and scenario.expect_verdict != "landed"
    assert scenario.doc.startswith(("Open: ", "Listed: ")) == lost
