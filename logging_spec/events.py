"""One event of a log: parse a line, format a line (SPEC.md, section "The line")."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn, cast

TOKEN = ":::MLLOG "

EventType = Literal["INTERVAL_START", "INTERVAL_END", "POINT_IN_TIME"]
EVENT_TYPES: tuple[EventType, ...] = ("INTERVAL_START", "INTERVAL_END", "POINT_IN_TIME")

FIELDS = ("namespace", "time_ms", "event_type", "key", "value", "metadata")
"""The six fields of the JSON object, in the order in which they are written."""


class LineError(ValueError):
    """A line carries the token and is still no event; the message says what is wrong with it."""


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
    """Parse JSON strictly: one object, no duplicate names, no NaN or Infinity, nothing after it.

    Raises:
        LineError: with the reason.
    """
    try:
        record = json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except RecursionError:
        raise LineError("nested too deeply") from None
    except json.JSONDecodeError as error:
        second = " (a second event on the same line?)" if TOKEN.strip() in text else ""
        raise LineError(f"not JSON: {error.msg} at column {error.colno}{second}") from None
    except ValueError as error:
        raise LineError(str(error)) from None
    if not isinstance(record, dict):
        raise LineError(f"expected a JSON object, found {type(record).__name__}")
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
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise LineError(f"name written twice: {', '.join(twice)}")
    return record


def _no_constant(name: str) -> NoReturn:
    raise LineError(f"{name} is not JSON")
