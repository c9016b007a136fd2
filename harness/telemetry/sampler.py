"""The sampler: one process per node that writes what host, ranks and boards do while a run goes on.

    python -m harness.telemetry.sampler --out FILE.jsonl --run-dir DIR --parent PID [--period-s 0.1] [--host-period-s 1]

The file holds whole lines of JSON (`logging_spec/schemas/telemetry.schema.json`): a header with the sources and why
others are unavailable, a line per reading, and a footer with how well the sampling went. The sampler ends on SIGTERM,
SIGINT or SIGHUP, or when its parent is gone. It must never hurt the run: a full disk ends it quietly, with what was
written intact.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from harness.telemetry.clock import Clock, Instant, block_stop_signals
from harness.telemetry.host import RUN_MARKER, Host, Ranks
from harness.telemetry.nvml import Nvml
from harness.telemetry.rapl import Rapl
from harness.telemetry.recorder import Channel, LineFile, Recorder, times
from harness.telemetry.source import Source, UnavailableError

FORMAT_VERSION = 1
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, kw_only=True)
class Options:
    """What one sampler does."""

    out: Path
    """The file to write; it must not exist: two samplers on a host would count its energy twice."""

    run_dir: Path
    """The run's folder; its name is the run id where the environment carries none."""

    parent_pid: int
    """The process whose end ends the sampler."""

    period_s: float = 0.1
    """Seconds between two readings of boards and energy counters."""

    host_period_s: float = 1.0
    """Seconds between two readings of host and ranks."""

    def __post_init__(self) -> None:
        for name in ("period_s", "host_period_s"):
            if not 0.005 <= getattr(self, name) <= 60:
                raise ValueError(f"{name}: expected 0.005 to 60 seconds, found {getattr(self, name)}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Sample until told to stop.

    Returns:
        0, also where the disk filled up; 2 where the options or the file to write are wrong.
    """
    block_stop_signals()
    _leave_the_ranks_processor()
    try:
        options = _parse(arguments)
        file = LineFile(options.out)
    except (ValueError, OSError) as error:
        sys.stderr.write(f"sampler: {error}\n")
        return 2
    sample(options, file)
    return 0


def sample(options: Options, file: LineFile) -> None:
    """Write header, samples and footer of one recording."""
    clock = Clock()
    began, cpu_began_s = clock.now(), time.process_time()
    run_id = os.environ.get(RUN_MARKER) or options.run_dir.resolve().name
    channels: list[Channel] = []
    sources: dict[str, Any] = {}
    for name, period_s, opener in _openers(options, run_id):
        try:
            source = opener()
        except UnavailableError as error:
            sources[name] = {"available": False, "reason": {"code": error.code, "text": error.text}}
            continue
        sources[name] = {"available": True, "reason": None, "period_s": period_s, "facts": source.facts()}
        channels.append(Channel(source=source, period_ns=round(period_s * 1e9), due_ns=clock.now().mono_ns))
    recorder = Recorder(file=file, channels=channels, clock=clock, parent_alive=_watch(options.parent_pid))
    try:
        file.write(_header(options, run_id, began, sources))
    except OSError as error:
        reason = f"write_failed: {error.strerror}"
    else:
        reason = recorder.run()
    for channel in channels:
        channel.source.close()
    _finish(file, _footer(recorder, reason, began, time.process_time() - cpu_began_s))


def _openers(options: Options, run_id: str) -> Iterator[tuple[str, float, Callable[[], Source]]]:
    """Yield every source that this sampler knows: its name, seconds between readings, and how to open it."""
    yield "host", options.host_period_s, Host
    yield "ranks", options.host_period_s, lambda: Ranks(run_id, options.parent_pid)
    yield "nvml", options.period_s, Nvml
    yield "rapl", options.period_s, Rapl


def _header(options: Options, run_id: str, began: Instant, sources: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "header",
        "format_version": FORMAT_VERSION,
        "host": socket.gethostname(),
        "boot_id": BOOT_ID.read_text(encoding="ascii").strip() if BOOT_ID.exists() else None,
        "run_id": run_id,
        "pid": os.getpid(),
        "parent_pid": options.parent_pid,
        **times(began),
        "clocks": {"wall": "CLOCK_REALTIME", "mono": "CLOCK_MONOTONIC"},
        "sources": sources,
    }


def _footer(recorder: Recorder, reason: str, began: Instant, cpu_s: float) -> dict[str, Any]:
    now = recorder.clock.now()
    return {
        "type": "footer",
        **times(now),
        "stopped_by": reason,
        "clock_steps": recorder.clock_steps,
        "cpu_share": cpu_s / max((now.mono_ns - began.mono_ns) / 1e9, 1e-9),
        "sources": {channel.source.name: channel.summary() for channel in recorder.channels},
    }


def _finish(file: LineFile, footer: dict[str, Any]) -> None:
    try:
        file.write(footer)
        file.close()
    except OSError as error:  # a full disk: what was recorded stays, and the run goes on
        sys.stderr.write(f"sampler: the record ends without a footer: {error}\n")


def _watch(pid: int) -> Callable[[], bool]:
    """Return a test whether the process that now has this pid, and no later one, still runs."""
    try:
        parent = psutil.Process(pid)
    except psutil.Error:
        return lambda: False

    def alive() -> bool:
        try:
            return parent.is_running() and parent.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False

    return alive


def _leave_the_ranks_processor() -> None:
    """Run on any processor of the node: a launcher binds the sampler's parent to one, where it would be in the way."""
    try:
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
    except OSError:
        return


def _parse(arguments: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser(prog="python -m harness.telemetry.sampler", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="file to write; it must not exist")
    parser.add_argument("--run-dir", type=Path, required=True, metavar="DIR", help="folder of the run")
    parser.add_argument("--parent", type=int, required=True, metavar="PID", help="process whose end ends the sampler")
    parser.add_argument("--period-s", type=float, default=Options.period_s, help="between two readings of boards")
    parser.add_argument("--host-period-s", type=float, default=Options.host_period_s, help="of host and ranks")
    parsed = parser.parse_args(arguments)
    return Options(
        out=parsed.out,
        run_dir=parsed.run_dir,
        parent_pid=parsed.parent,
        period_s=parsed.period_s,
        host_period_s=parsed.host_period_s,
    )


if __name__ == "__main__":
    sys.exit(main())
