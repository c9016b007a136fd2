"""Draw patterns, a row for each phase: `python -m datasets.dms_classifier.show FOLDER [--out PNG] [--count N]`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from datasets.common.files import reading
from datasets.common.sheet import Panel, Samples, grey, limits, show
from datasets.dms_classifier.crystal import PHASES
from datasets.dms_classifier.files import places

USUAL = 4
SIDE_BY_SIDE = 6
"""So many patterns have room in one row."""


def samples(root: Path, count: int) -> Samples:
    """Return a row for each label, of its first test patterns."""
    place, rows = places(root)["test"], []
    with reading(root / place.file) as file:
        labels = np.asarray(file[place.labels][...]).reshape(len(file[place.labels]), -1)[:, 0].astype(int)
        for label in sorted(set(labels.tolist())):
            name = PHASES[label] if 0 <= label < len(PHASES) else f"class {label}"
            row = []
            for index in np.flatnonzero(labels == label)[:count]:
                pattern = np.log1p(np.maximum(np.asarray(file[place.images][index, ..., 0], np.float64), 0))
                row.append(Panel(f"{name}, {index}", grey(pattern, *limits(pattern, 0.5, 99.9))))
            rows.append(row)
    if sum(map(len, rows)) <= SIDE_BY_SIDE:
        rows = [[panel for row in rows for panel in row]]
    return Samples("test patterns; logarithm of counts, each from its lowest to its highest", rows)


if __name__ == "__main__":
    sys.exit(show("dms_classifier", samples, USUAL, None))
