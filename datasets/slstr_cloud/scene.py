"""The .hdf file of one scene: what it holds, its name, and a whole write."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from datasets.slstr_cloud.planes import Plane, write_planes

if TYPE_CHECKING:  # what only the simulator needs, a converter does not load
    from datasets.slstr_cloud.truth import Truth

HERE = Path(__file__).parent
LAYOUTS = ("layout.json", "layout_converted.json")
PLANES = ("bts", "rads", "refs", "bayes", "summary", "valid", "quality")


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One scene in memory. Shape suffixes: H rows, W columns, C channels."""

    bts: NDArray[np.float32]
    """Brightness temperatures_HWC of S7, S8, S9 in kelvin; NaN is fill."""

    bayes: NDArray[np.uint8]
    """Bayesian cloud mask_HW1; cloud where any bit is set."""

    summary: NDArray[np.integer]
    """Summary cloud flag_HW1, 0 or 1; the file has more bytes for it."""

    refs: NDArray[np.floating] | None = None
    """Reflectances_HWC of S1 to S6, of a precision that the file keeps; None where the product lacks the radiances."""

    rads: NDArray[np.float32] | None = None
    """Radiances_HWC of S1 to S6 in mW m-2 sr-1 nm-1; None where the product lacks them."""

    valid: NDArray[np.uint8] | None = None
    """1_HW1 where the pixel was seen; None where NaN in the bts says it."""

    quality: NDArray[np.uint8] | None = None
    """Bits_HW1 of a converted scene: 1 fill, 2 cosmetic, 4 duplicate, 8 a label with spare bits; None elsewhere."""

    truth: Truth | None = None
    """What only the simulator knows; it goes into a file of its own."""

    attributes: dict[str, Any] = field(default_factory=dict)
    """Attributes of the file: provenance and what a reader must be told."""


def write_scene(path: Path, scene: Scene) -> str:
    """Write a scene whole, in the dtypes of the layout, and return the SHA-256 of its file.

    The same scene gives the same bytes.

    Raises OSError where the disk refuses; no part of the file is left.
    """
    stored = stored_dtypes()
    planes = {name: getattr(scene, name) for name in PLANES}
    held = {name: Plane(values=p, dtype=stored[name]) for name, p in planes.items() if p is not None}
    return write_planes(path, held, scene.attributes)


@functools.cache
def stored_dtypes() -> dict[str, str]:
    """Return the dtype of each plane in a file, as the layout of simulated and that of converted scenes state it."""
    layouts = (json.loads((HERE / name).read_text(encoding="utf-8")) for name in LAYOUTS)
    return {name: rule["dtype"] for layout in layouts for name, rule in layout["keys"].items()}
