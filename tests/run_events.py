"""Events of a run as tests write them: a key, a value, seconds since the run's start, metadata."""

from __future__ import annotations

from pathlib import Path

from logging_spec.events import Event, EventType, format_line

START_MS = 1_800_000_000_000
"""Wall-clock time at second 0."""


def event(key: str, value: object = None, second: float = 0, **metadata: object) -> Event:
    """Make an event; its type follows from its key."""
    kind: EventType = "POINT_IN_TIME"
    if key.endswith(("_start", "_stop")):
        kind = "INTERVAL_START" if key.endswith("_start") else "INTERVAL_END"
    return Event(key=key, value=value, time_ms=START_MS + round(1000 * second), event_type=kind, metadata=metadata)


def write_log(path: Path, events: list[Event], rest: str = "") -> Path:
    """Write them as a log."""
    path.write_text("".join(f"{format_line(entry)}\n" for entry in events) + rest, encoding="utf-8")
    return path


def denoising(*, margin: float = 3.58, rival: float = 21.05) -> list[Event]:
    """Return what matters of a run that denoises: two evaluations, baselines of two kinds, inference."""
    return [
        event("submission_benchmark", "em_denoise", -2),
        event("implementation", "pt", -2),
        event("hyperparameters", {"model": "dncnn", "batch_size": 128}, -1),
        event("quality_target", 24.0, -1, metric="psnr", direction="max"),
        event("run_start", None, 0),
        event("throughput", 100.0, 55, epoch_num=1),
        event("eval_psnr", 24.63, 60, epoch_num=1),
        event("eval_ssim", 0.8, 60, epoch_num=1),
        event("eval_mse", 0.00051, 60, epoch_num=1),
        event("eval_loss", 0.25, 60, epoch_num=1),
        event("throughput", 300.0, 115, epoch_num=2),
        event("eval_psnr", 24.5, 119.7, epoch_num=2),
        event("eval_ssim", 0.79, 119.7, epoch_num=2),
        event("eval_mse", 0.00052, 119.7, epoch_num=2),
        event("eval_loss", 0.26, 119.7, epoch_num=2),
        event("run_stop", None, 119.7, status="success"),
        event("inference_start", None, 130),
        event("inference_throughput", 50.25, 131, unit="images/s"),
        event("inference_latency_ms", {"p50": 19.5, "p99": 30.0}, 131, warmup=1),
        event("inference_quality", 24.25, 131, metric="psnr"),
        event("inference_stop", None, 132.5, samples_count=40),
        event("baseline", 12.5, 140, name="identity", metric="psnr", rule="the noisy image"),
        event("baseline", rival, 140, name="mean", metric="psnr"),
        event("baseline", 25.5, 140, name="non_local_means", metric="psnr", kind="classical"),
        event("baseline", 0.5, 140, name="chance", metric="ssim"),
        event("quality_margin", margin, 141, metric="psnr", required=0.5, sufficient=margin >= 0.5),
    ]
