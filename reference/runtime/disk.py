"""Whether samples come from the disk, so that it pays to ask for some before they are read."""

from __future__ import annotations

import resource

COUNTED = getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF)
"""Whose work the kernel counts: this thread's where it tells threads apart, as Linux does."""


class Disk:
    """What the kernel counts of a thread that reads through memory maps.

    To ask for what lies in the page cache already takes as long as a third of copying it.
    """

    def __init__(self) -> None:
        self._before: tuple[int, int] | None = None

    def was_needed(self) -> bool:
        """Tell whether the thread had to wait for the disk, or fetched anything from it, since the last call.

        The first call says yes: nothing is known yet.
        """
        used = resource.getrusage(COUNTED)
        now = (used.ru_majflt, used.ru_inblock)
        needed, self._before = now != self._before, now
        return needed
