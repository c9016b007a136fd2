"""How far a download is: a line with amount, rate and time left, as a bar on a terminal and now and then elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

WINDOW_S = 20.0
"""The rate is that of this time."""
LINE_S = 15.0
"""Time between two lines where there is no terminal."""


class Meter:
    """Counts files and bytes; every thread of a download tells it what it has. What was there before is no rate."""

    def __init__(self, *, files: int, total_bytes: int) -> None:
        """Start to count.

        Args:
            files: number of files that are to come.
            total_bytes: their bytes, those of their parts that are there included.
        """
        self.files, self.total_bytes = files, total_bytes
        self.files_done = self.bytes_done = 0
        self._lock = threading.Lock()
        self._moved: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])

    def held(self, count: int) -> None:
        """Count bytes that need no transfer; negative where they are lost again."""
        with self._lock:
            self.bytes_done += count

    def moved(self, count: int) -> None:
        """Count bytes that came."""
        now = time.monotonic()
        with self._lock:
            self.bytes_done += count
            self._moved.append((now, count))
            while len(self._moved) > 1 and now - self._moved[0][0] > WINDOW_S:
                self._moved.popleft()

    def file_done(self) -> None:
        """Count a file that has its name."""
        with self._lock:
            self.files_done += 1

    def rate_bytes_per_s(self) -> float:
        """Return the rate of the last seconds; 0 before there is one."""
        with self._lock:
            start = self._moved[0][0]
            count = sum(size for _, size in list(self._moved)[1:])
        passed = time.monotonic() - start
        return count / passed if passed > 0.5 else 0.0

    def line(self) -> str:
        """Return the state as one line."""
        rate = self.rate_bytes_per_s()
        left = f", {_clock((self.total_bytes - self.bytes_done) / rate)} left" if rate > 0 else ""
        return (
            f"{self.files_done} of {self.files} files, {amount(self.bytes_done)} of {amount(self.total_bytes)}, "
            f"{amount(rate)}/s{left}"
        )


def amount(count: float) -> str:
    """Return bytes in a unit of a fitting size, powers of 1000.

    >>> amount(5.24e9)
    '5.24 GB'
    """
    size, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 999.5:
            break
        size, unit = size / 1000, larger
    return f"{size:.3g} {unit}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextmanager
def shown(meter: Meter, title: str) -> Iterator[None]:
    """Show a meter while the body runs."""
    ended = threading.Event()
    show = _as_bar if sys.stderr.isatty() else _as_lines
    thread = threading.Thread(target=show, args=(meter, title, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _as_bar(meter: Meter, title: str, ended: threading.Event) -> None:
    columns = (TextColumn(title), BarColumn(), TextColumn("{task.fields[line]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=meter.total_bytes or None, line=meter.line())
        while not ended.wait(0.2):
            progress.update(task, completed=meter.bytes_done, line=meter.line())


def _as_lines(meter: Meter, title: str, ended: threading.Event) -> None:
    while not ended.wait(LINE_S):
        sys.stderr.write(f"{title}: {meter.line()}\n")
        sys.stderr.flush()
