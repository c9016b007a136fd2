"""The classifiers by name: each module states its layers, the number of its parameters and its source."""

from __future__ import annotations

from types import ModuleType
from typing import Final

from . import cnn, dmsnet

MODELS: Final[dict[str, ModuleType]] = {"cnn": cnn, "dmsnet": dmsnet}
"""Name → its module, with `LAYERS` and `PARAMETERS`."""
