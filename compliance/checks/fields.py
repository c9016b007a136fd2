"""From the JSON object of a line to an event: its six fields, each of its kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compliance.event import LoggedEvent
from compliance.finding import Finding
from compliance.rules import Ruleset
from compliance.schemas import is_integer


def check_fields(record: dict[str, Any], line: int, rules: Ruleset) -> Iterator[Finding]:
    """Compare a record with the schema of events."""
    if rules.accepts_event(record):
        return
    from compliance.mismatch import mismatches

    for fault in mismatches(rules.event_schema, record):
        missing = fault.structural and "." not in fault.path
        yield Finding(
            rule="sciml-event-001" if missing else "sciml-event-002",
            line=line,
            where=fault.path,
            expected=fault.expected,
            found=fault.found,
            advice="log with the emitter, which writes every field",
        )


def interpret(record: dict[str, Any], line: int, rules: Ruleset) -> LoggedEvent | None:
    """Return the record's event; None where too little of it is there for any further check."""
    key, time_ms, metadata = record.get("key"), record.get("time_ms"), record.get("metadata")
    if not (isinstance(key, str) and key and is_integer(time_ms) and isinstance(metadata, dict) and "value" in record):
        return None
    known, value = rules.keys.get(key), record["value"]
    sound = known is not None and known.accepts_value(value) and known.accepts_metadata(metadata)
    return LoggedEvent(line, time_ms, record.get("event_type"), key, value, metadata, sound)
