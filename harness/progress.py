"""What a run is doing, read from rank 0's events while they are written."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.metrics import metric
from logging_spec.events import Event


@dataclass(kw_only=True)
class Progress:
    """Where a run stands."""

    metric: str
    """Metric of the target."""

    target: float
    """Value to reach."""

    direction: str
    """`max` where more is better, else `min`."""

    max_epochs: int
    """Epochs after which the run ends."""

    mode: str = "train"
    """train or predict."""

    phase: str = "starting"
    """starting, staging, training, evaluating, done or inferring."""

    epoch: int = 0
    """Epoch under way, from 1."""

    step: int = 0
    """Step under way in the epoch, from 1."""

    steps_per_epoch: int | None = None
    """Steps of an epoch, where the implementation says."""

    loss: float | None = None
    """Latest training loss."""

    throughput: float | None = None
    """Latest samples per second."""

    quality: float | None = None
    """Latest value of the metric."""

    run_start_ms: int | None = None
    """When the clock started."""

    last_ms: int | None = None
    """When the latest event was logged."""

    first_epoch: int | None = None
    """Epoch that this run started with; more than 1 where it continues another."""

    evaluated: list[tuple[int, float]] = field(default_factory=list)
    """Epoch and value of each evaluation."""

    def take(self, event: Event) -> None:
        """Follow one event."""
        self.last_ms = event.time_ms
        phase = _PHASES.get(event.key)
        if phase is not None:
            self.phase = phase
        if event.key == "run_start":
            self.run_start_ms = event.time_ms
        elif event.key == "epoch_start":
            self.epoch, self.step = _whole(event, "epoch_num") or self.epoch + 1, 0
            self.first_epoch = self.first_epoch or self.epoch
        elif event.key == "tracked_stats" and isinstance(event.value, dict):
            self.step = _whole(event, "step") or self.step
            self.steps_per_epoch = _whole(event, "steps_per_epoch") or self.steps_per_epoch
            self.loss = _number(event.value.get("loss"), self.loss)
            self.throughput = _number(event.value.get("throughput"), self.throughput)
        elif event.key == f"eval_{self.metric}":
            self.quality = _number(event.value, self.quality)
            if self.quality is not None:
                self.evaluated.append((_whole(event, "epoch_num") or self.epoch, self.quality))

    def seconds_left(self) -> float | None:
        """At most so many seconds until the last epoch ends, at the pace so far; None where there is none yet."""
        if self.run_start_ms is None or self.last_ms is None or self.first_epoch is None:
            return None
        part = self.step / self.steps_per_epoch if self.steps_per_epoch and self.phase == "training" else 0.0
        finished = self.epoch - self.first_epoch + (part if self.phase == "training" else 1.0)
        if finished <= 0:
            return None
        pace = (self.last_ms - self.run_start_ms) / 1000 / finished
        return max(0.0, pace * (self.max_epochs - self.first_epoch + 1 - finished))

    def line(self) -> str:
        """All of it in one line."""
        if self.phase == "starting":
            return "starting the ranks"
        if self.phase == "staging":
            return "copying the data set to where it is read from"
        if self.mode != "train":
            return "predicting" if self.phase == "training" else self.phase
        if self.phase == "inferring":
            return "training is over · inference on the evaluation data"
        steps = f"/{self.steps_per_epoch}" if self.steps_per_epoch else ""
        parts = [f"epoch {self.epoch}/{self.max_epochs}", f"step {self.step}{steps}"]
        if self.phase == "evaluating":
            parts[1] = "evaluating"
        if self.loss is not None:
            parts.append(f"loss {self.loss:.4f}")
        about = metric(self.metric)
        sign = "≥" if self.direction == "max" else "≤"
        parts.append(f"{about.label} {about.text(self.quality)} (target {sign} {about.limit(self.target)})")
        if self.throughput is not None:
            parts.append(f"{self.throughput:.1f} samples/s")
        left = self.seconds_left()
        if left is not None:
            parts.append(f"at most {clock(left)} left")
        return " · ".join(parts)


def clock(seconds: float) -> str:
    """Seconds as `1:02:03` or `2:03`."""
    hours, rest = divmod(round(seconds), 3600)
    minutes, seconds_ = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{seconds_:02d}" if hours else f"{minutes}:{seconds_:02d}"


_PHASES = {
    "run_start": "training",
    "staging_start": "staging",
    "staging_stop": "training",
    "epoch_start": "training",
    "eval_start": "evaluating",
    "eval_stop": "training",
    "run_stop": "done",
    "inference_start": "inferring",
    "inference_stop": "done",
}


def _whole(event: Event, name: str) -> int | None:
    value = event.metadata.get(name)
    return value if type(value) is int else None


def _number(value: object, otherwise: float | None) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else otherwise
