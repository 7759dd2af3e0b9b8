"""Outer shape of scenario and vehicle files; the records own what is inside their tables."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sim.common.errors import InputError
from sim.common.toml_records import nearest

DEFAULT, AS_FLOWN = "default", "as-flown"


class Expect(BaseModel):
    """Expected verdicts: with default parameters, and with the as-flown preset."""

    model_config = ConfigDict(extra="forbid", strict=True)
    verdict: str = "landed"
    as_flown: str = "landed"


class Run(BaseModel):
    """Seed and preset of a scenario that was written for one run."""

    model_config = ConfigDict(extra="forbid", strict=True)
    seed: int = 0
    params: str = DEFAULT


class Outer(BaseModel):
    """Outer shape of a scenario file; the records define the inside of its tables."""

    model_config = ConfigDict(extra="forbid", strict=True)
    name: str
    doc: str
    vehicle: dict[str, Any]
    start: dict[str, Any] = {}
    site: dict[str, Any] = {}
    moon: dict[str, Any] = {}
    terrain: dict[str, Any] = {}
    sensors: dict[str, Any] = {}
    dispersions: dict[str, Any] = {}
    faults: list[Any] = []
    params: dict[str, Any] = {}
    as_flown: dict[str, Any] = {}
    published: dict[str, float] | None = None
    inferred: dict[str, float] = {}
    expect: Expect = Field(default_factory=Expect)
    run: Run = Field(default_factory=Run)


TABLES_OF_OUTER: dict[str, type[BaseModel]] = {"expect": Expect, "run": Run}


class VehicleFile(BaseModel):
    """Outer shape of a vehicle file."""

    model_config = ConfigDict(extra="forbid", strict=True)
    truth: dict[str, Any]
    belief: dict[str, Any]


def read_outer(
    shape: type[BaseModel], document: Mapping[str, Any], where: str
) -> Mapping[str, Any]:
    """The document, after a check of its outer shape. Raises InputError."""
    try:
        shape.model_validate(document)
    except ValidationError as refusal:
        first = refusal.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{where}{key}: {_complaint(first, shape)}") from refusal
    return document


def _complaint(error: Any, shape: type[BaseModel]) -> str:
    match error["type"]:
        case "extra_forbidden":
            inner = TABLES_OF_OUTER.get(error["loc"][0], shape)
            return f"unknown key{nearest(str(error['loc'][-1]), inner.model_fields)}"
        case "missing":
            return "missing"
        case "string_type":
            return "expected a text"
        case "int_type":
            return "expected an integer"
        case "float_type":
            return "expected a number"
        case _:
            return "expected a table"
