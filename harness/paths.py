"""Where things are in the checkout. The suite is used from its checkout, so that these are facts, not settings."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SCHEMAS = ROOT / "logging_spec" / "schemas"
REFERENCE = ROOT / "reference"
DATASETS = ROOT / "datasets"


def data_root() -> Path:
    """Folder under which each data set has its own: `$SCIML_BENCH_DATA`, or `data/` in the checkout."""
    return Path(os.environ.get("SCIML_BENCH_DATA") or ROOT / "data").resolve()


def output_root() -> Path:
    """Folder for run directories: `$SCIML_BENCH_OUTPUT`, or `runs/` under the current folder."""
    return Path(os.environ.get("SCIML_BENCH_OUTPUT") or "runs").resolve()
