"""The quick way from a line to its event, for lines that are as most lines are.

A line is read quickly where nothing about it can be in doubt: the token stands at its start and nowhere else, and what
follows is one flat JSON object of the six fields, each of its kind, with no name twice and no number beyond 64 bits.
Every other line gives None, and is read by the exact parser (`logging_spec.events`), which also puts faults into words.
A test holds the two to the same answers.
"""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

from logging_spec.events import FIELDS, TOKEN, EventType

START = TOKEN.encode()
START_BYTES = len(START)
COLONS = START.count(b":")

SPACED_COLON = re.compile(rb'"[ \t\r]+:')
"""A name may be followed by spaces before its colon, which no encoder writes."""

Integer = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Scalar = Integer | float | str | bool | None
Flat = Scalar | list[Scalar] | dict[str, Scalar]


class Record(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """An event as it stands in its line; the fields are those of event.schema.json."""

    namespace: str
    time_ms: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
    event_type: EventType
    key: Annotated[str, msgspec.Meta(min_length=1)]
    value: Flat
    metadata: dict[str, Scalar | list[Scalar]]


_decode = msgspec.json.Decoder(Record).decode


def read_quickly(raw: bytes) -> Record | None:
    """Read a line, without its line feed, where that can be done without doubt."""
    if not raw.startswith(START):
        return None
    try:
        record = _decode(raw[START_BYTES:])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    names = len(FIELDS) + len(record.metadata)
    if type(record.value) is dict:
        names += len(record.value)
    # Each name has a colon after it. Where there are no more colons than names were kept, no name stood twice.
    if raw.count(b":") == COLONS + names or _has_each_name_once(raw, names):
        return record
    return None


def _has_each_name_once(raw: bytes, names: int) -> bool:
    """Count names where texts hold colons too: without a backslash, every quotation mark begins or ends a text."""
    plain = b"\\" not in raw and raw.find(START, START_BYTES) < 0
    return plain and not SPACED_COLON.search(raw) and raw.count(b'":') == names
