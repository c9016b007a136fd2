"""A third backend and a task of a few numbers, in NumPy alone: what the story of a training does can be seen in it.

The model is a line fitted to a line by plain gradient descent; the metric says how close it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference.runtime.backend import Backend, Baseline, Batch, Optimiser, Statistics, StepResult
from reference.runtime.checkpoints import State, matched
from reference.runtime.lifecycle import Facts
from reference.runtime.schedule import Schedule
from reference.runtime.sharding import Indices


class LineTask:
    """Fit y = 3 x."""

    train_count = 10
    eval_count = 5
    batch_size = 4
    model_options = ("learning_rate",)
    metric_names = ("closeness", "loss")
    margin = 0.0

    def __init__(self, learning_rate: float = 0.1) -> None:
        self.learning_rate = learning_rate
        self.seen: list[int] = []
        self.memory: dict[str, Any] = {}

    def optimiser(self, ranks: int) -> Optimiser:
        return Optimiser(schedule=Schedule(learning_rate=self.learning_rate, ranks=ranks, warmup_steps=0), epsilon=1e-7)

    def initial_weights(self) -> State:
        return {"line/kernel": np.zeros(1, np.float32)}

    def train_batch(self, indices: Indices, epoch: int) -> Batch:
        self.seen += indices.tolist()
        x = 1.0 + indices.astype(np.float64) / self.train_count
        return {"x": x, "y": 3.0 * x}

    def eval_batch(self, indices: Indices) -> Batch:
        x = 0.5 + indices.astype(np.float64)
        return {"x": x, "y": 3.0 * x}

    def no_statistics(self) -> Statistics:
        return {"loss": np.zeros(2)}

    def score(self, outputs: NDArray[Any], batch: Batch) -> Statistics:
        return {"loss": np.array([((outputs - batch["y"]) ** 2).sum(), len(outputs)])}

    def metrics(self, totals: Statistics) -> dict[str, float]:
        loss = float(totals["loss"][0] / totals["loss"][1])
        return {"closeness": 1 / (1 + loss), "loss": loss}

    def baselines(self, backend: Backend) -> Iterator[Baseline]:
        yield Baseline(name="zero", metric="closeness", value=0.1)


class NumpyBackend:
    """One rank. `other_wishes` stands for what other ranks ask for in a step."""

    rank = 0

    def __init__(self, after_step: Callable[[int], None] = lambda step: None, other_wishes: int = 0) -> None:
        self._state: State = {"weights/line/kernel": np.zeros(1, np.float32), "adam/step": np.zeros((), np.float32)}
        self._after_step, self._other_wishes = after_step, other_wishes
        self.learning_rates: list[float] = []
        self.facts = Facts(
            framework="numpy", framework_version=np.__version__, horovod_version="none", device="test",
            device_kind="cpu", threads=1, ranks=1, parameters=1,
        )  # fmt: skip

    def train_step(self, batch: Batch, *, count: int, learning_rate: float, wish_to_stop: bool) -> StepResult:
        kernel = self._state["weights/line/kernel"]
        error = kernel * batch["x"] - batch["y"]
        self._state["weights/line/kernel"] = (kernel - learning_rate * 2 * (error * batch["x"]).sum() / count).astype(
            np.float32
        )
        self._state["adam/step"] = np.float32(self._state["adam/step"] + 1) * np.ones((), np.float32)
        self.learning_rates.append(learning_rate)
        self._after_step(len(self.learning_rates))
        return StepResult(loss=float((error**2).sum() / count), stop_wishes=int(wish_to_stop) + self._other_wishes)

    def forward(self, batch: Batch) -> NDArray[Any]:
        return self._state["weights/line/kernel"] * batch["x"]

    def allreduce_sum(self, values: NDArray[Any], name: str) -> NDArray[Any]:
        return values

    def broadcast_state(self) -> None:
        pass

    def state(self) -> State:
        return {name: array.copy() for name, array in self._state.items()}

    def load_state(self, state: State) -> None:
        self._state = matched(state, self._state)

    def shutdown(self) -> None:
        pass
