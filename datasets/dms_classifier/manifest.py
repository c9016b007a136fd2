"""manifest.json of a downloaded set: which files it holds, their hashes and splits, class shares, the scale of counts.

    python -m datasets.dms_classifier.manifest DIR --dataset-id dms_sim [--statistics]

DIR holds `train/dms_phases.h5` and `test/dms_phases.h5`, or `training/data-binary.h5`. The training patterns are read
for the mean and deviation of their square roots, which a training needs before its clock starts. `--statistics` also
fits the linear model.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets.common.downloaded import Source, Splits, manifest_main
from datasets.dms_classifier import baseline
from datasets.dms_classifier.files import places
from datasets.dms_classifier.verify import inside


def find_patterns(root: Path) -> Splits:
    """Return the file of each split; one file may hold both. Raises DataError where there is none."""
    return {split: [place.file] for split, place in places(root).items()}


def statistics(root: Path, _splits: Splits, scores: bool) -> Mapping[str, Any]:
    """Return the scale of the counts, the class shares and the scores of methods without training."""
    return baseline.statistics(root, scores=scores)


SOURCE = Source(
    here=Path(__file__).parent,
    held="the downloaded train/dms_phases.h5 and test/dms_phases.h5, or training/data-binary.h5",
    find=find_patterns,
    statistics=statistics,
    inside=inside,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Make the manifest of a downloaded set. Exit codes: 0 written, 2 usage, 3 data missing or bad."""
    return manifest_main(SOURCE, argv)


if __name__ == "__main__":
    sys.exit(main())
