"""What a log has told up to a line: the small state that the checks look back on, whatever the length of the log."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from compliance.event import LoggedEvent
from compliance.life_cycle import LifeCycle


class Target(NamedTuple):
    """The quality that the run has to reach, as the log states it."""

    metric: str
    """Name of the metric; it is logged under `eval_<metric>`."""

    direction: str
    """`max` or `min`."""

    value: float
    """The value to reach."""

    def reached_by(self, value: float) -> bool:
        """Say whether a value is as good as the target."""
        return value >= self.value if self.direction == "max" else value <= self.value

    def better(self, value: float, than: float) -> bool:
        """Say whether a value is better than another."""
        return value > than if self.direction == "max" else value < than

    def lead(self, value: float, than: float) -> float:
        """Return by how much a value is better than another."""
        return value - than if self.direction == "max" else than - value


@dataclass(kw_only=True)
class Story:
    """The log so far. Only keys of the registry are kept, so that its size is bounded."""

    life_cycle: LifeCycle
    """The states that the story goes through."""

    state: str
    """State of the life cycle."""

    entered: LoggedEvent | None = None
    """Event that led into this state."""

    left: dict[str, int] = field(default_factory=dict)
    """Line in which each state ended for the first time."""

    lines: int = 0
    """Lines read."""

    events: int = 0
    """Events read."""

    previous: LoggedEvent | None = None
    """The event before."""

    counts: Counter[str] = field(default_factory=Counter)
    """Events of each key."""

    first: dict[str, LoggedEvent] = field(default_factory=dict)
    """First sound event of each key: the facts of the run."""

    latest: dict[str, LoggedEvent] = field(default_factory=dict)
    """Latest event of each key."""

    earliest: dict[str, LoggedEvent] = field(default_factory=dict)
    """First event of each key, sound or not."""

    fixed_target: Target | None = None
    """The target of the benchmark, where logs do not state it."""

    met: set[str] = field(default_factory=set)
    """Rules that ask for something to be there once, and that have found it."""

    epoch_num: int | None = None
    """Number of the epoch that is open, or that was open last."""

    best: LoggedEvent | None = None
    """Best evaluation of the target's metric inside the run."""

    final: LoggedEvent | None = None
    """Last evaluation of the target's metric inside the run."""

    strongest_baseline: LoggedEvent | None = None
    """Best trivial baseline of the target's metric."""

    @property
    def target(self) -> Target | None:
        """The target of the benchmark, or that the log states, where it does."""
        if self.fixed_target is not None:
            return self.fixed_target
        event = self.first.get("quality_target")
        return event and Target(event.metadata["metric"], event.metadata["direction"], event.value)

    def advance(self, event: LoggedEvent, *, known: bool) -> None:
        """Take one more event into the story; `known` says whether its key is in the registry."""
        self.previous = event
        self.events += 1
        if not known:
            return
        key = event.key
        self.counts[key] += 1
        self.latest[key] = event
        if key not in self.earliest:
            self.earliest[key] = event
        if event.sound:
            if key not in self.first:
                self.first[key] = event
            if key == "baseline" or key.startswith("eval_"):
                self._judge_quality(event)
        state = self.life_cycle.after(self.state, event)
        if state != self.state:
            self.left.setdefault(self.state, event.line)
            self.state, self.entered = state, event
            if state == self.life_cycle.epoch and event.sound:
                self.epoch_num = event.metadata["epoch_num"]

    def _judge_quality(self, event: LoggedEvent) -> None:
        """Take in a baseline, or something under `eval_` and a name."""
        target = self.fixed_target or self.target
        if target is None:
            return
        if event.key != "baseline" and event.key[5:] == target.metric and self.state in self.life_cycle.window:
            self.final = event
            if self.best is None or target.better(event.value, self.best.value):
                self.best = event
        elif event.key == "baseline" and event.metadata["metric"] == target.metric and _is_trivial(event):
            strongest = self.strongest_baseline
            if strongest is None or target.better(event.value, strongest.value):
                self.strongest_baseline = event


def _is_trivial(baseline: LoggedEvent) -> bool:
    """Say whether a model has to beat a baseline; a classical method stands there for comparison."""
    return bool(baseline.metadata.get("kind", "trivial") == "trivial")
