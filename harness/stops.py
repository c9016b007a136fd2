"""Signals that ask the harness to stop."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any

from harness.errors import Stopped


class Stops:
    """Signals that ask the harness to stop, counted instead of raised, so that no step is torn in the middle."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self.count = 0
        self.first: int | None = None
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Stops:
        # `nohup` has its program ignore SIGHUP, and a run under it outlives its terminal as any program does.
        wanted = [number for number in self.SIGNALS if number != signal.SIGHUP or not _ignored(number)]
        self._previous = {number: signal.signal(number, self._on_signal) for number in wanted}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raise `Stopped` where a signal has come."""
        if self.first is not None:
            raise Stopped(self.first)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.count += 1
        self.first = self.first or number


def _ignored(number: signal.Signals) -> bool:
    return signal.getsignal(number) is signal.SIG_IGN
