"""The layers of a table in TensorFlow. `pt_layers.py` is its twin: same names, same order. Tensors are NHWC."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import horovod.tensorflow as hvd
import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from .layers import NOT_TRAINED, BatchNorm, Convolution, Dense, Layer, Layers, TransposedConvolution, parameters

Tensors = Mapping[str, tf.Tensor]


class Network:
    """A table of layers with its variables; a model derives from it and wires the layers up in `forward`."""

    counted = True
    """Whether the samples count in the statistics of a batch; those that stand in for none do not."""

    def __init__(self, layers: Layers) -> None:
        """Make the variables; the canonical initial weights are loaded into them later."""
        self._layers = layers
        self._named = {name: _variables_of(layer) for name, layer in layers.items()}
        trained = sum(int(tf.size(weight)) for weight in self.variables().values() if weight.trainable)
        assert trained == parameters(layers), f"expected {parameters(layers)} parameters, found {trained}"

    @property
    def synchronised(self) -> bool:
        """Whether training takes every rank, one without samples too: batch normalisation sums over all of them."""
        return hvd.size() > 1 and any(isinstance(layer, BatchNorm) for layer in self._layers.values())

    def forward(self, batch: Tensors, training: bool) -> tf.Tensor:
        """Compute the outputs for a batch; `training` matters for batch normalisation only."""
        raise NotImplementedError

    def variables(self) -> dict[str, tf.Variable]:
        """Return the variables by canonical name; those that are trainable are trained."""
        return {f"{name}/{part}": value for name, parts in self._named.items() for part, value in parts.items()}

    def layer(self, name: str, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Apply the layer of that name."""
        layer, variables = self._layers[name], self.of_layer(name)
        if isinstance(layer, BatchNorm):
            return _batch_norm(name, layer, variables, x, training, self.counted)
        return _APPLY[type(layer)](layer, variables, x)

    def of_layer(self, name: str) -> dict[str, tf.Variable]:
        """Return a layer's variables by short name."""
        return self._named[name]


def _variables_of(layer: Layer) -> dict[str, tf.Variable]:
    """Make a layer's variables by short name."""
    drawn = layer.draw(np.random.default_rng(0)).items()
    return {part: tf.Variable(from_canonical(array), trainable=part not in NOT_TRAINED) for part, array in drawn}


def _convolution(layer: Convolution, variables: Tensors, x: tf.Tensor) -> tf.Tensor:
    return convolve(x, variables["kernel"], variables.get("bias"), padding=layer.padding, dilation=layer.dilation)


def convolve(
    x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor | None = None, *, padding: str = "same", dilation: int = 1
) -> tf.Tensor:
    """Convolve images_NHWC with a kernel of TensorFlow's layout, stride 1."""
    x, kernel = _computed(x), _computed(kernel)
    found = tf.nn.conv2d(x, kernel, 1, padding.upper()) if dilation == 1 else _dilated(x, kernel, dilation)
    return _with_bias(found, bias)


def _dilated(x: tf.Tensor, kernel: tf.Tensor, dilation: int) -> tf.Tensor:
    """Convolve the images that every so many-th pixel makes, one for each offset, with the kernel itself.

    TensorFlow has no gradient of a dilated kernel on CPUs.
    """
    missing = [[0, -tf.shape(x)[axis] % dilation] for axis in (1, 2)]
    parts = tf.space_to_batch(x, (dilation, dilation), missing)
    return tf.batch_to_space(tf.nn.conv2d(parts, kernel, 1, "SAME"), (dilation, dilation), missing)


def _transposed_convolution(layer: TransposedConvolution, variables: Tensors, x: tf.Tensor) -> tf.Tensor:
    kernel = _computed(tf.transpose(variables["kernel"], (0, 1, 3, 2)))
    shape = tf.concat([tf.shape(x)[:3], [layer.outputs]], 0)
    return _with_bias(tf.nn.conv2d_transpose(_computed(x), kernel, shape, 1, "SAME"), variables.get("bias"))


def _dense(_layer: Dense, variables: Tensors, x: tf.Tensor) -> tf.Tensor:
    return _with_bias(tf.linalg.matmul(_computed(x), _computed(variables["kernel"])), variables.get("bias"))


def _computed(tensor: tf.Tensor) -> tf.Tensor:
    """Return a tensor in the precision of computation."""
    return tf.cast(tensor, keras.config.dtype_policy().compute_dtype)


def _with_bias(x: tf.Tensor, bias: tf.Tensor | None) -> tf.Tensor:
    return x if bias is None else tf.nn.bias_add(x, tf.cast(bias, x.dtype))


_APPLY: dict[type, Any] = {
    Convolution: _convolution,
    TransposedConvolution: _transposed_convolution,
    Dense: _dense,
}


def _batch_norm(
    name: str, layer: BatchNorm, variables: Tensors, x: tf.Tensor, training: bool, counted: bool
) -> tf.Tensor:
    """Normalise by the statistics of the global batch in training, by the running ones otherwise."""
    mean, variance = variables["mean"], variables["variance"]
    if training:
        mean, variance = _moments(name, tf.cast(x, tf.float32), counted)
        for running, batch in (("mean", mean), ("variance", variance)):
            variables[running].assign(layer.momentum * variables[running] + (1 - layer.momentum) * batch)
    factor = variables["scale"] * tf.math.rsqrt(variance + layer.epsilon)
    shift = variables["offset"] - mean * factor
    return tf.cast(tf.cast(x, tf.float32) * factor + shift, x.dtype)


def _moments(name: str, x: tf.Tensor, counted: bool) -> tuple[tf.Tensor, tf.Tensor]:
    """Return mean and biased variance of each channel over the samples of all ranks, of which this may have none.

    Samples that are not counted take part with a count of zero, by which everything of theirs is weighed.

    Every rank learns every rank's count, mean and squares around it. These add up without the cancellation that sums of
    squares around zero suffer (Chan, Golub and LeVeque 1983, doi 10.1080/00031305.1983.10483115).
    """
    axes = list(range(x.shape.rank - 1))
    count = tf.cast(tf.size(x) // x.shape[-1], tf.float32)
    mean = tf.reduce_sum(x, axes) / tf.maximum(count, 1.0)
    squares = tf.reduce_sum(tf.square(x - mean), axes)
    if hvd.size() == 1:
        return mean, squares / count
    own = tf.stack([tf.fill(tf.shape(mean), count), mean, squares]) * float(counted)
    mine = tf.one_hot(hvd.rank(), hvd.size())
    counts, means, squares = tf.unstack(_sum_over_ranks(mine[:, None, None] * own, f"batch_norm/{name}"), axis=1)
    total = tf.reduce_sum(counts, 0)
    mean = tf.reduce_sum(counts * means, 0) / total
    return mean, tf.reduce_sum(squares + counts * tf.square(means - mean), 0) / total


def _sum_over_ranks(tensor: tf.Tensor, name: str) -> tf.Tensor:
    """Return the sum of a tensor over all ranks, whose gradient is the sum of their gradients."""

    @tf.custom_gradient
    def total(values: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            return hvd.allreduce(upstream, op=hvd.Sum, name=f"{name}/gradient")

        return hvd.allreduce(values, op=hvd.Sum, name=name), gradient

    return total(tensor)


def upsample(images: tf.Tensor) -> tf.Tensor:
    """Return images of twice the rows and columns, each pixel four times."""
    return tf.repeat(tf.repeat(images, 2, 1), 2, 2)


def flatten(images: tf.Tensor) -> tf.Tensor:
    """Return each image as one row of values in the canonical order: rows, columns, channels."""
    return tf.reshape(images, (-1, images.shape[1] * images.shape[2] * images.shape[3]))


def to_canonical(variable: tf.Variable) -> NDArray[np.float32]:
    """Return a copy: TensorFlow's layout of kernels, HWIO and IO, is the canonical one."""
    return np.array(variable.numpy(), np.float32)


def from_canonical(array: NDArray[Any]) -> tf.Tensor:
    """Return the array as it is: TensorFlow's layout of kernels is the canonical one."""
    return tf.convert_to_tensor(array, tf.float32)
