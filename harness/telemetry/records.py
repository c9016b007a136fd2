"""The recordings of a run, each with the run's window on its own host's monotonic clock."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.telemetry.integrate import Window
from harness.telemetry.trace import Trace, TraceError, read_trace


@dataclass(frozen=True, kw_only=True)
class HostRecord:
    """One host's recording."""

    trace: Trace
    """What was recorded."""

    window: Window
    """run_start to run_stop, in seconds on the host's monotonic clock."""

    @property
    def clock_stepped(self) -> bool:
        """Whether the wall clock, on which the window is known, was set during the recording."""
        return bool(self.trace.clock_steps_mono_ns)


def read_records(telemetry_dir: Path, *, start_ms: int, stop_ms: int) -> tuple[list[HostRecord], list[str]]:
    """Read every recording of a run.

    Args:
        telemetry_dir: folder with one file per host.
        start_ms: wall-clock time of run_start, in ms since 1970-01-01 UTC.
        stop_ms: wall-clock time of run_stop.

    Returns:
        The recordings in the order of host names, and `code: sentence` for each thing that is wrong with them.

    Raises:
        ValueError: run_stop is before run_start.
    """
    if stop_ms < start_ms:
        raise ValueError(f"expected run_stop at or after run_start, found {stop_ms} ms before {start_ms} ms")
    records: list[HostRecord] = []
    problems: list[str] = []
    for path in sorted(telemetry_dir.glob("*.jsonl")):
        try:
            trace = read_trace(path)
        except TraceError as error:
            problems.append(f"recording_unreadable: {error}")
            continue
        records.append(HostRecord(trace=trace, window=_window(trace, start_ms, stop_ms)))
        problems.extend(_problems(trace, path.name))
    if not records:
        problems.append("no_recording: there is no recording of any host")
    return sorted(records, key=lambda record: record.trace.host), problems


def _problems(trace: Trace, name: str) -> list[str]:
    problems = []
    if not trace.has_footer:
        problems.append(f"recording_cut_short: {name} ends without a footer")
    if trace.unreadable_lines:
        problems.append(f"recording_damaged: {name} holds {trace.unreadable_lines} unreadable lines")
    return problems


def _window(trace: Trace, start_ms: int, stop_ms: int) -> Window:
    start_ns = trace.clock.mono_ns_at(start_ms * 1_000_000, latest=False)
    stop_ns = trace.clock.mono_ns_at(stop_ms * 1_000_000, latest=True)
    return Window(start_s=start_ns / 1e9, stop_s=max(start_ns, stop_ns) / 1e9)
