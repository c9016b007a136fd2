"""Recordings made up to the letter: the lines that a sampler would write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[4]
STUB_SOURCE = ROOT / "tests/nvml_stub/nvml_stub.c"
WALL_NS = 1_800_000_000_000_000_000
MONO_NS = 5_000_000_000_000


def times(second: float, *, stepped_s: float = 0.0) -> dict[str, int]:
    """Both clocks `second` after the start of a recording, the wall clock having been set by `stepped_s`."""
    passed_ns = round(second * 1e9)
    return {"wall_ns": WALL_NS + passed_ns + round(stepped_s * 1e9), "mono_ns": MONO_NS + passed_ns}


def header(host: str = "node-a", /, **sources: Any) -> dict[str, Any]:
    """The first line of a recording."""
    return {
        "type": "header",
        "format_version": 1,
        "host": host,
        "boot_id": None,
        "run_id": "run",
        "pid": 2,
        "parent_pid": 1,
        **times(0),
        "clocks": {},
        "sources": sources,
    }


def recorded(**facts: Any) -> dict[str, Any]:
    """A source that could be opened."""
    return {"available": True, "reason": None, "period_s": 0.1, "facts": facts}


def board(uuid: str = "GPU-1", *, shared: bool = False, scope: str = "board") -> dict[str, Any]:
    """What a header says of a board."""
    return {"id": uuid, "shared": shared, "power": {"call": "c", "kind": "instant", "scope": scope}}


def sample(second: float, source: str, *items: dict[str, Any], **clock: float) -> dict[str, Any]:
    """A line with one reading."""
    return {"type": "sample", **times(second, **clock), "latency_ns": 1000, "source": source, "items": list(items)}


def footer(second: float) -> dict[str, Any]:
    """The last line of a recording that ended in order."""
    return {
        "type": "footer",
        **times(second),
        "stopped_by": "SIGTERM",
        "clock_steps": 0,
        "cpu_share": 0.0,
        "sources": {},
    }


def window(start_s: float, stop_s: float) -> dict[str, int]:
    """Arguments of `summarise` for a window in seconds after the start of a recording."""
    return {"start_ms": round(WALL_NS / 1e6 + start_s * 1e3), "stop_ms": round(WALL_NS / 1e6 + stop_s * 1e3)}
