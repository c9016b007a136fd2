"""manifest.json of a downloaded set: which files it holds, their hashes and splits, and the scale of its images.

    python -m datasets.em_denoise.manifest DIR --dataset-id em_graphene_sim [--statistics]

A split is the folder `train` or `test`, anywhere in DIR, with `graphene_img_noise.h5` and `graphene_img_clean.h5`. The
clean training images are read for mean, deviation and range, which a training needs before its clock starts.
`--statistics` also scores the methods without training on all test pairs.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets.common.downloaded import Source, Splits, manifest_main
from datasets.common.failures import DataError
from datasets.em_denoise.baseline import baseline_scores, scale_statistics
from datasets.em_denoise.verify import CLEAN, NOISE, inside, pair_faults


def find_pairs(root: Path) -> Splits:
    """Return the files of each split, clean and noisy.

    Raises DataError where a split has no pair of files, or more than one.
    """
    splits = {}
    for split in ("train", "test"):
        found = sorted(p.parent for p in root.rglob(NOISE) if p.parent.name == split and (p.parent / CLEAN).is_file())
        if len(found) != 1:
            held = ", ".join(str(folder.relative_to(root)) for folder in found) or "none"
            raise DataError(
                f"{root}: expected one folder {split} with {NOISE} and {CLEAN}, found {held} — "
                "download the set into this folder first, or name the folder of one set"
            )
        splits[split] = [str((found[0] / name).relative_to(root)) for name in (CLEAN, NOISE)]
    return splits


def statistics(root: Path, splits: Splits, scores: bool) -> Mapping[str, Any]:
    """Return the scale of the images and, where asked for, the scores of methods without training."""
    folders = {split: (root / paths[0]).parent for split, paths in splits.items()}
    scale = scale_statistics(folders["train"])
    if not scores:
        return scale
    return {**scale, "baselines": baseline_scores(folders["test"], scale, brightness=scale["clean"]["mean"])}


SOURCE = Source(
    here=Path(__file__).parent,
    held=f"the downloaded train and test folders with {NOISE} and {CLEAN}",
    find=find_pairs,
    statistics=statistics,
    inside=inside,
    together=pair_faults,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Make the manifest of a downloaded set. Exit codes: 0 written, 2 usage, 3 data missing or bad."""
    return manifest_main(SOURCE, argv)


if __name__ == "__main__":
    sys.exit(main())
