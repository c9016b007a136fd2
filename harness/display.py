"""The harness's voice while a run goes on: one live line on a terminal, plain lines elsewhere. It speaks on stderr."""

from __future__ import annotations

import time
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.text import Text

from harness.progress import Progress

PLAIN_EVERY_S = 10.0
"""Seconds between two plain lines within an epoch."""


class Display(Protocol):
    """Where progress is shown."""

    def say(self, text: str) -> None:
        """Show a sentence that stays."""

    def update(self, progress: Progress) -> None:
        """Show where the run stands."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class Quiet:
    """Shows nothing."""

    def say(self, text: str) -> None:
        """Say nothing."""

    def update(self, progress: Progress) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Do nothing."""


class Plain:
    """A line for each evaluation, and one every ten seconds in between."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._evaluations = 0
        self._last_s = time.monotonic()
        self._shown = ""

    def say(self, text: str) -> None:
        """Print it."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def update(self, progress: Progress) -> None:
        """Print a line where something is new enough."""
        news = len(progress.evaluated) > self._evaluations
        due = time.monotonic() - self._last_s >= PLAIN_EVERY_S
        line = progress.line()
        if progress.phase != "starting" and line != self._shown and (news or due):
            self.say(line)
            self._shown, self._evaluations, self._last_s = line, len(progress.evaluated), time.monotonic()

    def close(self) -> None:
        """Do nothing."""


class Terminal:
    """One line that is written over."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, refresh_per_second=4, transient=True)
        self._live.start()

    def say(self, text: str) -> None:
        """Print it above the live line."""
        self._live.console.print(text, markup=False, highlight=False)

    def update(self, progress: Progress) -> None:
        """Write the line anew, cut to the terminal's width."""
        self._live.update(Text(progress.line(), no_wrap=True, overflow="ellipsis"))

    def close(self) -> None:
        """Wipe the line."""
        self._live.stop()


def choose(*, quiet: bool) -> Display:
    """The display that fits stderr."""
    if quiet:
        return Quiet()
    console = Console(stderr=True)
    return Terminal(console) if console.is_terminal else Plain(console)
