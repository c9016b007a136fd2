"""The steps of a training in PyTorch over Horovod. `tf.py` is its twin: same names, same order.

Both twins get their batches from the same NumPy reader and read-ahead thread (`readahead.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import horovod
import horovod.torch as hvd
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from logging_spec.ranks import Ranks

from .backend import Batch, Optimiser, StepResult
from .checkpoints import State, matched
from .host import cpu_name
from .lifecycle import Facts
from .pt_layers import Network, Tensors, from_canonical, to_canonical
from .runconfig import RunConfig
from .seeds import seed_libraries


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a benchmark adds to the steps below."""

    network: Callable[[], Network]
    """Builds the model; its variables are replaced by the canonical initial ones."""

    loss: Callable[[Tensor, Tensors], Tensor]
    """Sums the samples' losses, in float32."""

    optimiser: Optimiser
    """Settings of Adam."""


def configure(run: RunConfig, place: Ranks) -> torch.device:
    """Start Horovod, apply threads, seed and determinism, and choose this rank's device."""
    hvd.init()
    torch.set_num_threads(run.threads_per_rank)
    torch.manual_seed(seed_libraries(run.seed))
    torch.use_deterministic_algorithms(run.deterministic)
    return torch.device("cuda", place.local_rank) if torch.cuda.is_available() else torch.device("cpu")


class Adam:
    """Adam by algorithm 1 of Kingma and Ba: `torch.optim.Adam` adds epsilon where the paper does.

    The moments exist from the start, so that they can be broadcast and saved like the weights.
    """

    def __init__(self, trained: dict[str, Tensor], settings: Optimiser) -> None:
        self._trained = trained
        self._adam = torch.optim.Adam(trained.values(), betas=(settings.beta1, settings.beta2), eps=settings.epsilon)
        self._step = torch.zeros(())
        self._first = {name: torch.zeros_like(tensor, requires_grad=False) for name, tensor in trained.items()}
        self._second = {name: torch.zeros_like(tensor, requires_grad=False) for name, tensor in trained.items()}
        for name, tensor in trained.items():
            moments = {"exp_avg": self._first[name], "exp_avg_sq": self._second[name]}
            self._adam.state[tensor] = {"step": torch.zeros(()), **moments}

    def update(self, gradients: list[Tensor], learning_rate: float) -> None:
        """Move the weights by one step."""
        for tensor, gradient in zip(self._trained.values(), gradients, strict=True):
            tensor.grad = gradient
            self._adam.state[tensor]["step"].copy_(self._step)
        self._adam.param_groups[0]["lr"] = learning_rate
        self._adam.step()
        self._step += 1

    def variables(self) -> dict[str, Tensor]:
        """Name the optimiser's state canonically."""
        first = {f"adam/first_moment/{name}": tensor for name, tensor in self._first.items()}
        second = {f"adam/second_moment/{name}": tensor for name, tensor in self._second.items()}
        return {"adam/step": self._step, **first, **second}


class TorchBackend:
    """`backend.Backend` in PyTorch."""

    def __init__(self, run: RunConfig, place: Ranks, recipe: Recipe) -> None:
        self._device = configure(run, place)
        self._recipe = recipe
        self._bf16 = run.precision == "bf16"
        self._network = recipe.network().to(self._device)
        self._variables = self._network.variables()
        self._trained = {name: tensor for name, tensor in self._variables.items() if tensor.requires_grad}
        self._adam = Adam(self._trained, recipe.optimiser)
        self.rank = hvd.rank()
        self.facts = self._measure()

    def train_step(self, batch: Batch, *, count: int, learning_rate: float, wish_to_stop: bool) -> StepResult:
        """Do one optimiser step; see `backend.Backend`."""
        if len(next(iter(batch.values()))) or self._network.synchronised:
            loss, gradients = self._gradients(self._tensors(batch), count)
        else:
            loss, gradients = self._no_gradients()
        extras = torch.stack([loss, torch.tensor(float(wish_to_stop), device=self._device)])
        *gradients, extras = hvd.grouped_allreduce_([*gradients, extras], op=hvd.Sum, name="step")
        self._adam.update(gradients, learning_rate)
        return StepResult(loss=float(extras[0]), stop_wishes=round(float(extras[1])))

    def _gradients(self, tensors: Tensors, count: int) -> tuple[Tensor, list[Tensor]]:
        with self._autocast():
            outputs = self._network(tensors, training=True)
        loss = self._recipe.loss(outputs.float(), tensors) / count
        gradients = torch.autograd.grad(loss, list(self._trained.values()))
        return loss.detach(), [gradient.contiguous() for gradient in gradients]  # Horovod takes no other layout

    def _no_gradients(self) -> tuple[Tensor, list[Tensor]]:
        return torch.zeros((), device=self._device), [torch.zeros_like(tensor) for tensor in self._trained.values()]

    def forward(self, batch: Batch) -> NDArray[np.float32]:
        """Return the model's outputs; see `backend.Backend`."""
        with torch.inference_mode(), self._autocast():
            return self._network(self._tensors(batch), training=False).float().cpu().numpy()

    def _tensors(self, batch: Batch) -> Tensors:
        return {name: torch.from_numpy(array).to(self._device) for name, array in batch.items()}

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._bf16)

    def allreduce_sum(self, values: NDArray[Any], name: str) -> NDArray[Any]:
        """Sum an array over all ranks; see `backend.Backend`."""
        return hvd.allreduce(torch.from_numpy(values), op=hvd.Sum, name=name).numpy()

    def broadcast_state(self) -> None:
        """Give every rank rank 0's weights and optimiser state."""
        hvd.broadcast_parameters(self._all_variables(), root_rank=0)

    def state(self) -> State:
        """Return weights and optimiser state in the canonical layout."""
        return {name: to_canonical(tensor) for name, tensor in self._all_variables().items()}

    def load_state(self, state: State) -> None:
        """Replace weights and optimiser state; see `backend.Backend`."""
        new = matched(state, self.state())
        with torch.no_grad():
            for name, tensor in self._all_variables().items():
                tensor.copy_(from_canonical(new[name]))

    def _all_variables(self) -> dict[str, Tensor]:
        weights = {f"weights/{name}": tensor for name, tensor in self._variables.items()}
        return {**weights, **self._adam.variables()}

    def shutdown(self) -> None:
        """End the communication."""
        hvd.shutdown()

    def _measure(self) -> Facts:
        gpu = self._device.type == "cuda"
        return Facts(
            framework="pytorch",
            framework_version=torch.__version__,
            horovod_version=horovod.__version__,
            device=torch.cuda.get_device_name(self._device) if gpu else cpu_name(),
            device_kind="gpu" if gpu else "cpu",
            threads=torch.get_num_threads(),
            ranks=hvd.size(),
            parameters=sum(tensor.numel() for tensor in self._trained.values()),
        )
