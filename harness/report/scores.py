"""The quality part of a report: a ladder of methods, the margin, the other metrics, inference, and their charts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from harness import quality
from harness.metrics import Metric, metric
from harness.report.charts import Chart, Level, Series
from harness.report.record import Record
from logging_spec.events import Event

PREFIX = "eval_"
LOSS = "loss"
"""The evaluation's loss stands in one chart with the training's."""

MOST_LINES = 6
"""Lines of one chart, as many as the palette has colours."""

BETTER = {"max": "larger is better", "min": "smaller is better", None: ""}


@dataclass(frozen=True, kw_only=True)
class Aim:
    """What the run was to reach, and how far it came."""

    metric: Metric
    """Metric of the target."""

    direction: str
    """`max` or `min`."""

    value: float
    """Value to reach."""

    best: dict[str, Any] | None
    """Value and epoch of the best evaluation."""

    @property
    def bound(self) -> str:
        """The target with its sign."""
        return f"{'≥' if self.direction == 'max' else '≤'} {self.metric.limit(self.value)}"


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One line of the ladder."""

    name: str
    """Method, or the target."""

    value: str
    """What it scores."""

    kind: str
    """`model`, `target`, `trivial` or `classical`."""

    note: str
    """What is to be said of it."""


def aim(record: Record) -> Aim | None:
    """The target of a run, as its log states it; None where it states none."""
    event = record.one_event("quality_target")
    if event is None:
        return None
    name, direction = str(event.metadata["metric"]), str(event.metadata["direction"])
    reached = quality.best(record.events, name, direction)
    return Aim(metric=metric(name), direction=direction, value=event.value, best=reached)


def model(record: Record) -> str | None:
    """The model that was trained, where the benchmark has several."""
    hyperparameters = record.one("hyperparameters")
    name = hyperparameters.get("model") if isinstance(hyperparameters, dict) else None
    return None if name is None else str(name)


def ladder(record: Record) -> list[Rung]:
    """The model, the target and every baseline of the target's metric, the best one first."""
    goal = aim(record)
    if goal is None:
        return []
    found = [(goal.value, Rung(name="target", value=goal.metric.text(goal.value), kind="target", note=""))]
    if goal.best:
        name, note = model(record) or "the model", f"best evaluation, epoch {goal.best['epoch']}"
        value = goal.best["value"]
        found.insert(0, (value, Rung(name=name, value=goal.metric.text(value), kind="model", note=note)))
    for entry in quality.baselines(record.events):
        if entry["metric"] == goal.metric.name:
            note = f"{entry['kind']}: {entry['rule']}" if entry["rule"] else entry["kind"]
            name, text = quality.words(entry["name"]), goal.metric.text(entry["value"])
            found.append((entry["value"], Rung(name=name, value=text, kind=entry["kind"], note=note)))
    return [rung for _, rung in sorted(found, key=lambda pair: pair[0], reverse=goal.direction == "max")]


def margin(record: Record) -> dict[str, Any] | None:
    """The lead over the best trivial method: its text, a short form for a tile, and whether it is enough."""
    lead, goal = quality.margin(record.events), aim(record)
    if lead is None or goal is None:
        return None
    rival = quality.strongest(quality.baselines(record.events), lead["metric"], goal.direction)
    about = metric(lead["metric"])
    return {
        "sufficient": lead["sufficient"],
        "text": quality.margin_text(lead, rival),
        "short": f"{'+' if lead['value'] > 0 else '−' if lead['value'] < 0 else ''}{about.text(abs(lead['value']))}",
        "beside": (f"over {quality.words(rival['name'])}, " if rival else "")
        + (f"{about.limit(lead['required'])} asked for" if lead["required"] else "any lead is enough"),
    }


def others(record: Record) -> list[tuple[str, str, str]]:
    """Metrics beside the target's, of the last evaluation: label, value, and which way is better."""
    rows = []
    for name, events in _evaluated(record).items():
        about = metric(name)
        rows.append((about.label, about.text(float(events[-1].value)), BETTER[about.better]))
    return rows


def inference(record: Record) -> list[tuple[str, str]]:
    """What the inference after the run measured: name and value."""
    phase = quality.inference(record.events)
    if phase is None:
        return []
    rows = []
    if phase["throughput"] is not None:
        rows.append(("throughput", f"{phase['throughput']:.4g} {phase['unit']}"))
    rows += [(f"latency, {name}", f"{value:.4g} ms") for name, value in phase["latency_ms"].items()]
    rows += [(metric(name).label, metric(name).text(value)) for name, value in phase["quality"].items()]
    if phase["items"] is not None:
        warmup = f", after {phase['warmup']} to warm up" if phase["warmup"] else ""
        rows.append(("items", f"{phase['items']}{warmup}"))
        rows.append(("time of the whole phase", f"{phase['seconds']:.1f} s"))
    return rows or [("nothing of it was logged", "–")]


def charts(record: Record) -> Iterable[Chart]:
    """The target's metric on axes of its own; shares together on others; whatever else by itself."""
    goal = aim(record)
    yield _target_chart(record, goal)
    rest = {name: events for name, events in _evaluated(record).items() if name != LOSS}
    shares = [name for name in rest if metric(name).share]
    groups = [shares[at : at + MOST_LINES] for at in range(0, len(shares), MOST_LINES)]
    groups += [[name] for name in rest if name not in shares]
    for names in groups:
        series = [_series(record, name, rest[name]) for name in names]
        title = heading(metric(names[0]).label) if len(names) == 1 else "Other metrics"
        label = metric(names[0]).axis if len(names) == 1 else "on the evaluation samples"
        yield Chart(title=title, x_label="minutes since run_start", y_label=label, series=series, half=True)


def evaluation_loss(record: Record) -> Series | None:
    """The loss of the evaluations as a line; None where it was not logged."""
    events = record.all(PREFIX + LOSS)
    return _series(record, LOSS, events, shown="evaluation") if events else None


def heading(label: str) -> str:
    """A label with a capital at its start."""
    return label[:1].upper() + label[1:]


def _target_chart(record: Record, goal: Aim | None) -> Chart:
    if goal is None:
        return Chart(title="Quality", x_label="minutes since run_start", y_label="", series=[])
    events = record.all(PREFIX + goal.metric.name)
    levels = [Level(name="target", y=goal.value, kind="target")]
    levels += [
        Level(name=quality.words(entry["name"]), y=float(entry["value"]))
        for entry in quality.baselines(record.events)
        if entry["metric"] == goal.metric.name
    ]
    return Chart(
        title=heading(goal.metric.label),
        x_label="minutes since run_start",
        y_label=goal.metric.axis,
        series=[_series(record, goal.metric.name, events)],
        levels=levels,
        note=f"Of the evaluation samples; {BETTER[goal.direction]}. Dashed: target. Dotted: methods without training.",
    )


def _evaluated(record: Record) -> dict[str, list[Event]]:
    """Evaluations of each metric but the target's, in the order in which the metrics were first logged."""
    goal, found = aim(record), dict[str, list[Event]]()
    for event in record.events:
        name = event.key.removeprefix(PREFIX)
        is_score = event.key.startswith(PREFIX) and type(event.value) in (int, float) and "epoch_num" in event.metadata
        if is_score and (goal is None or name != goal.metric.name):
            found.setdefault(name, []).append(event)
    return found


def _series(record: Record, name: str, events: list[Event], shown: str = "") -> Series:
    points = [(record.minutes(event), float(event.value)) for event in events]
    return Series(name=shown or metric(name).label, points=points, marks=True)
