"""How far a simulation is: a bar on a terminal, and a line with count, rate and time left now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from datasets.common.failures import say

LINE_S = 5.0
"""Time between two lines where there is no terminal."""


class Meter:
    """Counts samples. Those that were there before count as done, and not for the rate."""

    def __init__(self, title: str, *, total: int, held: int) -> None:
        """Start to count.

        Args:
            title: what is counted, as `pairs`.
            total: number that the set has.
            held: those that are there already.
        """
        self.title, self.total, self.held = title, total, held
        self.done = held
        self._started = self._said = time.monotonic()
        self._bar: Progress | None = None

    def reached(self, done: int) -> None:
        """Tell that so many samples are there."""
        self.done, now = done, time.monotonic()
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done, line=self.line())
        elif now - self._said >= LINE_S:
            self._said = now
            say(self.line())

    def line(self) -> str:
        """Return the state as one line."""
        passed, made = time.monotonic() - self._started, self.done - self.held
        if not made or passed <= 0:
            return f"{self.done} of {self.total} {self.title}"
        rate = made / passed
        left = round((self.total - self.done) / rate)
        return f"{self.done} of {self.total} {self.title}, {rate:.3g}/s, {clock(left)} left"


def clock(seconds: int) -> str:
    """Return a time as minutes and seconds, with hours where there are any.

    >>> clock(3725)
    '1:02:05'
    """
    minutes, rest = divmod(max(0, seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextmanager
def shown(title: str, *, total: int, held: int) -> Iterator[Meter]:
    """Show a meter while the body runs."""
    meter = Meter(title, total=total, held=held)
    if held:
        say(f"going on: {held} of {total} {title} are here")
    if not sys.stderr.isatty():
        if not held:
            say(meter.line())
        yield meter
        return
    columns = (TextColumn("simulating"), BarColumn(), TextColumn("{task.fields[line]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        bar.add_task("", total=total, completed=held, line=meter.line())
        meter._bar = bar
        yield meter
