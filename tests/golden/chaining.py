"""Put the hash chain of SPEC.md, section 2.1, into a log: an own reading of the text, without the suite's code."""

from __future__ import annotations

import hashlib
import json
from typing import Any

Record = dict[str, Any]

HARNESS = "harness"


def chained(records: list[Record], *, rank0_links: bool = True) -> list[bytes]:
    """Return the lines of a log with links and its seal.

    Args:
        records: the events; those that a file of the harness logged are the harness's.
        rank0_links: whether rank 0 writes links.
    """
    ends = {True: "0" * 64, False: "0" * 64}
    seal, lines = hashlib.sha256(), []
    for record in [*records, _unsealed(records)]:
        harness = record["metadata"]["file"].startswith(HARNESS)
        if record["key"] == "log_seal":
            record["value"] = seal.hexdigest()
        if harness or rank0_links:
            record["metadata"]["previous_sha256"] = ends[harness]
        line = b":::MLLOG " + json.dumps(record, ensure_ascii=False).encode() + b"\n"
        ends[harness] = hashlib.sha256(line).hexdigest()
        if not harness:
            seal.update(line)
        lines.append(line)
    return lines


def place(lines: list[bytes], key: str) -> int:
    """Return the index of the first line with a key."""
    return next(number for number, line in enumerate(lines) if f'"key": "{key}"'.encode() in line)


def _unsealed(records: list[Record]) -> Record:
    last = max(record["time_ms"] for record in records)
    count = sum(not record["metadata"]["file"].startswith(HARNESS) for record in records)
    where = {
        "file": "harness/harness_log.py",
        "lineno": 90,
        "rank": 0,
        "events_file": "rank00000.mllog",
        "lines": count,
    }
    return {
        "namespace": "", "time_ms": last + 1, "event_type": "POINT_IN_TIME", "key": "log_seal", "value": "",
        "metadata": where,
    }  # fmt: skip
