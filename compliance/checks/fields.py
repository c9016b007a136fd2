"""From the JSON object of a line to an event: its six fields, each of its kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compliance.finding import Finding
from compliance.rules import Ruleset
from compliance.schemas import Schema, is_integer
from logging_spec.events import FIELDS


def check_fields(record: dict[str, Any], line: int, rules: Ruleset) -> Iterator[Finding]:
    """Compare a record with the schema of events, and with what an event should be besides."""
    if not rules.accepts_event(record):
        yield from _compared(record, line, rules.event_schema, ("event-001", "event-002"))
    elif not rules.accepts_strictly(record):
        yield from _compared(record, line, rules.strict_event_schema, ("event-004", "event-005"))


def _compared(record: dict[str, Any], line: int, schema: Schema, faults: tuple[str, str]) -> Iterator[Finding]:
    from compliance.mismatch import mismatches

    for fault in mismatches(schema, record):
        missing = fault.structural and "." not in fault.path
        yield Finding(
            rule=faults[0] if missing else faults[1],
            line=line,
            where=fault.path,
            expected=fault.expected,
            found=fault.found,
            advice="log with the emitter, which writes every field",
        )


def as_dict(record: Any) -> dict[str, Any]:
    """Return the JSON object of a record that was read quickly."""
    return {field: getattr(record, field) for field in FIELDS}


def is_event(record: dict[str, Any]) -> bool:
    """Say whether enough of an event is there for further checks."""
    key = record.get("key")
    if not (isinstance(key, str) and key and "value" in record):
        return False
    return is_integer(record.get("time_ms")) and isinstance(record.get("metadata"), dict)


def as_stock_tools(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record as MLPerf's tools take it: any time that is a number in Python, and metadata of any kind."""
    time_ms: Any = record.get("time_ms")
    metadata = record.get("metadata")
    if not is_integer(time_ms):
        try:
            time_ms = round(float(time_ms))
        except (TypeError, ValueError, OverflowError):
            time_ms = None
    if "metadata" in record and not isinstance(metadata, dict):
        metadata = {}
    return {**record, "time_ms": time_ms, "metadata": metadata}
