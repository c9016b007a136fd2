"""What the runtime's loop costs beside a bare loop of the same steps: `python loop_overhead.py [STEPS]`.

The steps are those of the NumPy twin of the unit tests, a few microseconds each, so that the cost of events, read-ahead
and bookkeeping is not lost in computing. Bare loop and runtime take turns; only what is measured in one run compares.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit" / "reference"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from numpy_twin import LineTask, NumpyBackend

from reference.runtime import lifecycle, runconfig, sharding
from reference.runtime.stop import StopRequest
from reference.runtime.training import Training

ROOT = Path(__file__).resolve().parents[2]
PAIRS = 7


class LongTask(LineTask):
    """The same task with more samples."""

    def __init__(self, steps: int) -> None:
        super().__init__(learning_rate=1e-6)
        self.train_count = steps * self.batch_size


def bare(task: LongTask, steps: int) -> float:
    """Return seconds of the steps alone, batches read in the same thread."""
    backend = NumpyBackend()
    batches = sharding.batches(np.arange(task.train_count), task.batch_size)
    started = time.perf_counter()
    for indices in batches[:steps]:
        backend.train_step(task.train_batch(indices, 1), count=len(indices), learning_rate=1e-6, wish_to_stop=False)
    return time.perf_counter() - started


def with_runtime(task: LongTask, folder: Path, log_every_steps: int) -> float:
    """Return seconds of an epoch of the runtime."""
    text = (ROOT / "tests/unit/reference/cases/run.json").read_text(encoding="utf-8").replace("@FOLDER@", str(folder))
    document = json.loads(text) | {"target": {"metric": "closeness", "direction": "max", "value": 2.0}}
    document |= {"log_every_steps": log_every_steps, "limits": {"max_epochs": 1, "max_seconds": None}}
    document["checkpoint"]["every_epochs"] = 0
    (folder / "run.json").write_text(json.dumps(document), encoding="utf-8")
    run = runconfig.load(folder / "run.json")
    with lifecycle.open_log(run, 0) as log:
        training = Training(run=run, task=task, backend=NumpyBackend(), log=log, stop=StopRequest())
        training.prepare()
        started = time.perf_counter()
        training.train()
        return time.perf_counter() - started


def main(steps: int) -> None:
    """Measure by turns and print medians."""
    with tempfile.TemporaryDirectory() as name:
        rows = []
        for _ in range(PAIRS):
            alone = bare(LongTask(steps), steps)
            seldom = with_runtime(LongTask(steps), Path(name), 10**9)
            always = with_runtime(LongTask(steps), Path(name), 1)
            rows.append((alone, seldom, always))
    alone, seldom, always = (1e6 * statistics.median(column) / steps for column in zip(*rows, strict=True))
    print(f"bare loop                   {alone:7.1f} µs a step")
    print(f"runtime, progress seldom    {seldom:7.1f} µs a step: {seldom - alone:+6.1f}")
    print(f"runtime, progress each step {always:7.1f} µs a step: {always - alone:+6.1f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="What the runtime's loop costs beside a bare one.")
    parser.add_argument("steps", nargs="?", type=int, default=5000, help="steps of an epoch (%(default)s)")
    main(parser.parse_args().steps)
