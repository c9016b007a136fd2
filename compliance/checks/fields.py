"""From the JSON object of a line to an event: its six fields, each of its kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compliance.finding import Finding
from compliance.rules import Ruleset
from compliance.schemas import is_integer
from logging_spec.events import FIELDS


def check_fields(record: dict[str, Any], line: int, rules: Ruleset) -> Iterator[Finding]:
    """Compare a record with the schema of events."""
    if rules.accepts_event(record):
        return
    from compliance.mismatch import mismatches

    for fault in mismatches(rules.event_schema, record):
        missing = fault.structural and "." not in fault.path
        yield Finding(
            rule="event-001" if missing else "event-002",
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
