"""manifest.json: which files a data set holds, their hashes and splits, and what is known of them.

    python -m datasets.slstr_cloud.manifest DIR --dataset-id cloud_slstr_ds1

makes one for a downloaded set. A file in `train/`, `training/` or `one-day/` is for training, one in `test/`,
`inference/` or `ssts/` for testing. Where there are no such folders, the files sorted by name are cut after four
fifths. Within a split, files are sorted by name.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datasets.common.failures import DataError, failing_politely, say
from datasets.common.files import file_entries, load_layout, write_manifest
from datasets.slstr_cloud.baseline import scene_statistics

HERE = Path(__file__).parent
ATTRIBUTION = "Contains modified Copernicus Sentinel data."
LICENCE = "Copernicus Sentinel data: free, full and open access (Regulation (EU) No 1159/2013)."
TRAINING_FOLDERS = frozenset({"train", "training", "one-day"})
TESTING_FOLDERS = frozenset({"test", "inference", "ssts"})
TRAINING_SHARE = 0.8


def split_by_folder(root: Path) -> dict[str, list[str]]:
    """Return the splits of a downloaded set by the rule of this module.

    Raises DataError where there is no S3A*.hdf file, or where only one of the two splits has a folder.
    """
    paths = sorted((p.relative_to(root) for p in root.rglob("S3A*.hdf")), key=lambda p: (p.name, str(p)))
    if not paths:
        raise DataError(f"{root}: expected S3A*.hdf files, found none — download the set into this folder first")
    train = [p for p in paths if TRAINING_FOLDERS & set(p.parts)]
    test = [p for p in paths if TESTING_FOLDERS & set(p.parts)]
    if not train and not test:
        cut = max(1, round(len(paths) * TRAINING_SHARE))
        train, test = paths[:cut], paths[cut:]
    if not train or not test:
        raise DataError(f"{root}: expected files to train and to test on, found {len(train)} and {len(test)}")
    return {"train": [str(p) for p in train], "test": [str(p) for p in test]}


def describe_downloaded(root: Path, dataset_id: str, *, statistics: bool) -> dict[str, Any]:
    """Return the manifest of a downloaded set; reads every file for its hash, and again for the statistics."""
    splits = split_by_folder(root)
    manifest = {
        "manifest_version": 1,
        "dataset": "slstr_cloud",
        "dataset_id": dataset_id,
        "simulated": False,
        "licence": LICENCE,
        "attribution": ATTRIBUTION,
        "layout": load_layout(HERE),
        "splits": splits,
        "files": file_entries(root, splits),
    }
    if statistics:
        manifest["statistics"] = scene_statistics(root, splits)
    return manifest


def main(argv: Sequence[str] | None = None) -> int:
    """Make the manifest of a downloaded set. Exit codes: 0 written, 3 data missing or bad."""
    parser = argparse.ArgumentParser(prog="python -m datasets.slstr_cloud.manifest", description=main.__doc__)
    parser.add_argument("folder", type=Path, help="folder that holds the downloaded S3A*.hdf files")
    parser.add_argument("--dataset-id", required=True, help="name of the set in results, for example cloud_slstr_ds1")
    parser.add_argument(
        "--statistics", action="store_true", help="also class shares and baseline scores (reads it all again)"
    )
    options = parser.parse_args(argv)
    with failing_politely():
        manifest = describe_downloaded(options.folder, options.dataset_id, statistics=options.statistics)
        path = write_manifest(options.folder, manifest)
        counts = ", ".join(f"{len(paths)} to {split}" for split, paths in manifest["splits"].items())
        say(f"{path}: {counts}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
