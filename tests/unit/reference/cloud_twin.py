"""A third backend for the cloud benchmark, in NumPy alone, on one rank or on several threads that play ranks.

Its model is a rule on one channel and learns nothing, so what a run makes of its answers can be foretold.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from numpy_twin import NumpyBackend

from reference.runtime.backend import Batch, StepResult
from reference.runtime.checkpoints import State

Result = TypeVar("Result")

S2, S8 = 1, 7
"""Places of two channels among the nine."""


class Exchange:
    """Sums arrays over ranks that are threads."""

    def __init__(self, ranks: int) -> None:
        self._barrier = threading.Barrier(ranks, timeout=60)
        self._given: list[NDArray[Any]] = [np.zeros(0)] * ranks

    def sum(self, rank: int, values: NDArray[Any]) -> NDArray[Any]:
        self._given[rank] = values
        self._barrier.wait()
        total = np.sum(self._given, axis=0)
        self._barrier.wait()
        return total


class RuleBackend(NumpyBackend):
    """Says cloud where a channel of what it is given is above 0, or below."""

    def __init__(self, *, channel: int, above: bool, rank: int = 0, ranks: int = 1, exchange: Exchange | None = None):
        super().__init__()
        self.facts = replace(self.facts, ranks=ranks)
        self.rank, self._exchange = rank, exchange or Exchange(1)
        self._channel, self._sign = channel, 1 if above else -1
        self.seen: list[NDArray[np.float32]] = []

    def train_step(self, batch: Batch, *, count: int, learning_rate: float, wish_to_stop: bool) -> StepResult:
        return StepResult(loss=1.0, stop_wishes=0)

    def forward(self, batch: Batch) -> NDArray[Any]:
        self.seen.append(batch["images_NHWC"])
        return self._sign * batch["images_NHWC"][..., self._channel]

    def allreduce_sum(self, values: NDArray[Any], name: str) -> NDArray[Any]:
        return self._exchange.sum(self.rank, values)

    def load_state(self, state: State) -> None:
        """Have no use for weights."""


def on_ranks(ranks: int, work: Callable[[int, Exchange], Result]) -> list[Result]:
    """Do the work of all ranks side by side and return what each returns."""
    exchange = Exchange(ranks)
    with ThreadPoolExecutor(ranks) as pool:
        return list(pool.map(lambda rank: work(rank, exchange), range(ranks)))


def write_data(folder: Path, write_scene: Callable[..., Path], *, test_scenes: int = 2) -> Path:
    """Write two training scenes and some test scenes: bayes is cold in S8, summary is bright in S2."""
    files, splits = [], {"train": [], "test": []}
    for number in range(2 + test_scenes):
        split, random = "test" if number > 1 else "train", np.random.default_rng(number)
        rows, columns = 256 + 20 * number, 300 - 10 * number
        bts = random.uniform(240, 300, (rows, columns, 3)).astype("f4")
        refs = random.uniform(0, 1, (rows, columns, 6))
        bts[:, :4] = np.nan  # the edge of the swath
        planes = {"bayes": (bts[..., 1:2] < 270).astype("u1"), "summary": (refs[..., 1:2] > 0.5).astype("i8")}
        content = write_scene(rows, columns, bts=bts, refs=refs, **planes).read_bytes()
        name = f"{split}/S3A_{number}.hdf"
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        splits[split].append(name)
        files.append({"path": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()})
    manifest: dict[str, Any] = {"layout": {"keys": {}}, "splits": splits, "files": files}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder
