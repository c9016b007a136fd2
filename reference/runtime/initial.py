"""Initial weights, drawn once in NumPy, so that both frameworks start from the same numbers."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

TRUNCATED_SD = 0.87962566103423978
"""Standard deviation of a normal distribution of deviation 1 that is cut off at ±2."""


def he_normal(generator: np.random.Generator, shape: tuple[int, ...]) -> Float32:
    """Draw a kernel from a normal distribution of variance 2 / fan-in, cut off at two deviations before scaling.

    He et al. 2015, arXiv:1502.01852, equation 10, in the truncated form that Keras calls `he_normal`.
    """
    fan_in = math.prod(shape[:-1])
    scale = math.sqrt(2.0 / fan_in) / TRUNCATED_SD
    return (truncated_normal(generator, math.prod(shape)) * scale).astype(np.float32).reshape(shape)


def truncated_normal(generator: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Draw from the standard normal distribution, drawing again what lies beyond ±2."""
    values = generator.standard_normal(count)
    while (outside := np.abs(values) > 2.0).any():
        values[outside] = generator.standard_normal(int(outside.sum()))
    return values


def glorot_uniform(generator: np.random.Generator, shape: tuple[int, ...]) -> Float32:
    """Draw a kernel uniformly within ±√(6 / (fan-in + fan-out)): Glorot and Bengio 2010, equation 16."""
    taps = math.prod(shape[:-2])
    limit = math.sqrt(6.0 / (taps * (shape[-2] + shape[-1])))
    return generator.uniform(-limit, limit, shape).astype(np.float32)


def draw(name: str, generator: np.random.Generator, shape: tuple[int, ...]) -> Float32:
    """Draw a kernel by the name of its initialiser: he_normal, glorot_uniform or zeros."""
    if name == "zeros":
        return np.zeros(shape, np.float32)
    return {"he_normal": he_normal, "glorot_uniform": glorot_uniform}[name](generator, shape)
