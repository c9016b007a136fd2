"""Random numbers from the run's one seed: independent streams, told apart by name."""

from __future__ import annotations

import random
import zlib

import numpy as np

UINT32 = 2**32


def generator(seed: int, stream: str, *numbers: int) -> np.random.Generator:
    """Return the generator of a stream, such as ("order", epoch); equal arguments give equal numbers."""
    return np.random.default_rng([seed, zlib.crc32(stream.encode()), *numbers])


def seed_libraries(seed: int) -> int:
    """Seed Python's and NumPy's global generators, which libraries may use; return a 32-bit seed for a framework."""
    short = int(generator(seed, "libraries").integers(UINT32))
    random.seed(short)  # these two are for libraries; this project draws from `generator`
    np.random.seed(short)
    return short
