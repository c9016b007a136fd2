"""Write the log of a run that never was, event by event, with a clock that only moves forward.

The golden logs are files; this is where they came from (`make_corpus.py`). Figures are those of a U-Net on four GPUs.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

Record = dict[str, Any]

MANIFEST_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

HARNESS, LIFECYCLE, TRAINING = "harness/run.py", "reference/runtime/lifecycle.py", "reference/runtime/training.py"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run is to look like."""

    implementation: str = "pt"
    """pt or tf."""

    division: str = "closed"
    """closed or open."""

    scale: str = "full"
    """tiny, small or full."""

    dataset_id: str = "cloud_slstr_ds1"
    """Data set."""

    simulated: bool = False
    """Whether the data set was simulated."""

    target: float = 0.9
    """Accuracy to reach."""

    qualities: tuple[float, ...] = (0.8614, 0.9037)
    """Accuracy after each epoch."""

    train_samples: int = 2048
    """Tiles of an epoch."""

    eval_samples: int = 630
    """Tiles of an evaluation."""

    batch_size: int = 64
    """Tiles of a step."""

    ranks: int = 4
    """World size."""

    speed: float = 412.5
    """Training tiles per second."""

    log_every_steps: int = 16
    """Steps between two progress events."""

    seed: int = 1093
    """Seed."""

    extra_init: tuple[tuple[str, Any, Record], ...] = ()
    """Further facts of the initialisation."""

    first_epoch: int = 1
    """Number of the first epoch."""


@dataclass(kw_only=True)
class Writer:
    """The events so far, and the time."""

    time_ms: int = 1_785_000_000_000
    """2026-07-25, wall clock."""

    mono_ns: int = 86_412_000_000_000
    """Monotonic clock."""

    records: list[Record] = field(default_factory=list)
    """The log."""

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        milliseconds = round(seconds * 1000)
        self.time_ms += milliseconds
        self.mono_ns += milliseconds * 1_000_000 + 417

    def log(self, key: str, value: Any = None, metadata: Record | None = None, *, at: tuple[str, int]) -> None:
        """Log one event a millisecond later."""
        self.wait(0.001)
        kind = "POINT_IN_TIME"
        if key.endswith("_start"):
            kind = "INTERVAL_START"
        elif key.endswith("_stop"):
            kind = "INTERVAL_END"
        place = {"file": at[0], "lineno": at[1], "rank": 0, "mono_ns": self.mono_ns}
        self.records.append(
            {
                "namespace": "",
                "time_ms": self.time_ms,
                "event_type": kind,
                "key": key,
                "value": value,
                "metadata": {**place, **(metadata or {})},
            }
        )


def tell(plan: Plan) -> list[Record]:
    """Return the events of a whole run."""
    log = Writer()
    _submission(plan, log)
    log.wait(2.9)
    _init(plan, log)
    _run(plan, log)
    _after(plan, log)
    return log.records


def lines(records: list[Record]) -> list[str]:
    """Return the lines of a log, each with its line feed."""
    return [f":::MLLOG {json.dumps(record)}\n" for record in records]


def _submission(plan: Plan, log: Writer) -> None:
    facts: tuple[tuple[str, Any, Record], ...] = (
        ("submission_benchmark", "slstr_cloud", {}),
        ("submission_org", "Example Observatory", {}),
        ("submission_division", plan.division, {}),
        ("submission_status", "onprem", {}),
        ("submission_platform", "one node, four GPUs", {}),
        ("cache_clear", False, {"reason": "needs root"}),
        ("spec_version", "1.0", {}),
        ("run_id", f"20260725T172000Z-{plan.seed:04x}", {}),
        ("scale", plan.scale, {}),
        ("code_commit", "52a9400c1f1e7b0d6a3c9b8e2f4d5a6b7c8d9e0f", {"dirty": False}),
        ("dataset_id", plan.dataset_id, {"simulated": plan.simulated}),
        ("dataset_manifest_sha256", MANIFEST_SHA256, {}),
        ("number_of_nodes", 1, {}),
        ("accelerators_per_node", 4, {}),
        ("launcher", "openmpi", {"version": "4.1.4"}),
        ("launch_environment", {"OMPI_MCA_mpi_yield_when_idle": "1", "OMP_NUM_THREADS": "8"}, {}),
    )
    for number, (key, value, metadata) in enumerate(facts):
        log.log(key, value, metadata, at=(HARNESS, 120 + number))


def _init(plan: Plan, log: Writer) -> None:
    log.log("init_start", at=(LIFECYCLE, 75))
    log.wait(6.212)
    framework = ("tensorflow", "2.21.0") if plan.implementation == "tf" else ("pytorch", "2.13.0")
    facts: tuple[tuple[str, Any, Record], ...] = (
        ("implementation", plan.implementation, {}),
        ("framework", framework[0], {"version": framework[1], "horovod": "0.28.1"}),
        ("number_of_ranks", plan.ranks, {"hosts": 1}),
        ("device", "NVIDIA A100-SXM4-40GB", {"kind": "gpu"}),
        ("threads_per_rank", 8, {}),
        ("seed", plan.seed, {}),
        ("deterministic", False, {}),
        ("precision", "fp32", {}),
        ("model_parameters", 1948609, {}),
        ("hyperparameters", {"batch_size": plan.batch_size, "learning_rate": 0.001, "epsilon": 1e-7}, {}),
        ("global_batch_size", plan.batch_size, {}),
        ("gradient_accumulation_steps", 1, {}),
        ("train_samples", plan.train_samples, {}),
        ("eval_samples", plan.eval_samples, {}),
        ("opt_name", "adam", {}),
        ("opt_base_learning_rate", 0.001, {}),
        ("opt_learning_rate_warmup_steps", 20, {}),
        ("opt_epsilon", 1e-7, {}),
        ("quality_target", plan.target, {"metric": "accuracy", "direction": "max"}),
        *plan.extra_init,
    )
    for number, (key, value, metadata) in enumerate(facts):
        log.log(key, value, metadata, at=("reference/runtime/program.py", 90 + number))
    log.wait(0.9)
    log.log("init_stop", at=(LIFECYCLE, 87))


def _run(plan: Plan, log: Writer) -> None:
    log.log("run_start", at=(LIFECYCLE, 75))
    last = plan.first_epoch
    for epoch, quality in enumerate(plan.qualities, plan.first_epoch):
        _epoch(plan, log, epoch)
        _evaluation(plan, log, epoch, quality)
        log.wait(0.11)
        name = f"checkpoints/epoch-{epoch:04d}.npz"
        log.log("checkpoint", name, {"epoch_num": epoch, "sha256": f"{epoch:064x}"}, at=(TRAINING, 162))
        last = epoch
    status: Record = {"status": "success", "samples_count": last * plan.train_samples}
    log.log("run_stop", None, status, at=(LIFECYCLE, 87))


def _epoch(plan: Plan, log: Writer, epoch: int) -> None:
    steps = math.ceil(plan.train_samples / plan.batch_size)
    log.log("epoch_start", None, {"epoch_num": epoch}, at=(LIFECYCLE, 75))
    loss, done = 0.0, 0
    for step in range(1, steps + 1):
        if step % plan.log_every_steps == 0 or step == steps:
            log.wait((step - done) * plan.batch_size / plan.speed)
            done, loss = step, round(0.31 / (epoch + step / steps), 6)
            where = {"epoch_num": epoch, "step": step, "steps_per_epoch": steps}
            log.log(
                "tracked_stats", {"loss": loss, "throughput": plan.speed}, where, at=("reference/runtime/meter.py", 52)
            )
    log.log("train_loss", round(loss * 1.08, 6), {"epoch_num": epoch}, at=("reference/runtime/meter.py", 44))
    log.log("throughput", plan.speed, {"epoch_num": epoch}, at=("reference/runtime/meter.py", 45))
    log.log("epoch_stop", None, {"epoch_num": epoch, "samples_count": plan.train_samples}, at=(LIFECYCLE, 87))


def _evaluation(plan: Plan, log: Writer, epoch: int, quality: float) -> None:
    log.log("eval_start", None, {"epoch_num": epoch}, at=(LIFECYCLE, 75))
    log.wait(plan.eval_samples / plan.speed / 3)
    metrics = {"accuracy": quality, "balanced_accuracy": quality - 0.013, "f1": quality - 0.021, "iou": quality - 0.094}
    for name, value in metrics.items():
        log.log(f"eval_{name}", round(value, 6), {"epoch_num": epoch}, at=(TRAINING, 105))
    log.log("eval_stop", None, {"epoch_num": epoch, "samples_count": plan.eval_samples}, at=(LIFECYCLE, 87))


def _after(plan: Plan, log: Writer) -> None:
    log.wait(1.4)
    for name, value in (("all cloudy", 0.6172), ("linear discriminant", 0.8105)):
        metadata = {"name": name, "metric": "accuracy"}
        log.log("baseline", value, metadata, at=("reference/runtime/program.py", 58))
    log.wait(0.6)
    log.log("telemetry", "recorded", {"source": "nvml", "host": "node01"}, at=(HARNESS, 210))
    log.log("energy", 4821.6, {"source": "nvml energy counter of four GPUs"}, at=(HARNESS, 216))
