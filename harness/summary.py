"""summary.json, and the screen that ends a run."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness import eventfile, quality
from harness.configuration import Configuration
from harness.judge import Judgement
from harness.metrics import metric
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
    name, direction = configuration.benchmark.metric, configuration.benchmark.direction
    names = (name, *configuration.benchmark.reported)
    throughputs = [event.value for event in events if event.key == "throughput"]
    waits = quality.data_waits(events)
    return {
        "run_id": directory.run_id,
        "directory": str(directory.root),
        "benchmark": configuration.benchmark.name,
        "model": configuration.hyperparameters.get("model"),
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
        "target": {"metric": name, "value": configuration.target, "direction": direction},
        "target_reached": judged.get("target_reached"),
        "time_to_train_s": judged.get("time_to_train_s"),
        "time_to_train_reason": judged.get("time_to_train_reason") or judgement.reason,
        "run_time_s": _run_time_s(events),
        "epochs": sum(event.key == "epoch_stop" for event in events),
        "last_epoch": max((event.metadata["epoch_num"] for event in events if event.key == "epoch_stop"), default=0),
        "best": quality.best(events, name, direction),
        "quality": {name: _last(events, f"eval_{name}") for name in names},
        "baselines": quality.baselines(events),
        "quality_margin": quality.margin(events),
        "staging": quality.staging(events),
        "inference": quality.inference(events),
        "throughput_samples_per_s": median(throughputs) if throughputs else None,
        "data_wait_share": median(waits) if waits else None,
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
    about = metric(summary["target"]["metric"])
    yield "run", Text(_what_ran(summary))
    yield "verdict", _verdict(summary)
    if summary["outcome"] != "ok":
        yield "outcome", Text(summary["outcome_text"], style="red")
    yield "time to train", Text(_time_to_train(summary))
    yield about.label, Text(_quality(summary))
    yield "margin", _margin(summary)
    others = [(metric(key), value) for key, value in summary["quality"].items() if key != about.name]
    if others:
        yield "also", Text(", ".join(f"{other.label} {other.text(value)}" for other, value in others))
    yield "baselines", Text(_baselines(summary["baselines"], about.name))
    rate = summary["throughput_samples_per_s"]
    yield "throughput", Text("not logged" if rate is None else f"{rate:.1f} samples/s, median of the epochs")
    wait = summary.get("data_wait_share")
    if wait is not None:
        yield "data wait", Text(f"{wait:.1%} of the time of the steps, median of the epochs")
    if summary["staging"]:
        staged = summary["staging"]
        yield "staging", Text(f"{staged['seconds']:.1f} s of the run: {quality.staging_text(staged)}")
    if summary["inference"]:
        yield "inference", Text(_inference(summary["inference"]))
    yield "energy", Text(_energy(summary["energy"]))
    yield "directory", Text(summary["directory"])


def _what_ran(summary: dict[str, Any]) -> str:
    ranks, model = summary["ranks"], summary["model"]
    return ", ".join(
        [
            summary["benchmark"],
            *([f"model {model}"] if model else []),
            summary["implementation"],
            f"scale {summary['scale']}",
            f"{summary['division']} division",
            f"{ranks} rank{'s' * (ranks > 1)}",
            summary["precision"],
            f"seed {summary['seed']}",
        ]
    )


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


def _quality(summary: dict[str, Any]) -> str:
    """The best value, which the target is held against, and the last one where it is another."""
    target, found = summary["target"], summary["best"]
    about, sign = metric(target["metric"]), "≥" if target["direction"] == "max" else "≤"
    bound = f"target {sign} {about.limit(target['value'])}"
    if found is None:
        return f"not evaluated; {bound}"
    last = summary["quality"][about.name]
    later = "" if last == found["value"] else f"; {about.text(last)} at the end"
    return f"{about.text(found['value'])} after epoch {found['epoch']} of {summary['last_epoch']}{later}; {bound}"


def _margin(summary: dict[str, Any]) -> Text:
    """The lead over the best trivial method; one that is too small stands out."""
    lead, target = summary["quality_margin"], summary["target"]
    if lead is None:
        return Text("not logged")
    rival = quality.strongest(summary["baselines"], lead["metric"], target["direction"])
    text = quality.margin_text(lead, rival)
    return Text(text) if lead["sufficient"] else Text(f"INSUFFICIENT: {text}", style="bold red")


def _baselines(found: list[dict[str, Any]], name: str) -> str:
    about = metric(name)
    shown = [
        f"{quality.words(entry['name'])} {about.text(entry['value'])}"
        + ("" if entry["kind"] == quality.TRIVIAL else f" ({entry['kind']})")
        for entry in found
        if entry["metric"] == name
    ]
    return ", ".join(shown) or "not logged"


def _inference(phase: dict[str, Any]) -> str:
    """One line about the inference after the run: speed, percentiles of one item's time, quality."""
    parts = []
    if phase["throughput"] is not None:
        items = "" if phase["items"] is None else f" over {phase['items']}"
        parts.append(f"{phase['throughput']:.4g} {phase['unit']}{items}")
    if phase["latency_ms"]:
        parts.append(", ".join(f"{name} {value:.4g} ms" for name, value in phase["latency_ms"].items()))
    if phase["quality"]:
        scores = [(metric(name), value) for name, value in phase["quality"].items()]
        parts.append(", ".join(f"{score.label} {score.text(value)}" for score, value in scores))
    return "; ".join(parts) or "nothing of it was logged"


def _energy(energy: list[dict[str, Any]]) -> str:
    """Reasons begin with a stable code; the sentence behind it is in summary.json."""
    shown = [
        f"{entry['source']} not measured ({str(entry['reason']).partition(':')[0]})"
        if entry["energy_j"] is None
        else f"{entry['source']} {entry['energy_j'] / 1000:.2f} kJ"
        for entry in energy
    ]
    return "; ".join(shown) or "not logged"


def _last(events: list[Event], key: str) -> float | None:
    return next((float(event.value) for event in reversed(events) if event.key == key), None)


def _run_time_s(events: list[Event]) -> float | None:
    times = {event.key: event.time_ms for event in events if event.key in ("run_start", "run_stop")}
    return (times["run_stop"] - times["run_start"]) / 1000 if len(times) == 2 else None
