"""Layers of the network, 2-32-32-1."""

from __future__ import annotations

from typing import Final

from reference.runtime.layers import Dense, Layers

LAYERS: Final[Layers] = {
    "dense1": Dense(2, 32),
    "dense2": Dense(32, 32),
    "output": Dense(32, 1, init="glorot_uniform"),
}
