"""The denoisers by name: each module states its layers, the number of its parameters and its source."""

from __future__ import annotations

from types import ModuleType
from typing import Final

from . import class_aware, dncnn, ffdnet, msdnet, multiscale, rednet, unet

MODELS: Final[dict[str, ModuleType]] = {
    "unet": unet,
    "dncnn": dncnn,
    "ffdnet": ffdnet,
    "rednet": rednet,
    "msdnet": msdnet,
    "multiscale": multiscale,
    "class_aware": class_aware,
}
"""Name → its module, with `LAYERS` and `PARAMETERS`."""
