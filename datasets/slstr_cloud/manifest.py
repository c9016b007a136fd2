"""manifest.json: which files a data set holds, their hashes and splits, and what is known of them.

    python -m datasets.slstr_cloud.manifest DIR --dataset-id cloud_slstr_ds1

makes one for a downloaded set. A file in `train/`, `training/` or `one-day/` is for training, one in `test/`,
`inference/` or `ssts/` for testing. Where there are no such folders, the files sorted by name are cut after four
fifths. Within a split, files are sorted by name.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets.common.downloaded import Source, Splits, manifest_main
from datasets.common.failures import DataError
from datasets.slstr_cloud.baseline import scene_statistics

TRAINING_FOLDERS = frozenset({"train", "training", "one-day"})
TESTING_FOLDERS = frozenset({"test", "inference", "ssts"})
TRAINING_SHARE = 0.8


def split_by_folder(root: Path) -> Splits:
    """Return the splits of a downloaded set by the rule of this module.

    Raises DataError where there is no S3A*.hdf file, or where only one of the two splits has a folder.
    """
    paths = sorted((p.relative_to(root) for p in root.rglob("S3A*.hdf")), key=lambda p: (p.name, str(p)))
    if not paths:
        raise DataError(f"{root}: expected S3A*.hdf files, found none — download the set into this folder first")
    train = [p for p in paths if TRAINING_FOLDERS & set(p.parts)]
    test = [p for p in paths if TESTING_FOLDERS & set(p.parts)]
    if not train and not test:
        cut = to_train(len(paths))
        train, test = paths[:cut], paths[cut:]
    if not train or not test:
        raise DataError(f"{root}: expected files to train and to test on, found {len(train)} and {len(test)}")
    return {"train": [str(p) for p in train], "test": [str(p) for p in test]}


def to_train(count: int) -> int:
    """Return how many of so many scenes are for training: four fifths, and one less than all where there are two."""
    return min(max(1, round(count * TRAINING_SHARE)), max(1, count - 1))


def statistics(root: Path, splits: Splits, scores: bool) -> Mapping[str, Any]:
    """Return class shares and baseline scores where they are asked for; a training needs neither."""
    return scene_statistics(root, splits) if scores else {}


SOURCE = Source(
    here=Path(__file__).parent,
    held="the downloaded S3A*.hdf files",
    find=split_by_folder,
    statistics=statistics,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Make the manifest of a downloaded set. Exit codes: 0 written, 2 usage, 3 data missing or bad."""
    return manifest_main(SOURCE, argv)


if __name__ == "__main__":
    sys.exit(main())
