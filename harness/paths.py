"""Where things are in the checkout. The suite is used from its checkout, so that these are facts, not settings."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SCHEMAS = ROOT / "logging_spec" / "schemas"
KEYS = ROOT / "logging_spec" / "keys.json"
SEARCH_PATH = "SCIML_BENCH_PATH"
"""Variable that names further folders with benchmarks, apart by colons like those of PATH."""


def homes() -> list[Path]:
    """Folders with a `reference/` and a `datasets/` of their own: the checkout, and those of the search path."""
    named = os.environ.get(SEARCH_PATH, "").split(os.pathsep)
    return [ROOT, *(Path(folder).resolve() for folder in named if folder)]


def python_path() -> str:
    """PYTHONPATH by which a program of a benchmark outside the checkout finds the suite."""
    own = os.environ.get("PYTHONPATH")
    return f"{ROOT}{os.pathsep}{own}" if own else str(ROOT)


def data_root() -> Path:
    """Folder under which each data set has its own: `$SCIML_BENCH_DATA`, or `data/` in the checkout."""
    return Path(os.environ.get("SCIML_BENCH_DATA") or ROOT / "data").resolve()


def output_root() -> Path:
    """Folder for run directories: `$SCIML_BENCH_OUTPUT`, or `runs/` under the current folder."""
    return Path(os.environ.get("SCIML_BENCH_OUTPUT") or "runs").resolve()
