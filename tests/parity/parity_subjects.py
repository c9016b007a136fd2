"""What the parity suites compare: every model of every benchmark, those of $SCIML_BENCH_PATH included.

A benchmark takes part by being there. Its twins are its implementations in PyTorch and in TensorFlow, each started by
`-m PACKAGE`; `PACKAGE.train` has `make_backend`, and the module `task` beside the package has the benchmark's task.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import parity_runs

from harness import registry
from harness.paths import ROOT, homes

FRAMEWORKS = {"pt": "pytorch", "tf": "tensorflow"}
"""The twins, and the frameworks that they are written with."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One model of one benchmark."""

    benchmark: registry.Benchmark
    """The benchmark."""

    model: str | None
    """Name of the model; None where the benchmark has one only."""

    @property
    def name(self) -> str:
        """Its name in tolerances.json and in reports."""
        return f"{self.benchmark.name}/{self.model}" if self.model else self.benchmark.name

    @property
    def outside(self) -> bool:
        """Whether it lies outside the checkout: nothing is pinned for it then."""
        return self.benchmark.home != ROOT

    def package(self, twin: str) -> str:
        """Package of a twin; a framework that is missing is an error."""
        for entry in self.benchmark.implementations.values():
            if entry.framework == FRAMEWORKS[twin]:
                return entry.argv[entry.argv.index("-m") + 1]
        raise LookupError(f"{self.benchmark.path}: expected an implementation in {FRAMEWORKS[twin]}, found none")

    def scale(self) -> str:
        """The smallest scale."""
        return next(name for name in ("tiny", "small", "full") if name in self.benchmark.scales)

    def hyperparameters(self) -> dict[str, Any]:
        """What the command line would give it at that scale."""
        defaults = {name: schema["default"] for name, schema in self.benchmark.hyperparameters.items()}
        chosen = {"model": self.model} if self.model else {}
        return {**defaults, **self.benchmark.scale_of(self.scale(), self.model).hyperparameters, **chosen}

    def write_run(self, folder: Path, twin: str, data: Path, precision: str) -> Path:
        """Write the run.json by which a twin builds its task and its backend."""
        source = {"directory": str(data), "dataset_id": None, "manifest_sha256": None, "simulated": True}
        return parity_runs.write_run(
            folder / self.name / twin / precision, twin, benchmark=self.benchmark.name, scale=self.scale(),
            data=source, precision=precision, hyperparameters=self.hyperparameters(),
        )  # fmt: skip


def subjects() -> list[Subject]:
    """Every model of every benchmark."""
    benchmarks = [registry.load(name) for name in registry.names()]
    return [
        Subject(benchmark=benchmark, model=model) for benchmark in benchmarks for model in benchmark.models or [None]
    ]


def make_data(subject: Subject, folder: Path) -> Path:
    """Make the data set of a subject's benchmark below a folder, where it is not there yet; return its own folder."""
    own = folder / subject.benchmark.scales[subject.scale()].dataset_id
    if (own / "manifest.json").is_file():
        return own
    command = [sys.executable, "-m", "harness", "data", "make", subject.benchmark.name, "--scale", subject.scale()]
    subprocess.run([*command, "--data-dir", str(folder)], cwd=ROOT, check=True, capture_output=True, timeout=300)
    return own


def environment() -> dict[str, str]:
    """Return the environment of a twin: packages are found in the checkout and in the folders of the search path."""
    return parity_runs.environment() | {"PYTHONPATH": os.pathsep.join(map(str, homes()))}


def write_jobs(path: Path, jobs: list[dict[str, Any]]) -> Path:
    """Write what a process is to compute."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(jobs), encoding="utf-8")
    return path
