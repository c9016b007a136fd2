"""The steps of a training in TensorFlow over Horovod. `pt.py` is its twin: same names, same order.

Both twins get their batches from the same NumPy reader and read-ahead thread (`readahead.py`), so that tf.data, whose
autotuning now and then pins a whole epoch to one thread, is not needed. Horovod's Keras optimiser is not used either:
under Keras 3 it runs without an error and averages nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import horovod
import horovod.tensorflow as hvd
import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from logging_spec.ranks import Ranks

from .backend import Batch, Optimiser, StepResult
from .checkpoints import State, matched
from .host import cpu_name
from .lifecycle import Facts
from .runconfig import RunConfig
from .seeds import seed_libraries
from .tf_layers import Network, Tensors, from_canonical, to_canonical


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a benchmark adds to the steps below."""

    network: Callable[[], Network]
    """Builds the model; its variables are replaced by the canonical initial ones."""

    loss: Callable[[tf.Tensor, Tensors], tf.Tensor]
    """Sums the samples' losses, in float32."""

    optimiser: Optimiser
    """Settings of Adam."""


def configure(run: RunConfig, place: Ranks) -> tf.config.LogicalDevice:
    """Start Horovod, apply threads, seed and determinism, and choose this rank's device."""
    hvd.init()
    tf.config.threading.set_intra_op_parallelism_threads(run.threads_per_rank)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.random.set_seed(seed_libraries(run.seed))
    if run.deterministic:
        tf.config.experimental.enable_op_determinism()
        # The graph optimiser chooses among equivalent gradients by chance in each process; their last bits differ.
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    keras.config.set_dtype_policy("mixed_bfloat16" if run.precision == "bf16" else "float32")
    gpus = tf.config.list_physical_devices("GPU")
    tf.config.set_visible_devices(gpus[place.local_rank : place.local_rank + 1], "GPU")
    return tf.config.list_logical_devices("GPU" if gpus else "CPU")[0]


class Adam:
    """Adam by algorithm 1 of Kingma and Ba.

    TensorFlow's kernel divides by sqrt(v) + epsilon before it corrects the bias of v. With epsilon·sqrt(1 − beta2^t)
    in that place, the correction cancels, and epsilon stands where the paper has it.
    """

    def __init__(self, trained: dict[str, tf.Variable], settings: Optimiser) -> None:
        self._trained, self._settings = trained, settings
        self._step = tf.Variable(0.0, trainable=False)
        self._first = {name: tf.Variable(tf.zeros_like(variable)) for name, variable in trained.items()}
        self._second = {name: tf.Variable(tf.zeros_like(variable)) for name, variable in trained.items()}

    def update(self, gradients: list[tf.Tensor], learning_rate: tf.Tensor) -> None:
        """Move the weights by one step."""
        beta1, beta2 = self._settings.beta1, self._settings.beta2
        step = self._step.assign_add(1.0)
        beta1_power, beta2_power = beta1**step, beta2**step
        epsilon = self._settings.epsilon * tf.sqrt(1.0 - beta2_power)
        for (name, variable), gradient in zip(self._trained.items(), gradients, strict=True):
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=self._first[name].handle,
                v=self._second[name].handle,
                beta1_power=beta1_power,
                beta2_power=beta2_power,
                lr=learning_rate,
                beta1=beta1,
                beta2=beta2,
                epsilon=epsilon,
                grad=gradient,
            )

    def variables(self) -> dict[str, tf.Variable]:
        """Name the optimiser's state canonically."""
        first = {f"adam/first_moment/{name}": variable for name, variable in self._first.items()}
        second = {f"adam/second_moment/{name}": variable for name, variable in self._second.items()}
        return {"adam/step": self._step, **first, **second}


class TensorFlowBackend:
    """`backend.Backend` in TensorFlow."""

    def __init__(self, run: RunConfig, place: Ranks, recipe: Recipe) -> None:
        self._device = configure(run, place)
        self._recipe = recipe
        self._network = recipe.network()
        self._variables = self._network.variables()
        self._trained = {name: variable for name, variable in self._variables.items() if variable.trainable}
        self._adam = Adam(self._trained, recipe.optimiser)
        self._gradients_of = tf.function(self._gradients, reduce_retracing=True)
        self._gradients_of_nothing = tf.function(self._gradients_without_samples)
        self._update_by = tf.function(self._update)
        self._outputs_of = tf.function(self._outputs, reduce_retracing=True)
        self.rank = hvd.rank()
        self.facts = self._measure()

    def train_step(self, batch: Batch, *, count: int, learning_rate: float, wish_to_stop: bool) -> StepResult:
        """Do one optimiser step; see `backend.Backend`."""
        if len(next(iter(batch.values()))):
            loss, gradients = self._gradients_of(self._tensors(batch), tf.constant(count, tf.float32))
        elif self._network.synchronised:
            loss, gradients = self._gradients_of_nothing(self._tensors(batch))
        else:
            loss, gradients = self._no_gradients()
        extras = tf.stack([loss, tf.constant(float(wish_to_stop))])
        extras = self._update_by(gradients, extras, tf.constant(learning_rate, tf.float32)).numpy()
        return StepResult(loss=float(extras[0]), stop_wishes=round(float(extras[1])))

    def _gradients(self, tensors: Tensors, count: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        with tf.GradientTape() as tape:
            outputs = self._network.forward(tensors, training=True)
            loss = self._recipe.loss(tf.cast(outputs, tf.float32), tensors) / count
        return loss, tape.gradient(loss, list(self._trained.values()))

    def _gradients_without_samples(self, tensors: Tensors) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Take part in what layers sum over all ranks: with one sample of zeros, nothing among infinitely many.

        TensorFlow's kernels on oneDNN give an empty batch wrong shapes, and end the process in its gradients.
        """
        stand_in = {name: tf.zeros([1, *tensor.shape[1:]], tensor.dtype) for name, tensor in tensors.items()}
        self._network.counted = False
        try:
            return self._gradients(stand_in, tf.constant(math.inf))
        finally:
            self._network.counted = True

    def _no_gradients(self) -> tuple[tf.Tensor, list[tf.Tensor]]:
        return tf.zeros(()), [tf.zeros_like(variable) for variable in self._trained.values()]

    def _update(self, gradients: list[tf.Tensor], extras: tf.Tensor, learning_rate: tf.Tensor) -> tf.Tensor:
        *gradients, extras = hvd.grouped_allreduce([*gradients, extras], op=hvd.Sum, name="step")
        self._adam.update(gradients, learning_rate)
        return extras

    def forward(self, batch: Batch) -> NDArray[np.float32]:
        """Return the model's outputs; see `backend.Backend`."""
        return self._outputs_of(self._tensors(batch)).numpy()

    def _outputs(self, tensors: Tensors) -> tf.Tensor:
        return tf.cast(self._network.forward(tensors, training=False), tf.float32)

    def _tensors(self, batch: Batch) -> Tensors:
        return {name: tf.convert_to_tensor(array) for name, array in batch.items()}

    def allreduce_sum(self, values: NDArray[Any], name: str) -> NDArray[Any]:
        """Sum an array over all ranks; see `backend.Backend`."""
        return hvd.allreduce(tf.convert_to_tensor(values), op=hvd.Sum, name=name).numpy()

    def broadcast_state(self) -> None:
        """Give every rank rank 0's weights and optimiser state."""
        hvd.broadcast_variables(list(self._all_variables().values()), root_rank=0)

    def state(self) -> State:
        """Return weights and optimiser state in the canonical layout."""
        return {name: to_canonical(variable) for name, variable in self._all_variables().items()}

    def load_state(self, state: State) -> None:
        """Replace weights and optimiser state; see `backend.Backend`."""
        new = matched(state, self.state())
        for name, variable in self._all_variables().items():
            variable.assign(from_canonical(new[name]))

    def _all_variables(self) -> dict[str, tf.Variable]:
        weights = {f"weights/{name}": variable for name, variable in self._variables.items()}
        return {**weights, **self._adam.variables()}

    def shutdown(self) -> None:
        """End the communication."""
        hvd.shutdown()

    def _measure(self) -> Facts:
        gpu = self._device.device_type == "GPU"
        return Facts(
            framework="tensorflow",
            framework_version=tf.__version__,
            horovod_version=horovod.__version__,
            device=self._device.name if gpu else cpu_name(),
            device_kind="gpu" if gpu else "cpu",
            threads=tf.config.threading.get_intra_op_parallelism_threads(),
            ranks=hvd.size(),
            parameters=sum(int(tf.size(variable)) for variable in self._trained.values()),
        )
