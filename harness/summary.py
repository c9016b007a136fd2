"""summary.json, and the screen that ends a run."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness import eventfile
from harness.configuration import Configuration
from harness.judge import Judgement
from harness.outcome import Outcome
from harness.progress import clock
from harness.rundir import RunDirectory
from logging_spec.events import Event

SHOWN_FINDINGS = 5


def summarise(
    configuration: Configuration, directory: RunDirectory, outcome: Outcome, judgement: Judgement
) -> dict[str, Any]:
    """What the log and the verdict say, in one document."""
    events = eventfile.read(directory.result)
    judged = judgement.summary()
    metric = configuration.benchmark.metric
    names = (metric, *configuration.benchmark.reported)
    throughputs = [event.value for event in events if event.key == "throughput"]
    return {
        "run_id": directory.run_id,
        "directory": str(directory.root),
        "benchmark": configuration.benchmark.name,
        "implementation": configuration.implementation.name,
        "scale": configuration.scale,
        "division": configuration.submission.division,
        "ranks": configuration.ranks,
        "precision": configuration.precision,
        "precision_reason": configuration.precision_reason,
        "seed": configuration.seed,
        "outcome": outcome.kind,
        "outcome_text": outcome.text,
        "compliant": judgement.compliant,
        "compliant_reason": judgement.reason,
        "findings": judgement.findings(),
        "target": {"metric": metric, "value": configuration.target, "direction": configuration.benchmark.direction},
        "target_reached": judged.get("target_reached"),
        "time_to_train_s": judged.get("time_to_train_s"),
        "time_to_train_reason": judged.get("time_to_train_reason") or judgement.reason,
        "run_time_s": _run_time_s(events),
        "epochs": sum(event.key == "epoch_stop" for event in events),
        "quality": {name: _last(events, f"eval_{name}") for name in names},
        "baselines": [
            {"name": event.metadata.get("name"), "metric": event.metadata.get("metric"), "value": event.value}
            for event in events
            if event.key == "baseline"
        ],
        "throughput_samples_per_s": median(throughputs) if throughputs else None,
        "energy": [
            {"source": event.metadata.get("source"), "energy_j": event.value, "reason": event.metadata.get("reason")}
            for event in events
            if event.key == "energy"
        ],
    }


def show(summary: dict[str, Any], console: Console) -> None:
    """Print it on one screen."""
    table = Table(show_header=False, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _rows(summary):
        table.add_row(name, value)
    console.print()
    console.print(table)
    for finding in summary["findings"][:SHOWN_FINDINGS]:
        console.print(f"  {finding}", markup=False, highlight=False, soft_wrap=True)
    more = len(summary["findings"]) - SHOWN_FINDINGS
    if more > 0:
        console.print(f"  … and {more} more in verdict.json", markup=False, highlight=False)


def _rows(summary: dict[str, Any]) -> Iterable[tuple[str, Text]]:
    name, target = summary["benchmark"], summary["target"]
    yield (
        "run",
        Text(
            f"{name}, {summary['implementation']}, scale {summary['scale']}, {summary['division']} division, "
            f"{summary['ranks']} rank{'s' * (summary['ranks'] > 1)}, {summary['precision']}, seed {summary['seed']}"
        ),
    )
    yield "verdict", _verdict(summary)
    if summary["outcome"] != "ok":
        yield "outcome", Text(summary["outcome_text"], style="red")
    yield "time to train", Text(_time_to_train(summary))
    quality = summary["quality"][target["metric"]]
    sign = "≥" if target["direction"] == "max" else "≤"
    yield (
        target["metric"],
        Text(f"{_number(quality)} after {summary['epochs']} epochs; target {sign} {target['value']:g}"),
    )
    others = [f"{key} {_number(value)}" for key, value in summary["quality"].items() if key != target["metric"]]
    if others:
        yield "also", Text(", ".join(others))
    yield "baselines", Text(_baselines(summary["baselines"], target["metric"]))
    rate = summary["throughput_samples_per_s"]
    yield "throughput", Text("not logged" if rate is None else f"{rate:.1f} samples/s, median of the epochs")
    yield "energy", Text(_energy(summary["energy"]))
    yield "directory", Text(summary["directory"])


def _verdict(summary: dict[str, Any]) -> Text:
    if summary["compliant"] is None:
        return Text(f"none: {summary['compliant_reason']}", style="yellow")
    if summary["compliant"]:
        return Text("compliant", style="bold green")
    count = len(summary["findings"])
    return Text(f"not compliant, {count} finding{'s' * (count != 1)}", style="bold red")


def _time_to_train(summary: dict[str, Any]) -> str:
    seconds = summary["time_to_train_s"]
    if seconds is not None:
        return f"{clock(seconds)} ({seconds:.1f} s from run_start to run_stop)"
    ran = "" if summary["run_time_s"] is None else f"; it ran {clock(summary['run_time_s'])}"
    return f"none: {summary['time_to_train_reason'] or 'the target was not reached'}{ran}"


def _baselines(baselines: list[dict[str, Any]], metric: str) -> str:
    shown = [f"{entry['name']} {_number(entry['value'])}" for entry in baselines if entry["metric"] == metric]
    return ", ".join(shown) or "not logged"


def _energy(energy: list[dict[str, Any]]) -> str:
    """Reasons begin with a stable code; the sentence behind it is in summary.json."""
    shown = [
        f"{entry['source']} not measured ({str(entry['reason']).partition(':')[0]})"
        if entry["energy_j"] is None
        else f"{entry['source']} {entry['energy_j'] / 1000:.2f} kJ"
        for entry in energy
    ]
    return "; ".join(shown) or "not logged"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _last(events: list[Event], key: str) -> float | None:
    return next((float(event.value) for event in reversed(events) if event.key == key), None)


def _run_time_s(events: list[Event]) -> float | None:
    times = {event.key: event.time_ms for event in events if event.key in ("run_start", "run_stop")}
    return (times["run_stop"] - times["run_start"]) / 1000 if len(times) == 2 else None
