"""Table: a record is its declaration and nothing else."""

import importlib
import math
import pkgutil

import numpy as np
import pytest

import fsw
from fsw.framework import record as module
from fsw.framework.record import Record, f32, f64, i64, record, u8, u16, u32


@pytest.fixture(autouse=True)
def registry(monkeypatch):
    """Declare records of our own without a trace."""
    known = dict(module.REGISTRY)
    monkeypatch.setattr(module, "REGISTRY", known)
    return known


@pytest.fixture
def pair():
    inner = record("Inner", "Inner.", a=f64("a", default=2.5), b=u32("b", 2, default=(7, 8)))
    return record(
        "Outer", "Outer.", t_ns=i64("t"), inner=inner("one"), many=inner("some", 3), c=f64("c", 2)
    )


# --- layout ------------------------------------------------------------------------------


def test_padding_before_a_field_is_refused_by_name():
    with pytest.raises(ValueError, match="record Holed: 7 bytes of padding before b"):
        record("Holed", "Bad.", a=u8("byte"), b=f64("eight bytes"))


def test_padding_at_the_end_is_refused():
    with pytest.raises(ValueError, match="record Short: 6 bytes of padding at the end"):
        record("Short", "Bad.", a=f64("eight bytes"), b=u16("two"))


def test_padding_around_a_nested_record_is_refused():
    inner = record("Inner", "Inner.", a=f64("eight bytes"))
    with pytest.raises(ValueError, match="record Outer: 4 bytes of padding before inner"):
        record("Outer", "Bad.", a=f32("four"), inner=inner("nested"))


def test_a_refused_record_is_not_registered(registry):
    with pytest.raises(ValueError):
        record("Holed", "Bad.", a=u8("byte"), b=f64("eight bytes"))
    assert "Holed" not in registry
    made = record("Sound", "Good.", a=f64("eight bytes"))
    assert registry["Sound"] is made


def test_fields_lie_in_the_order_in_which_they_are_declared(pair):
    assert pair.dtype.names == ("t_ns", "inner", "many", "c")
    assert [pair.dtype.fields[name][1] for name in pair.dtype.names] == [0, 8, 24, 72]
    assert pair.dtype.itemsize == 88


# --- new records -------------------------------------------------------------------------


def test_a_new_record_has_its_defaults_nested_ones_too(pair):
    made = pair.new()
    assert (made.t_ns, made.inner.a, list(made.inner.b)) == (0, 2.5, [7, 8])
    assert [row.a for row in made.many] == [2.5] * 3
    assert made.many["b"].tolist() == [[7, 8]] * 3
    assert list(made.c) == [0.0, 0.0]


def test_values_given_override_defaults(pair):
    made = pair.new(t_ns=5, c=(1.0, 2.0))
    assert (made.t_ns, list(made.c), made.inner.a) == (5, [1.0, 2.0], 2.5)


def test_new_records_share_no_memory(pair):
    first, second = pair.new(), pair.new()
    first.inner.a, first.many[1].a = 1.0, 1.0
    assert (second.inner.a, second.many[1].a, pair.new().inner.a) == (2.5, 2.5, 2.5)


def test_every_row_of_an_array_has_the_defaults(pair):
    rows = pair.array(4, t_ns=(1, 2, 3, 4))
    assert [row.t_ns for row in rows] == [1, 2, 3, 4]
    assert [row.many[2].a for row in rows] == [2.5] * 4


def test_bytes_make_a_record_again_that_can_be_written_to(pair):
    made = pair.new(t_ns=77)
    made.many[2].b = (1, 2)
    data = made.tobytes()
    again = pair.from_bytes(data)
    assert again.tobytes() == data
    again.t_ns = 78
    assert (made.t_ns, data) == (77, made.tobytes())


# --- leaves ------------------------------------------------------------------------------


def test_leaves_are_named_by_their_path_and_stand_at_their_offset(pair):
    assert [(path, offset) for path, _, offset in pair.leaves()] == [
        ("t_ns", 0),
        ("inner.a", 8),
        ("inner.b", 16),
        ("many[0].a", 24),
        ("many[0].b", 32),
        ("many[1].a", 40),
        ("many[1].b", 48),
        ("many[2].a", 56),
        ("many[2].b", 64),
        ("c", 72),
    ]


def flight_records():
    for found in pkgutil.iter_modules(fsw.__path__):
        importlib.import_module(f"fsw.{found.name}")
    return {name: made for name, made in module.REGISTRY.items() if isinstance(made, Record)}


def test_leaves_cover_every_byte_of_every_flight_record_once():
    for made in flight_records().values():
        end = 0
        for path, field, offset in made.leaves():
            assert offset == end, f"{made.name}.{path}"
            end += field.base.itemsize * math.prod(field.shape)
        assert end == made.dtype.itemsize, made.name


# --- what is declared --------------------------------------------------------------------


def test_every_default_is_legal():
    outside = [
        f"{made.name}.{path}"
        for made in flight_records().values()
        for path, field, _ in made.leaves()
        if np.any(np.asarray(field.default) < field.lo)
        or np.any(np.asarray(field.default) > field.hi)
    ]
    assert outside == []


def test_every_flight_field_has_a_doc():
    silent = [
        f"{made.name}.{name}"
        for made in flight_records().values()
        for name, field in made.fields.items()
        if not field.doc.strip()
    ]
    assert silent == []
