"""Loss and speed of an epoch, logged while it runs and at its end."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from .lifecycle import EventLog

LONGEST_SILENCE_S = 5.0
"""Steps that take long are logged as they come: a person who watches does not wait for ten of them."""


class Meter:
    """Sums of an epoch, and of the steps since the last progress event."""

    def __init__(self, *, log: EventLog, epoch: int, steps_per_epoch: int, every_steps: int) -> None:
        """Start the clock.

        Args:
            log: file that the events go to.
            epoch: the epoch, from 1.
            steps_per_epoch: steps of a whole epoch.
            every_steps: steps between two progress events, fewer where that would take more than `LONGEST_SILENCE_S`.
        """
        self._log, self._epoch, self._steps_per_epoch, self._every_steps = log, epoch, steps_per_epoch, every_steps
        self._started = self._last_logged = time.perf_counter()
        self._loss = self._recent_loss = 0.0
        self.samples = self._recent_samples = 0

    def add(self, loss: float, samples: int, step: int) -> None:
        """Count a step: the mean loss of its samples, their number, and its place in the epoch, from 1."""
        self._loss += loss * samples
        self._recent_loss += loss * samples
        self.samples += samples
        self._recent_samples += samples
        silence_s = time.perf_counter() - self._last_logged
        if step % self._every_steps == 0 or step == self._steps_per_epoch or silence_s > LONGEST_SILENCE_S:
            self._log_progress(step)

    def finish(self, waits_s: NDArray[np.float64]) -> None:
        """Log loss, speed and the wait for data of the epoch, where it has done a step.

        Args:
            waits_s: seconds that each rank has waited for samples. The steps of all wait for the slowest.
        """
        if self.samples:
            seconds = time.perf_counter() - self._started
            slowest = int(waits_s.argmax())
            waited_s = float(waits_s[slowest])
            wait = {"share": min(1.0, waited_s / seconds), "slowest_rank": slowest}
            self._log.point("train_loss", self._loss / self.samples, {"epoch_num": self._epoch})
            self._log.point("throughput", self.samples / seconds, {"epoch_num": self._epoch})
            self._log.point("data_wait", waited_s, {"epoch_num": self._epoch, **wait})

    def _log_progress(self, step: int) -> None:
        now = time.perf_counter()
        speed = self._recent_samples / (now - self._last_logged)
        self._log.point(
            "tracked_stats",
            {"loss": self._recent_loss / self._recent_samples, "throughput": speed},
            {"epoch_num": self._epoch, "step": step, "steps_per_epoch": self._steps_per_epoch},
        )
        self._last_logged, self._recent_loss, self._recent_samples = now, 0.0, 0
