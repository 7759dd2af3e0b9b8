"""The flight software's README names files, sub-packages and terms that exist."""

import re
from pathlib import Path

import pytest

ROOM = Path(__file__).parents[2] / "fsw"
TEXT = (ROOM / "README.md").read_text()
TERMS = ("latency", "gate", "innovation", "checkpoint", "slant range", "PDI", "FDIR", "record")


def named_files(text):
    """Paths in backquotes that end in .py."""
    return re.findall(r"`([\w/]+\.py)`", text)


def glossary(text):
    """Term -> owning file, for every row of the glossary."""
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| `([^`]+)` \|$", text, re.MULTILINE)
    return {term: owner for term, owner in rows}


@pytest.mark.parametrize("name", sorted(set(named_files(TEXT))))
def test_a_file_that_is_named_exists(name):
    assert (ROOM / name).is_file()


def test_every_sub_package_has_a_line():
    lines = re.findall(r"^\| `(\w+)/` \|", TEXT, re.MULTILINE)
    assert sorted(lines) == sorted(path.parent.name for path in ROOM.glob("*/__init__.py"))


def test_the_glossary_has_two_dozen_terms_in_order_each_with_its_owner():
    terms = list(glossary(TEXT))
    assert len(terms) >= 24
    assert terms == sorted(terms, key=str.lower)
    assert all(owner in named_files(TEXT) for owner in glossary(TEXT).values())
    assert all(any(term == t.split(" (")[0] for t in terms) for term in TERMS)


def test_a_row_of_the_glossary_is_read():
    assert glossary("| gate | a limit | `filter/range_gate.py` |") == {
        "gate": "filter/range_gate.py"
    }
