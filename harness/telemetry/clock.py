"""Two clocks: the wall clock, which events carry, and the monotonic clock, on which durations are measured."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass
from itertools import pairwise

STEP_NS = 500_000_000
"""A change of (wall - monotonic) above this between two readings is a step of the wall clock, not a slow correction."""

KEEP_NS = 1_000_000
"""Events carry the wall clock in whole milliseconds: a smaller movement of the clocks changes nothing."""

STOP_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})


@dataclass(frozen=True, kw_only=True)
class Instant:
    """The same moment on both clocks."""

    wall_ns: int
    """Nanoseconds since 1970-01-01 UTC; may jump when somebody or NTP sets the clock."""

    mono_ns: int
    """Nanoseconds since an arbitrary start, the same for all processes of one host until it reboots; never jumps."""


class Clock:
    """The clocks of this machine, and its way to wait."""

    def now(self) -> Instant:
        """Read both clocks; the monotonic one is the mean of a reading before and a reading after the wall clock's."""
        before = time.monotonic_ns()
        wall_ns = time.time_ns()
        return Instant(wall_ns=wall_ns, mono_ns=(before + time.monotonic_ns()) // 2)

    def wait_until(self, mono_ns: int) -> str | None:
        """Sleep until the monotonic clock shows `mono_ns`, or a stop signal arrives.

        The stop signals are blocked (see `block_stop_signals`), so that one which arrives outside of the wait is kept
        for the next wait and none interrupts a reading half-way.

        Returns:
            The name of the signal that ended the wait, else None.
        """
        delay_s = max(0, mono_ns - time.monotonic_ns()) / 1e9
        caught = signal.sigtimedwait(STOP_SIGNALS, delay_s)
        return None if caught is None else signal.Signals(caught.si_signo).name


def block_stop_signals() -> None:
    """Make the stop signals wait for `Clock.wait_until`, and ignore those that are meant for ranks."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    for meant_for_ranks in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(meant_for_ranks, signal.SIG_IGN)


def step_ns(before: Instant, after: Instant) -> int:
    """Return by how much the wall clock was set between two readings, in ns; 0 where it only ran."""
    drift = (after.wall_ns - after.mono_ns) - (before.wall_ns - before.mono_ns)
    return drift if abs(drift) > STEP_NS else 0


class ClockTrack:
    """Where the wall clock stood against the monotonic clock during a recording."""

    def __init__(self, first: Instant) -> None:
        self._kept = [first]
        self._latest = first

    def add(self, instant: Instant) -> None:
        """Add a later reading; only those are kept around which the two clocks moved against each other."""
        kept = self._kept[-1]
        moved_ns = (instant.wall_ns - instant.mono_ns) - (kept.wall_ns - kept.mono_ns)
        if abs(moved_ns) > KEEP_NS:
            if self._latest is not kept:
                self._kept.append(self._latest)
            self._kept.append(instant)
        self._latest = instant

    def mono_ns_at(self, wall_ns: int, *, latest: bool) -> float:
        """Find the monotonic time at which the wall clock showed `wall_ns`.

        Between two readings both clocks are taken to run evenly; before the first and after the last, side by side.

        Args:
            wall_ns: the wall-clock time that is looked for.
            latest: where a clock that was set back showed it twice, which time to take.
        """
        readings = [*self._kept, self._latest]
        pairs = list(pairwise(readings))
        for before, after in reversed(pairs) if latest else pairs:
            if before.wall_ns <= wall_ns <= after.wall_ns and before.wall_ns < after.wall_ns:
                share = (wall_ns - before.wall_ns) / (after.wall_ns - before.wall_ns)
                return before.mono_ns + share * (after.mono_ns - before.mono_ns)
        edge = readings[0] if wall_ns < readings[0].wall_ns else readings[-1]
        return float(edge.mono_ns + wall_ns - edge.wall_ns)
