"""A channel's messages are a record's bytes, and what would not decode equal is refused."""

import numpy as np
import pytest
from mcap_ros2._dynamic import generate_dynamic

from fsw.framework.record import REGISTRY, Field, Record, f32, f64, i64, record, u8, u16, u32
from hil.log.channels import CHANNELS
from hil.log.ring_kernels import CDR_HEADER
from hil.log.ros2msg import check_cdr, schema_name, schema_text


def declare(name, doc, /, **fields):
    """A record that the project's own lists do not contain."""
    declared = record(name, doc, **fields)
    del REGISTRY[name]
    return declared


INNER = declare(
    "LogTestInner", "Inner.", at_ns=i64("time"), share=f32("a"), count=u16("b"), flag=u8("c", 2)
)
OUTER = declare(
    "LogTestOuter",
    "Outer, with arrays of records, a matrix, and 8 bytes after smaller fields.",
    small=u32("first", 2),
    inner=INNER("records", 3),
    P_m2=f64("matrix", (2, 3)),
    one=INNER("a record"),
    end=u8("last", 8),
)


def decoded(declared: Record, row: np.void):
    decode = generate_dynamic(schema_name(declared), schema_text(declared))
    return decode[schema_name(declared)](CDR_HEADER + row.tobytes())


def assert_equal_fields(declared: Record, row, message) -> None:
    for name, field in declared.fields.items():
        ours, theirs = row[name], getattr(message, name.lower())
        if field.record:
            pairs = zip(ours, theirs, strict=True) if field.shape else [(ours, theirs)]
            for inner, other in pairs:
                assert_equal_fields(field.record, inner, other)
        elif field.shape:
            theirs = np.frombuffer(theirs, field.base) if isinstance(theirs, bytes) else theirs
            assert np.array_equal(np.ravel(ours), np.asarray(theirs, field.base))
        else:
            assert ours == field.base.type(theirs)


def filled(declared: Record, seed: int):
    """A record of finite values: bytes below 64 keep floats small and integers in range."""
    size = declared.dtype.itemsize
    data = np.random.default_rng(seed).integers(1, 64, size, np.uint8)
    return np.frombuffer(data.tobytes(), declared.dtype)[0]


@pytest.mark.parametrize(
    "declared", [INNER, OUTER, *{c.record.name: c.record for c in CHANNELS}.values()]
)
def test_ros_tools_decode_every_channel_to_equal_fields(declared):
    row = filled(declared, len(declared.name))
    assert_equal_fields(declared, row, decoded(declared, row))


def test_eight_byte_fields_out_of_step_are_refused():
    dtype = np.dtype([("a", "<u4"), ("b", "<f8")])  # packed, as memory from elsewhere may be
    fields = {"a": Field("u32", "a"), "b": Field("f64", "b")}
    with pytest.raises(ValueError, match="b stands at byte 4, CDR expects 8"):
        check_cdr(Record("Packed", "Packed.", fields, dtype))


def test_padding_at_the_end_is_refused():
    dtype = np.dtype([("a", "<f8"), ("b", "<u4")], align=True)
    fields = {"a": Field("f64", "a"), "b": Field("u32", "b")}
    with pytest.raises(ValueError, match="CDR ends at 12"):
        check_cdr(Record("Padded", "Padded.", fields, dtype))


@pytest.mark.parametrize("name", ["_hidden", "end_", "two__bars", "9lives"])
def test_names_that_ros_refuses_are_refused(name):
    with pytest.raises(ValueError, match="no legal ROS 2 field name"):
        check_cdr(declare("BadName", "Bad.", **{name: f64("a")}))


def test_names_that_differ_in_case_only_are_refused():
    with pytest.raises(ValueError, match="differ in case only"):
        check_cdr(declare("TwoCases", "Two.", v_B_mps=f64("a"), v_b_mps=f64("b")))
