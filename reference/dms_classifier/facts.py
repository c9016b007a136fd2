"""Every fact of the benchmark once, with its unit and source.

Sources for layouts and models: SciML-Bench (github.com/stfc-sciml/sciml-bench), `dms_classifier` in v0.1 to v0.5 and
`dms_structure` in v1.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

BENCHMARK_FILE: Final = Path(__file__).with_name("benchmark.json")

ROWS: Final = 487
COLUMNS: Final = 195
"""Pixels of a pattern: a Pilatus 100K."""

CLASSES: Final = ("monoclinic", "tetragonal")
"""Crystal phases by label."""

NAMED: Final = ", ".join(f"{number} {name}" for number, name in enumerate(CLASSES))
"""Labels and what they mean, in words."""

METRICS: Final = ("accuracy", "balanced_accuracy", "mcc", "auroc", "loss")
"""Metrics of an evaluation, in the order in which they are logged."""

DROPOUT: Final = 0.5
"""Share of the units of DMSNet's hidden layers that a training step leaves out."""

HIDDEN: Final = (512, 256)
"""Units of DMSNet's hidden layers."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the patterns of a split lie."""

    file: str
    """Path in the data set."""

    images: str
    """Key of the images, (patterns, rows, columns, channels); channels are equal, and the first is read."""

    labels: str
    """Key of the labels."""


GENERATIONS: Final[dict[str, dict[str, Place]]] = {
    "A": {s: Place(file=f"{s}/dms_phases.h5", images="images", labels="labels") for s in ("train", "test")},
    "C": {
        s: Place(file="training/data-binary.h5", images=f"{s}/images", labels=f"{s}/labels") for s in ("train", "test")
    },
}
"""Layouts of the two published sets of 487 × 195 pixels: generation → split → place."""
