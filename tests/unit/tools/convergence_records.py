"""Runs of em_denoise that nobody did, for the tests of tools/convergence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from tools.convergence.kept import Record

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "valid" / "em_denoise-pt.mllog"
"""A log of unet, scale full, seed 1093."""

RECORD = Record(
    kind="seed", benchmark="em_denoise", scale="small", model="unet", implementation="pt", seed=1,
    metric="psnr", direction="max", target=24.0, reached=True, qualities=(20.0, 24.25), quality=24.25, samples=512,
    run_time_s=600.0, samples_per_s=5.5, baseline=("gaussian_filter", 21.8), batch_size=16, train_samples=256,
    precision="fp32", hyperparameters={"model": "unet", "batch_size": 16}, framework="pytorch 2.13.0",
    machine="A processor, 2 ranks × 1 thread", commit="0123456789ab", errors=(),
)  # fmt: skip


def record(*qualities: float, **changes: Any) -> Record:
    """A run with these qualities, by epoch."""
    given = {"qualities": qualities, "quality": max(qualities), "samples": 256 * len(qualities)}
    given["reached"] = max(qualities) >= changes.get("target", RECORD.target)
    return replace(RECORD, **given, **changes)


CAMPAIGN = (
    record(20.0, 22.0, 24.5, seed=3, run_time_s=900.0),
    record(20.0, 24.25, seed=1),
    record(20.0, 23.0, seed=2, errors=("target-001", "target-003")),
    record(24.0, model="dncnn", seed=1, run_time_s=90.0, hyperparameters={"model": "dncnn", "crop": 48},
           commit="0123456789ab dirty"),
    record(21.0, seed=1, implementation="tf", framework="tensorflow 2.21.0", baseline=None, errors=("target-001",)),
    record(20.0, 25.0, seed=1, kind="explore"),
)  # fmt: skip
"""Three groups: of one a run missed its target, of one the only run did; and a run that is in no table."""
