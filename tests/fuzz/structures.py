"""Logs of any structure, for Hypothesis: nearly right ones, which reach further into the checker than noise does."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st
from judging import RULES, VALID, valid_logs

TOKEN = ":::MLLOG "
LOGS = valid_logs() | {path.stem: path.read_bytes() for path in VALID.parent.glob("mlperf-hpc-3.0.0/*/*.mllog")}
LINES = {name: content.splitlines(keepends=True) for name, content in LOGS.items() if len(content) < 50_000}
POOL = sorted({line for lines in LINES.values() for line in lines if len(line) < 1000})


def _record(line: bytes) -> dict[str, Any] | None:
    """The event of a line; None where it is none, as on purpose in some valid logs."""
    try:
        record = json.loads(line.decode().removeprefix(TOKEN))
    except ValueError:
        return None
    return record if isinstance(record, dict) and isinstance(record.get("metadata"), dict) else None


EVENTS = [record for line in POOL if (record := _record(line)) is not None]

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        ["\ud800", "\x00", "\u2028", "1e999", "max", "min", "success", "aborted", "closed", "slstr_cloud"]
    )
)
JSON = st.recursive(
    SCALARS,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=4), inside, max_size=3),
    max_leaves=10,
)
KEYS = st.sampled_from(sorted(RULES.keys)) | st.text(max_size=12)
NAMES = sorted({name for known in RULES.keys.values() for name in known.metadata_schema.get("properties", ())})


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    """Draw an event of a known key, most of it as it should be."""
    key = draw(KEYS)
    known = RULES.keys.get(key)
    metadata = {"file": "a.py", "lineno": 1, **draw(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4))}
    event = {
        "namespace": "",
        "time_ms": draw(st.integers(0, 3) | st.integers(0, 2**62)),
        "event_type": known.event_type if known else "POINT_IN_TIME",
        "key": key,
        "value": draw(JSON),
        "metadata": metadata,
    }
    if draw(st.integers(0, 4)) == 0:
        event[draw(st.sampled_from(sorted(event)))] = draw(JSON)
    return event


@st.composite
def changed_lines(draw: st.DrawFn) -> bytes:
    """Draw a line of a valid log with something else in one of its places."""
    record = copy.deepcopy(draw(st.sampled_from(EVENTS)))
    part = draw(st.sampled_from([record, record["metadata"]]))
    part[draw(st.sampled_from(sorted(part)))] = draw(JSON)
    return _line(record)


def _line(record: Any) -> bytes:
    return f"{TOKEN}{json.dumps(record)}\n".encode()


@st.composite
def logs(draw: st.DrawFn) -> bytes:
    """Draw a log: the lines of a valid one, in which some are others, strange, doubled, cut or in another place."""
    lines = list(LINES[draw(st.sampled_from(sorted(LINES)))])
    for _ in range(draw(st.integers(0, 6))):
        place = draw(st.integers(0, len(lines)))
        strange = st.sampled_from(POOL) | events().map(_line) | changed_lines() | st.binary(max_size=60)
        lines[place : place + draw(st.integers(0, 2))] = [draw(strange)]
    if draw(st.booleans()):
        at = draw(st.integers(0, len(lines)))
        lines = [*lines[at:], *lines[:at]]
    content = b"".join(lines)
    return content[: draw(st.integers(0, len(content)))] if draw(st.integers(0, 3)) == 0 else content
