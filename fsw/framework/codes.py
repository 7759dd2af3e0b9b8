"""Codes: small integers with names, each list declared once as an enumeration.

A record stores a code as an integer, and a kernel compares it with a member by value. Logs, the
interface control document, tables and scenario files print and read the label: the member's name
in lower case. Values are part of the wire schema.
"""

from enum import IntEnum
from typing import Self


class Code(IntEnum):
    """Base of every list of codes."""

    @property
    def label(self) -> str:
        """Name in texts and files: the member's name in lower case."""
        return self.name.lower()

    @classmethod
    def labels(cls) -> tuple[str, ...]:
        """All labels, in the order of their codes."""
        return tuple(member.label for member in cls)

    @classmethod
    def label_of(cls, code: int) -> str:
        """Label of a code, or its number where this list has none: a newer sender may have more."""
        member = cls._value2member_map_.get(code)
        return member.label if isinstance(member, Code) else str(code)

    @classmethod
    def of(cls, label: str) -> Self:
        """The member with a label. Raises KeyError where there is none."""
        return cls[label.upper()]


CodeList = type[Code]


def with_first(name: str, first: str, codes: type[Code]) -> type[Code]:
    """A list of codes that begins with one more member, the others one up."""
    members = {member: value for value, member in enumerate((first, *codes.__members__))}
    return Code(name, members)  # type: ignore[arg-type, call-arg, return-value]
