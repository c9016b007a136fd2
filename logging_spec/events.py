"""One event of a log: parse a line, format a line (SPEC.md, section "The line")."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn, cast

TOKEN = ":::MLLOG "  # noqa: S105 - the mark of an event line is no secret

EventType = Literal["INTERVAL_START", "INTERVAL_END", "POINT_IN_TIME"]
EVENT_TYPES: tuple[EventType, ...] = ("INTERVAL_START", "INTERVAL_END", "POINT_IN_TIME")

FIELDS = ("namespace", "time_ms", "event_type", "key", "value", "metadata")
"""The six fields of the JSON object, in the order in which they are written."""


MAX_LINE_BYTES = 1 << 16
"""Longest line of a log, its line feed included."""

MAX_DEPTH = 32
"""Deepest nesting of objects and arrays in one event."""

MAX_INTEGER_DIGITS = 19
"""Digits of the largest integer, which has to fit into 64 bits."""


class LineError(ValueError):
    """A line carries the token and is still no event; the message says what is wrong with it."""

    def __init__(self, message: str, *, rule: str = "line-002") -> None:
        """Keep the fault beside the message: the end of the id of the rule in SPEC.md that the line breaks."""
        super().__init__(message)
        self.rule = rule


@dataclass(frozen=True, kw_only=True)
class Event:
    """One logged event."""

    key: str
    """What is logged; the registry in keys.json says what each key means."""

    value: Any
    """Any JSON value; its type and unit are the key's."""

    time_ms: int
    """Wall-clock time in milliseconds since 1970-01-01 UTC."""

    event_type: EventType
    """Start of an interval, its end, or a point in time."""

    namespace: str = ""
    """Free text that tells apart writers; nothing is judged by it."""

    metadata: dict[str, Any] = field(default_factory=dict)
    """`file` and `lineno` of the caller, `rank`, `mono_ns`, and what the key asks for."""


def format_line(event: Event) -> str:
    """Format one event as the line of a log, without a line end.

    Raises:
        ValueError: the value or the metadata hold something that is not JSON (NaN and Infinity are not).
    """
    record = {name: getattr(event, name) for name in FIELDS}
    return TOKEN + json.dumps(record, allow_nan=False, ensure_ascii=True)


def parse_line(line: str) -> Event | None:
    """Read one line of a log.

    Text before the token is ignored, because launchers put a rank in front of lines.

    Returns:
        The event, or None where the line carries no token.

    Raises:
        LineError: the line carries the token but is not exactly one well-formed event.
    """
    start = line.find(TOKEN)
    if start < 0:
        return None
    record = parse_object(line[start + len(TOKEN) :].strip())
    missing = [name for name in FIELDS if name not in record]
    if missing:
        raise LineError(f"fields missing: {', '.join(missing)}")
    _require_types(record)
    return Event(
        namespace=record["namespace"],
        time_ms=record["time_ms"],
        event_type=cast(EventType, record["event_type"]),
        key=record["key"],
        value=record["value"],
        metadata=record["metadata"],
    )


def parse_object(text: str) -> dict[str, Any]:
    """Parse JSON strictly: one object, no name twice, finite numbers, 64-bit integers, 32 levels, nothing after it.

    Raises:
        LineError: with the reason, and the rule that is broken.
    """
    try:
        record = _DECODER.decode(text)
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError as error:
        raise LineError(f"not JSON: {error.msg} at column {error.colno}") from None
    if not isinstance(record, dict):
        raise LineError(f"not an object but a JSON {type(record).__name__}")
    if text.count("{") + text.count("[") > MAX_DEPTH and _depth(record) > MAX_DEPTH:
        raise _too_deep()
    return record


def _require_types(record: dict[str, Any]) -> None:
    if type(record["time_ms"]) is not int:
        raise LineError(f"time_ms: expected an integer, found {record['time_ms']!r}")
    if record["event_type"] not in EVENT_TYPES:
        raise LineError(f"event_type: expected one of {', '.join(EVENT_TYPES)}, found {record['event_type']!r}")
    for name, kind in (("namespace", str), ("key", str), ("metadata", dict)):
        if not isinstance(record[name], kind):
            raise LineError(f"{name}: expected {kind.__name__}, found {record[name]!r}")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        twice = sorted(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise LineError(f"name written twice: {', '.join(twice)}", rule="line-003")
    return record


def _no_constant(name: str) -> NoReturn:
    raise LineError(f"{name} is not JSON", rule="line-004")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise LineError(f"{text[:24]} is larger than any 64-bit number", rule="line-004")
    return number


def _integer(text: str) -> int:
    # The length is looked at first, because reading a long number takes time that grows with its square.
    if len(text) > MAX_INTEGER_DIGITS + 1 or not -(2**63) <= int(text) < 2**63:
        raise LineError(f"{text[:24]} does not fit into a 64-bit integer", rule="line-004")
    return int(text)


def _depth(record: dict[str, Any]) -> int:
    """Return how deep objects and arrays are nested; `record` alone is 1."""
    depth = 0
    level: list[Any] = [record]
    while level:
        depth += 1
        inside = (item.values() if isinstance(item, dict) else item for item in level)
        level = [item for items in inside for item in items if isinstance(item, (dict, list))]
    return depth


def _too_deep() -> LineError:
    return LineError(f"nested more than {MAX_DEPTH} levels deep", rule="line-005")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_no_duplicates, parse_constant=_no_constant, parse_float=_finite, parse_int=_integer
)
