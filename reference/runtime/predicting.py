"""Mode predict, as far as it is alike in all benchmarks: inputs shared out, each reported, all put into one document.

The document is `artifacts/predictions.json` (logging_spec/schemas/predictions.schema.json).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from logging_spec.whole import whole_file

from . import sharding
from .backend import Backend
from .latency import Latency, summarise
from .runconfig import RunConfig


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What is said of one input."""

    input: str
    """Path of the input."""

    summary: str
    """What came out, in one line."""

    files: dict[str, str]
    """Kind → name of a file beside the document."""

    scores: dict[str, Any] = field(default_factory=dict)
    """Truth → method → metric → value, where there is a truth; `reason` in place of methods where there is none."""

    details: dict[str, Any] = field(default_factory=dict)
    """Further facts of the benchmark's own."""


def predict_inputs(
    run: RunConfig,
    backend: Backend,
    one: Callable[[int, Path, Latency], Prediction],
    *,
    model: dict[str, Any],
    unit: str,
    warmup: int,
) -> None:
    """Predict every input, spread over the ranks, and write `artifacts/predictions.json`.

    Args:
        run: the run.
        backend: the model.
        one: predicts from one input, given its number and path; it warms up by itself where it is this rank's first.
        model: what the document says of the model.
        unit: what is timed, in the plural.
        warmup: items that each rank computes untimed.

    Raises:
        DataError: an input cannot be read.
    """
    folder, latency = run.output.artifacts, Latency()
    folder.mkdir(parents=True, exist_ok=True)
    mine = sharding.share(np.arange(len(run.data.inputs)), rank=backend.rank, size=backend.facts.ranks)
    reports = {int(index): asdict(one(int(index), run.data.inputs[index], latency)) for index in mine}
    write_json(_part(folder, backend.rank), {"reports": reports, "seconds": latency.seconds})
    backend.allreduce_sum(np.array([len(mine)], np.int64), "predicted")  # all parts are there after it
    if backend.rank == 0:
        names = [_part(folder, rank) for rank in range(backend.facts.ranks)]
        parts = [json.loads(name.read_text(encoding="utf-8")) for name in names]
        everything = {int(index): report for part in parts for index, report in part["reports"].items()}
        document = {
            "run_id": run.run_id,
            "model": {"checkpoint": str(run.resume_from), **model},
            "timing": summarise([part["seconds"] for part in parts], unit=unit, warmup=warmup),
            "predictions": [everything[index] for index in sorted(everything)],
        }
        write_json(folder / "predictions.json", document)
        for name in names:
            name.unlink()


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write a JSON document whole."""
    with whole_file(path) as file:
        file.write(json.dumps(document, indent=2, allow_nan=False).encode() + b"\n")


def _part(folder: Path, rank: int) -> Path:
    return folder / f"prediction-of-rank-{rank:05d}.json"
