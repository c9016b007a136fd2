"""Read what a sampler wrote: compact series of the quantities that summaries are made of.

A file that ends early, because the node died or its disk filled up, is read up to there.
"""

from __future__ import annotations

import json
from array import array
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.telemetry.clock import ClockTrack, Instant
from harness.telemetry.integrate import Point
from logging_spec.events import LineError, parse_object

METRICS = {
    "host": ("cpu_percent", "memory_used_bytes"),
    "ranks": ("cpu_percent", "rss_bytes"),
    "nvml": ("power_mw", "energy_mj", "utilisation_percent", "memory_used_bytes", "temperature_c", "throttle_reasons"),
    "rapl": ("energy_uj",),
}
"""What is kept of each source; the rest of a file is for people and for other programs."""

UNRANKED = "-"
"""The id of a process of the run that is no rank: a launcher, or the only process of a run without MPI."""


@dataclass
class Track:
    """The readings of one quantity, in the order of the file."""

    mono_ns: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("d"))

    def add(self, mono_ns: int, value: float) -> None:
        """Add a reading; readings of the same moment are summed."""
        if self.mono_ns and self.mono_ns[-1] == mono_ns:
            self.values[-1] += value
            return
        self.mono_ns.append(mono_ns)
        self.values.append(value)

    def points(self) -> Iterable[Point]:
        """Yield (seconds on the monotonic clock, value)."""
        return ((mono_ns / 1e9, value) for mono_ns, value in zip(self.mono_ns, self.values, strict=True))


@dataclass
class Trace:
    """One file of one host."""

    host: str
    """Name of the host."""

    sources: dict[str, Any]
    """The header's account of each source."""

    clock: ClockTrack
    """How the host's two clocks ran."""

    tracks: dict[tuple[str, str, str], Track] = field(default_factory=lambda: defaultdict(Track))
    """By source, item id and metric; the processes of one rank are one item."""

    clock_steps_mono_ns: list[int] = field(default_factory=list)
    """When the wall clock was set."""

    lost: dict[tuple[str, str], str] = field(default_factory=dict)
    """Why a source (id "") or an item of it ended before the recording did."""

    has_footer: bool = False
    """Whether the sampler ended in order."""

    unreadable_lines: int = 0
    """Lines that are no record."""

    def ids(self, source: str, metric: str) -> list[str]:
        """Return the items of a source that gave a metric at least once."""
        return [item for of_source, item, of_metric in self.tracks if (of_source, of_metric) == (source, metric)]

    def points(self, source: str, item: str, metric: str) -> Iterable[Point]:
        """Yield the readings of one quantity; none where it was never read."""
        key = (source, item, metric)
        return self.tracks[key].points() if key in self.tracks else ()


class TraceError(Exception):
    """A file holds no recording; the message says why."""


def read_trace(path: Path) -> Trace:
    """Read one recording.

    Raises:
        TraceError: the file cannot be read, or does not begin with a header.
    """
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            trace = _begin(next(lines, ""), path)
            for line in lines:
                try:
                    _add(trace, json.loads(line))  # our own file, and a long one: the strict parser is slow
                except (KeyError, TypeError, ValueError):
                    trace.unreadable_lines += 1
    except OSError as error:
        raise TraceError(f"{path.name}: {error.strerror}") from None
    return trace


def _begin(line: str, path: Path) -> Trace:
    try:
        header = parse_object(line)
        if header["type"] != "header" or header["format_version"] != 1:
            raise KeyError("header")
        return Trace(host=str(header["host"]), sources=dict(header["sources"]), clock=ClockTrack(_instant(header)))
    except (LineError, KeyError, TypeError, ValueError):
        raise TraceError(f"{path.name}: line 1: expected the header of a recording of format 1") from None


def _add(trace: Trace, record: dict[str, Any]) -> None:
    kind = record["type"]
    trace.clock.add(_instant(record))
    if kind == "sample":
        for item in record["items"]:
            _add_item(trace, record["source"], item, record["mono_ns"])
    elif kind == "clock_step":
        trace.clock_steps_mono_ns.append(record["mono_ns"])
    elif kind == "source_ended":
        trace.lost[record["source"], ""] = f"{record['reason']['code']}: {record['reason']['text']}"
    elif kind == "footer":
        trace.has_footer = True


def _add_item(trace: Trace, source: str, item: dict[str, Any], mono_ns: int) -> None:
    item_id = item["id"] if source != "ranks" else str(UNRANKED if item["rank"] is None else item["rank"])
    for metric in METRICS.get(source, ()):
        value = item.get(metric)
        if isinstance(value, int | float):
            trace.tracks[source, item_id, metric].add(item.get("mono_ns", mono_ns), value)
    if "lost" in item:
        trace.lost[source, item_id] = item["lost"]


def _instant(record: dict[str, Any]) -> Instant:
    return Instant(wall_ns=int(record["wall_ns"]), mono_ns=int(record["mono_ns"]))
