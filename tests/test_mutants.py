"""The mutants still fit the sources, and the last run of them is of today and killed them all."""

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from tests.mutants.judging import (
    BROKEN,
    KILLED,
    SURVIVED,
    broken_source,
    code_of,
    key_of,
    verdict_of,
)
from tests.mutants.results import results
from tests.mutants.table import COMPARERS, FLIGHT, INJECTOR, MUTANTS

ROOT = Path(__file__).parents[1]
each_mutant = pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)


def test_there_are_breaks_of_flight_software_injector_and_comparers():
    assert len(MUTANTS) >= 12 and min(map(len, (FLIGHT, INJECTOR, COMPARERS))) >= 3
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


@each_mutant
def test_a_break_still_fits_its_file_and_is_still_python(mutant):
    assert ast.parse(broken_source(mutant))


def test_a_break_that_no_longer_fits_is_named():
    gone = replace(FLIGHT[0], name="gone", line="no such line")
    with pytest.raises(ValueError, match=f"gone: {gone.file} has this 0 times"):
        broken_source(gone)


def test_a_result_is_stale_once_the_break_is_another():
    assert key_of(replace(FLIGHT[0], broken="pass")) != key_of(FLIGHT[0])


@each_mutant
def test_the_test_that_is_there_to_notice_it_exists(mutant):
    path, name = mutant.test.split("::")
    assert f"def {name}(" in (ROOT / path).read_text()


NAME = FLIGHT[0].test.rpartition("::")[2]
PASSED = f'<testcase name="{NAME}[a]"/>'
FAILED = f'<testcase name="{NAME}[b]"><failure message="{{}}"/></testcase>'
ERROR = f'<testcase name="{NAME}"><error message="ImportError: no"/></testcase>'


@pytest.mark.parametrize(
    ("cases", "end"),
    [
        (PASSED, SURVIVED),
        (PASSED + FAILED.format("assert 1 == 2"), KILLED),
        (FAILED.format("AssertionError: no"), KILLED),
        (FAILED.format("Failed: DID NOT RAISE ValueError"), KILLED),
        (FAILED.format("assert 1 == 2") + FAILED.format("TypeError: no"), BROKEN),
        (FAILED.format("assert 1 == 2") + ERROR, BROKEN),
        (FAILED.format("assert 1 == 2").replace(NAME, "another_test"), BROKEN),
        ("", BROKEN),
    ],
)
def test_only_an_assertion_of_the_named_test_kills(tmp_path, cases, end):
    report = tmp_path / "report.xml"
    report.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    assert verdict_of(FLIGHT[0], report)[0] == end


def test_the_last_run_is_of_today_and_killed_them_all():
    last = results()
    stale = [m.name for m in MUTANTS if last.get(m.name, {}).get("key") != key_of(m)]
    assert stale == [], "run `python -m tests.mutants` and commit what it found"
    assert {name: found["end"] for name, found in last.items() if found["end"] != KILLED} == {}


def test_a_comment_or_a_docstring_makes_no_result_stale():
    plain = b"def f(x):\n    return x + 1\n"
    worded = b'"""Module."""\n\n# why\ndef f(x):  # how\n    """What."""\n\n    return x + 1\n'
    assert code_of(plain) == code_of(worded)
    assert code_of(plain) != code_of(plain.replace(b"1", b"2"))
    assert code_of(b'x = "# no comment"\n') != code_of(b'x = "# none"\n')
