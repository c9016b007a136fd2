"""The recording loop: wait for the next deadline, read what is due, write whole lines, note how well it went."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from harness.telemetry.clock import Clock, Instant, step_ns
from harness.telemetry.source import Source, UnavailableError

PARENT_CHECK_NS = 1_000_000_000


@dataclass
class Channel:
    """One source and how its sampling goes."""

    source: Source
    period_ns: int
    due_ns: int
    count: int = 0
    missed: int = 0
    first_ns: int = 0
    last_ns: int = 0
    max_gap_ns: int = 0
    max_latency_ns: int = 0
    ended: dict[str, str] | None = None

    def note(self, start_ns: int, end_ns: int) -> None:
        """Count one reading and set the next deadline on the grid of the period, past those that were missed."""
        if self.count:
            self.max_gap_ns = max(self.max_gap_ns, start_ns - self.last_ns)
        else:
            self.first_ns = start_ns
        self.count += 1
        self.last_ns = start_ns
        self.max_latency_ns = max(self.max_latency_ns, end_ns - start_ns)
        periods = max(1, -((self.due_ns - end_ns) // self.period_ns))
        self.missed += periods - 1
        self.due_ns += periods * self.period_ns

    def summary(self) -> dict[str, Any]:
        """Return the footer's account of this source."""
        span_ns = self.last_ns - self.first_ns
        return {
            "samples": self.count,
            "missed": self.missed,
            "rate_hz": (self.count - 1) / (span_ns / 1e9) if self.count > 1 and span_ns > 0 else None,
            "max_gap_s": self.max_gap_ns / 1e9 if self.count > 1 else None,
            "max_latency_s": self.max_latency_ns / 1e9 if self.count else None,
            "ended": self.ended,
        }


class LineFile:
    """A file of whole lines: one that cannot be written whole is taken back."""

    def __init__(self, path: Path) -> None:
        """Create `path`.

        Raises:
            OSError: it exists, or cannot be created.
        """
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        self._size = 0

    def write(self, record: dict[str, Any]) -> None:
        """Write one record as a line.

        Raises:
            OSError: the disk is full or gone; the file still ends with the last whole line.
        """
        line = (json.dumps(record, allow_nan=False, separators=(",", ":")) + "\n").encode()
        try:
            written = 0
            while written < len(line):
                written += os.write(self._descriptor, line[written:])
        except OSError:
            os.ftruncate(self._descriptor, self._size)
            os.lseek(self._descriptor, self._size, os.SEEK_SET)
            raise
        self._size += len(line)

    def close(self) -> None:
        """Sync the file to the disk and close it."""
        os.fsync(self._descriptor)
        os.close(self._descriptor)


@dataclass(kw_only=True)
class Recorder:
    """The loop: waits for the next deadline, reads what is due, writes it."""

    file: LineFile
    """Where the lines go."""

    channels: list[Channel]
    """The sources that could be opened."""

    clock: Clock = field(default_factory=Clock)
    """The clocks, and the way to wait."""

    parent_alive: Callable[[], bool] = lambda: True
    """Whether the process is still there whose end ends the recording."""

    clock_steps: int = 0
    """How many times the wall clock was set."""

    _last: Instant | None = None

    def run(self) -> str:
        """Record until there is a reason to stop, and return it; a failing disk is one, and no error."""
        try:
            return self._loop()
        except OSError as error:
            return f"write_failed: {error.strerror}"

    def _loop(self) -> str:
        parent_check_ns = self.clock.now().mono_ns + PARENT_CHECK_NS
        while True:
            open_channels = [channel for channel in self.channels if channel.ended is None]
            caught = self.clock.wait_until(min([parent_check_ns, *(channel.due_ns for channel in open_channels)]))
            now = self._observe_clock()
            for channel in open_channels:
                if caught or channel.due_ns <= now.mono_ns:  # once more at the end, so that windows are covered to it
                    self._read(channel)
            if caught:
                return caught
            if now.mono_ns >= parent_check_ns:
                if not self.parent_alive():
                    return "parent_gone"
                parent_check_ns = now.mono_ns + PARENT_CHECK_NS

    def _observe_clock(self) -> Instant:
        now = self.clock.now()
        if self._last is not None and (step := step_ns(self._last, now)):
            self.clock_steps += 1
            self.file.write({"type": "clock_step", "wall_ns": now.wall_ns, "mono_ns": now.mono_ns, "step_ns": step})
        self._last = now
        return now

    def _read(self, channel: Channel) -> None:
        start = self.clock.now()
        try:
            items = channel.source.read()
        except (UnavailableError, OSError, psutil.Error) as error:
            code, text = (
                (error.code, error.text) if isinstance(error, UnavailableError) else ("read_failed", str(error))
            )
            channel.ended = {"code": code, "text": text}
            self.file.write(
                {"type": "source_ended", **times(start), "source": channel.source.name, "reason": channel.ended}
            )
            return
        end_ns = self.clock.now().mono_ns
        channel.note(start.mono_ns, end_ns)
        self.file.write(
            {
                "type": "sample",
                **times(start),
                "latency_ns": end_ns - start.mono_ns,
                "source": channel.source.name,
                "items": items,
            }
        )


def times(instant: Instant) -> dict[str, int]:
    """Return an instant as the two fields that lines carry."""
    return {"wall_ns": instant.wall_ns, "mono_ns": instant.mono_ns}
