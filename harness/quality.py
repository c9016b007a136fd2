"""What a log says of a run: the best evaluation, the baselines, the margin over them, staging, inference after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.metrics import metric
from logging_spec.events import Event

TRIVIAL = "trivial"
"""Kind of a baseline that names none: a model has to beat it. A classical method stands there for comparison."""


def best(events: Sequence[Event], name: str, direction: str) -> dict[str, Any] | None:
    """Value and epoch of the best evaluation, the first of equals; None where there is none."""
    found = [event for event in events if event.key == f"eval_{name}"]
    if not found:
        return None
    chosen = (max if direction == "max" else min)(found, key=lambda event: float(event.value))
    return {"value": float(chosen.value), "epoch": chosen.metadata.get("epoch_num")}


def baselines(events: Sequence[Event]) -> list[dict[str, Any]]:
    """Every baseline: name, metric, kind and value, with the words of its rule where it has any."""
    return [
        {
            "name": event.metadata["name"],
            "metric": event.metadata["metric"],
            "kind": event.metadata.get("kind", TRIVIAL),
            "value": event.value,
            "rule": event.metadata["rule"] if isinstance(event.metadata.get("rule"), str) else None,
        }
        for event in events
        if event.key == "baseline"
    ]


def strongest(found: Sequence[dict[str, Any]], name: str, direction: str) -> dict[str, Any] | None:
    """The best of the trivial baselines of a metric; None where there is none."""
    rivals = [entry for entry in found if entry["metric"] == name and entry["kind"] == TRIVIAL]
    choose = max if direction == "max" else min
    return choose(rivals, key=lambda entry: float(entry["value"]), default=None)


def margin(events: Sequence[Event]) -> dict[str, Any] | None:
    """The lead of the model over the best trivial baseline, as the run has logged it."""
    event = next((event for event in events if event.key == "quality_margin"), None)
    if event is None:
        return None
    return {"value": event.value, **{key: event.metadata[key] for key in ("metric", "required", "sufficient")}}


def margin_text(lead: dict[str, Any], rival: dict[str, Any] | None) -> str:
    """The margin in a sentence, such as `3.58 dB better than mean, the best trivial method (21.05 dB); …`."""
    about, value = metric(lead["metric"]), lead["value"]
    against = f"{words(rival['name'])}, the best trivial method ({about.text(rival['value'])})" if rival else ""
    side = "better" if value > 0 else "worse"
    found = f"{about.text(abs(value))} {side} than" if value else "no better than"
    asked = f"at least {about.limit(lead['required'])} is asked for" if lead["required"] else "any lead is enough"
    return f"{found} {against or 'the best trivial method'}; {asked}"


def data_waits(events: Sequence[Event]) -> list[float]:
    """The share of each epoch's time for which its steps waited for samples."""
    return [float(event.metadata["share"]) for event in events if event.key == "data_wait"]


def staging(events: Sequence[Event]) -> dict[str, Any] | None:
    """How long it took to bring the data set near to the ranks, and in which form; None where that was not ended."""
    by_key = {event.key: event for event in events if event.key in ("staging_start", "staging_stop")}
    start, stop = by_key.get("staging_start"), by_key.get("staging_stop")
    if start is None or stop is None or "bytes" not in stop.metadata:
        return None
    names = ("files", "bytes", "staged_bytes", "form", "compress")
    return {"seconds": (stop.time_ms - start.time_ms) / 1000, **{name: stop.metadata.get(name) for name in names}}


def staging_text(staged: dict[str, Any]) -> str:
    """What was staged, such as `0.18 GB in 4 files, kept as samples of 0.06 GB`."""
    text = f"{staged['bytes'] / 1e9:.3g} GB in {staged['files']} file{'s' * (staged['files'] != 1)}"
    if staged["staged_bytes"] not in (None, staged["bytes"]):
        text += f", kept as {staged['form'] or 'files'} of {staged['staged_bytes'] / 1e9:.3g} GB"
    return text


def inference(events: Sequence[Event]) -> dict[str, Any] | None:
    """What was measured between inference_start and inference_stop; None where there was no such phase."""
    by_key = {event.key: event for event in events if event.key.startswith("inference_")}
    start, stop = by_key.get("inference_start"), by_key.get("inference_stop")
    if start is None:
        return None
    speed, latency = by_key.get("inference_throughput"), by_key.get("inference_latency_ms")
    return {
        "items": stop.metadata["samples_count"] if stop else None,
        "seconds": (stop.time_ms - start.time_ms) / 1000 if stop else None,
        "throughput": speed.value if speed else None,
        "unit": speed.metadata["unit"] if speed else None,
        "latency_ms": latency.value if latency else {},
        "warmup": latency.metadata["warmup"] if latency else None,
        "quality": {event.metadata["metric"]: event.value for event in events if event.key == "inference_quality"},
    }


def words(name: object) -> str:
    """A name of the log as people write it."""
    return str(name).replace("_", " ")
