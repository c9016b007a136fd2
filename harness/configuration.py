"""What a run is, once everything about it is decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import registry
from harness.launchers.detect import Launcher
from harness.launchers.plan import Host


@dataclass(frozen=True, kw_only=True)
class Submission:
    """Who stands behind the run, for the log."""

    org: str
    """Organisation."""

    platform: str
    """Name of the system."""

    status: str
    """Availability of the system."""

    division: str
    """closed or open."""


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """One run, resolved and checked; only the data are not looked at yet."""

    benchmark: registry.Benchmark
    """What is run."""

    implementation: registry.Implementation
    """Which program runs it."""

    scale: str
    """Size of the problem."""

    ranks: int
    """Number of ranks."""

    threads: int
    """Compute threads of one rank."""

    hosts: tuple[Host, ...]
    """Machines; none means this one."""

    launcher: Launcher
    """What starts the ranks."""

    seed: int
    """Seed of the run."""

    precision: str
    """fp32 or bf16."""

    precision_reason: str
    """Why that precision."""

    deterministic: bool
    """Whether deterministic kernels are asked for."""

    hyperparameters: Mapping[str, Any]
    """Every hyperparameter with its value."""

    target: float
    """Value that the metric has to reach."""

    max_epochs: int
    """Epochs after which the run ends without the target."""

    max_seconds: float | None
    """Seconds of training after which it ends; None is no limit."""

    stall_seconds: float
    """Seconds without any event after which it is stopped."""

    grace_seconds: float
    """Seconds that ranks get to finish their step when the run is stopped."""

    data_dir: Path | None
    """Where the user says that the data are."""

    stage: Path | None
    """Folder that the data set is copied into before it is read; None reads it where it is."""

    stage_as: str
    """Whether its files are copied, or samples prepared."""

    stage_compress: str
    """How the copy is compressed."""

    output_dir: Path
    """Folder for run directories."""

    resume_from: Path | None
    """Checkpoint to continue from."""

    log_every_steps: int
    """Steps between two progress events."""

    checkpoint_every: int
    """Epochs between two checkpoints."""

    checkpoint_keep: int
    """Newest checkpoints that stay."""

    submission: Submission
    """Who stands behind the run."""
