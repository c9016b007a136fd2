"""The layers of a table in PyTorch. `tf_layers.py` is its twin: same names, same order. Tensors are NCHW."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import horovod.torch as hvd
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

from .layers import NOT_TRAINED, BatchNorm, Convolution, Dense, Layer, Layers, TransposedConvolution, parameters

Tensors = Mapping[str, Tensor]


class Network(nn.Module):
    """A table of layers with its variables; a model derives from it and wires the layers up in `forward`."""

    def __init__(self, layers: Layers) -> None:
        """Make the variables; the canonical initial weights are loaded into them later."""
        super().__init__()
        self._layers = layers
        self._named = {name: self._variables_of(name, layer) for name, layer in layers.items()}
        trained = sum(weight.numel() for weight in self.parameters())
        assert trained == parameters(layers), f"expected {parameters(layers)} parameters, found {trained}"

    @property
    def synchronised(self) -> bool:
        """Whether training takes every rank, one without samples too: batch normalisation sums over all of them."""
        return hvd.size() > 1 and any(isinstance(layer, BatchNorm) for layer in self._layers.values())

    def forward(self, batch: Tensors, training: bool) -> Tensor:
        """Compute the outputs for a batch; `training` matters for batch normalisation only."""
        raise NotImplementedError

    def variables(self) -> dict[str, Tensor]:
        """Return the variables by canonical name; those that require a gradient are trained."""
        members = dict(self.named_parameters()) | dict(self.named_buffers())
        return {name.replace(_DOT, "/"): members[name] for parts in self._named.values() for name in parts.values()}

    def layer(self, name: str, x: Tensor, training: bool = False) -> Tensor:
        """Apply the layer of that name."""
        layer, variables = self._layers[name], self.of_layer(name)
        if isinstance(layer, BatchNorm):
            return _batch_norm(name, layer, variables, x, training)
        return _APPLY[type(layer)](layer, variables, x)

    def of_layer(self, name: str) -> dict[str, Tensor]:
        """Return a layer's variables by short name."""
        return {part: getattr(self, full) for part, full in self._named[name].items()}

    def _variables_of(self, name: str, layer: Layer) -> dict[str, str]:
        """Register a layer's variables as members of this module; return their names by short name."""
        named = {}
        for part, array in layer.draw(np.random.default_rng(0)).items():
            named[part] = f"{name}/{part}".replace("/", _DOT)
            tensor = from_canonical(array)
            if part in NOT_TRAINED:
                self.register_buffer(named[part], tensor)
            else:
                self.register_parameter(named[part], nn.Parameter(tensor))
        return named


_DOT = "·"
"""Stands for the slash of a canonical name in names of members, which PyTorch cuts at dots."""


def _convolution(layer: Convolution, variables: Tensors, x: Tensor) -> Tensor:
    return convolve(x, variables["kernel"], variables.get("bias"), padding=layer.padding, dilation=layer.dilation)


def convolve(
    x: Tensor, kernel: Tensor, bias: Tensor | None = None, *, padding: str = "same", dilation: int = 1
) -> Tensor:
    """Convolve images_NCHW with a kernel of PyTorch's layout, stride 1."""
    return F.conv2d(x, kernel, bias, padding=padding, dilation=dilation)


def _transposed_convolution(layer: TransposedConvolution, variables: Tensors, x: Tensor) -> Tensor:
    kernel = variables["kernel"].transpose(0, 1)
    return F.conv_transpose2d(x, kernel, variables.get("bias"), padding=layer.size // 2)


def _dense(_layer: Dense, variables: Tensors, x: Tensor) -> Tensor:
    return F.linear(x, variables["kernel"], variables.get("bias"))


_APPLY: dict[type, Any] = {
    Convolution: _convolution,
    TransposedConvolution: _transposed_convolution,
    Dense: _dense,
}


def _batch_norm(name: str, layer: BatchNorm, variables: Tensors, x: Tensor, training: bool) -> Tensor:
    """Normalise by the statistics of the global batch in training, by the running ones otherwise."""
    mean, variance = variables["mean"], variables["variance"]
    if training:
        mean, variance = _moments(name, x.float())
        for running, batch in (("mean", mean), ("variance", variance)):
            variables[running].mul_(layer.momentum).add_(batch.detach(), alpha=1 - layer.momentum)
    factor = variables["scale"] * torch.rsqrt(variance + layer.epsilon)
    shift = variables["offset"] - mean * factor
    shape = (-1, *[1] * (x.ndim - 2))
    return torch.addcmul(shift.view(shape), x.float(), factor.view(shape)).to(x.dtype)


def _moments(name: str, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and biased variance of each channel over the samples of all ranks, of which this may have none.

    Every rank learns every rank's count, mean and squares around it. These add up without the cancellation that sums of
    squares around zero suffer (Chan, Golub and LeVeque 1983, doi 10.1080/00031305.1983.10483115).
    """
    axes = [axis for axis in range(x.ndim) if axis != 1]
    count = x.numel() // x.shape[1]
    mean = x.sum(axes) / max(count, 1)
    squares = (x - mean.view(-1, *[1] * (x.ndim - 2))).square().sum(axes)
    if hvd.size() == 1:
        return mean, squares / count
    own = torch.stack([torch.full_like(mean, count), mean, squares])
    mine = F.one_hot(torch.tensor(hvd.rank(), device=own.device), hvd.size()).to(own.dtype)
    counts, means, squares = _sum_over_ranks(mine.view(-1, 1, 1) * own, f"batch_norm/{name}").unbind(1)
    total = counts.sum(0)
    mean = (counts * means).sum(0) / total
    return mean, (squares + counts * (means - mean).square()).sum(0) / total


class _SumOverRanks(torch.autograd.Function):
    """The sum of a tensor over all ranks, whose gradient is the sum of their gradients."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, name: str) -> Tensor:
        """Sum the values."""
        ctx.name = name
        return hvd.allreduce(tensor, op=hvd.Sum, name=name)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """Sum the gradients."""
        return hvd.allreduce(gradient.contiguous(), op=hvd.Sum, name=f"{ctx.name}/gradient"), None


def _sum_over_ranks(tensor: Tensor, name: str) -> Tensor:
    return _SumOverRanks.apply(tensor, name)


def channels_first(images_NHWC: Tensor) -> Tensor:
    """Return images_NCHW.

    Convolutions follow the memory layout of the images. The view that swaps the axes keeps a pixel's channels together,
    which is right for bfloat16; in float32 on AVX2, planes of their own take two thirds of the time.
    """
    images_NCHW = images_NHWC.permute(0, 3, 1, 2)
    in_bf16 = torch.is_autocast_enabled(images_NCHW.device.type)
    return images_NCHW if in_bf16 else images_NCHW.contiguous()


def upsample(images: Tensor) -> Tensor:
    """Return images of twice the rows and columns, each pixel four times."""
    return F.interpolate(images, scale_factor=2, mode="nearest")


def flatten(images: Tensor) -> Tensor:
    """Return each image as one row of values in the canonical order: rows, columns, channels."""
    return images.permute(0, 2, 3, 1).flatten(1)


def to_canonical(tensor: Tensor) -> NDArray[np.float32]:
    """Turn kernels OIHW and OI into the canonical HWIO and IO; a copy."""
    array = tensor.detach().cpu().numpy()
    return np.array(array.transpose(_CANONICAL_AXES[array.ndim]), order="C")


def from_canonical(array: NDArray[Any]) -> Tensor:
    """Turn canonical kernels HWIO and IO into OIHW and OI."""
    return torch.from_numpy(np.array(array.transpose(_OWN_AXES[array.ndim]), order="C"))


_CANONICAL_AXES = {0: (), 1: (0,), 2: (1, 0), 4: (2, 3, 1, 0)}
_OWN_AXES = {0: (), 1: (0,), 2: (1, 0), 4: (3, 2, 0, 1)}
