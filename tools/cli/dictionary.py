"""`leadline dictionary`: every record, field, unit, packet and event, from the declarations."""

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fsw.framework.record import REGISTRY, Field, Record, layout
from fsw.interface.events import EventCode
from hil.wire.messages import MESSAGES
from hil.wire.wire_schema import wire_schema_sha256
from sim.common.toml_records import UNITS, expected, unit_of
from tools.output.console import console, emit


def describe() -> dict[str, Any]:
    """The whole dictionary as plain values."""
    return {
        "schema_sha256": wire_schema_sha256(),
        "packets": [
            {
                "apid": message.apid,
                "record": message.name,
                "way": message.direction.value,
                "payload_bytes": message.size,
                "packet_bytes": message.packet_size,
            }
            for message in MESSAGES
        ],
        "events": [
            {
                "code": int(event),
                "name": event.label,
                "severity": event.severity.label,
                "wording": event.wording,
            }
            for event in EventCode
        ],
        "records": [_record(record) for record in REGISTRY.values()],
    }


def show_dictionary(as_json: bool) -> int:
    """Print the dictionary; returns the exit status."""
    whole = describe()
    if as_json:
        emit(whole)
        return 0
    out = console(as_json)
    _print_packets(out, whole)
    _print_events(out, whole)
    for record in whole["records"]:
        _print_record(out, record)
    return 0


def _record(record: Record) -> dict[str, Any]:
    offsets = layout(record.dtype)
    return {
        "name": record.name,
        "doc": record.doc,
        "bytes": record.dtype.itemsize,
        "fields": [_field(key, field, offsets[key][1]) for key, field in record.fields.items()],
    }


def _field(key: str, field: Field, offset: int) -> dict[str, Any]:
    return {
        "name": key,
        "type": field.type,
        "shape": list(field.shape),
        "offset": offset,
        "unit": UNITS.get(unit_of(key), ""),
        "takes": "" if field.record else expected(field),
        "doc": field.doc,
    }


def _print_packets(out: Console, whole: dict[str, Any]) -> None:
    out.print(Text(f"Packets, schema {whole['schema_sha256'][:16]}", style="bold"))
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("APID", "record", "way", "payload", "packet"):
        table.add_column(heading)
    for packet in whole["packets"]:
        sizes = (f"{packet['payload_bytes']} B", f"{packet['packet_bytes']} B")
        table.add_row(f"0x{packet['apid']:03X}", packet["record"], packet["way"], *sizes)
    out.print(table, "")


def _print_events(out: Console, whole: dict[str, Any]) -> None:
    out.print(Text("Events", style="bold"))
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("code", "event", "severity", "wording"):
        table.add_column(heading)
    for event in whole["events"]:
        cells = (event["name"], event["severity"], event["wording"])
        table.add_row(str(event["code"]), *(Text(cell) for cell in cells))
    out.print(table, "")


def _print_record(out: Console, record: dict[str, Any]) -> None:
    out.print(Text.assemble((record["name"], "bold"), f"  {record['bytes']} B. {record['doc']}"))
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("offset", "type", "field", "unit", "meaning"):
        table.add_column(heading, overflow="fold")
    for field in record["fields"]:
        shape = "x".join(str(n) for n in field["shape"])
        kind = f"{field['type']}[{shape}]" if shape else field["type"]
        table.add_row(
            str(field["offset"]),
            *(Text(t) for t in (kind, field["name"], field["unit"], field["doc"])),
        )
    out.print(table, "")
