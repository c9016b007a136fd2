"""SIGUSR2 asks for an end at the next step boundary (SPEC.md, section "Signals"); SIGUSR1 asks where the program is."""

from __future__ import annotations

import faulthandler
import signal
import time
from types import FrameType


class StopRequest:
    """Whether this rank wants to stop. The loop sums the wishes of all ranks, so that all stop after the same step."""

    def __init__(self) -> None:
        self._signalled = False
        self._deadline: float | None = None

    def listen(self) -> None:
        """Take SIGUSR2 as a request and let SIGUSR1 write all threads' stacks to stderr; neither ends the process."""
        signal.signal(signal.SIGUSR2, self._on_signal)
        faulthandler.register(signal.SIGUSR1)

    def start_clock(self, max_seconds: float | None) -> None:
        """Count the time limit from now; None is no limit."""
        self._deadline = None if max_seconds is None else time.monotonic() + max_seconds

    @property
    def reason(self) -> str | None:
        """Why this rank wants to stop; None where it does not."""
        if self._signalled:
            return "stopped on request (SIGUSR2)"
        if self._deadline is not None and time.monotonic() >= self._deadline:
            return "time limit reached"
        return None

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signalled = True
