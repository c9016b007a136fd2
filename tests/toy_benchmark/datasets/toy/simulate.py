"""Simulate points of the plane above and below a wave.

    python -m datasets.toy.simulate --out DIR --dataset-id NAME --train-points 600 --test-points 300

writes `{train,test}/points.h5` and, last of all, `manifest.json`. The same options give the same bytes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from datasets.common.failures import UsageError, failing_politely, say
from datasets.common.files import file_entries, load_layout, write_manifest
from datasets.common.making import claim, contiguous, stop_like_ctrl_c, up_to_date, whole_hdf5

HERE = Path(__file__).parent
PROGRAM = "datasets.toy.simulate"
SIMULATOR_VERSION = "1.0"
BYTES_PER_POINT = 9


@dataclass(frozen=True, kw_only=True)
class Options:
    """What is simulated. Two sets with equal options are equal byte for byte."""

    dataset_id: str
    """Name of the set in manifests and results."""

    train_points: int
    """Points to train on."""

    test_points: int
    """Points to test on."""

    seed: int
    """Seed of the whole set."""

    def __post_init__(self) -> None:
        for name, least in (("train_points", 1), ("test_points", 1), ("seed", 0)):
            if getattr(self, name) < least:
                option = "--" + name.replace("_", "-")
                raise UsageError(f"{option}: expected at least {least}, found {getattr(self, name)}")


def simulate(root: Path, options: Options) -> None:
    """Make the set in `root`, which is new, empty, or was made here before.

    Raises UsageError where `root` holds something else, OSError where the disk refuses.
    """
    if up_to_date(root, made_by(options), load_layout(HERE)):
        say(f"{root}: already holds this very set; nothing to do")
        return
    counts = {"train": options.train_points, "test": options.test_points}
    claim(root, program=PROGRAM, folders=tuple(counts), needed_bytes=sum(counts.values()) * BYTES_PER_POINT)
    random = np.random.default_rng(options.seed)
    for split, count in counts.items():
        write_points(root / split / "points.h5", random.uniform(-1, 1, (count, 2)).astype(np.float32))
    splits = {split: [f"{split}/points.h5"] for split in counts}
    manifest = {
        "manifest_version": 1,
        "dataset": "toy",
        "dataset_id": options.dataset_id,
        "simulated": True,
        "licence": "MIT, like the program that made it.",
        "made_by": made_by(options),
        "layout": load_layout(HERE),
        "splits": splits,
        "files": file_entries(root, splits),
    }
    write_manifest(root, manifest)
    say(f"{root}: {options.train_points} and {options.test_points} points")


def write_points(path: Path, points: np.ndarray) -> None:
    """Write points, (points, 2), and the sides of the wave 0.5·sin(πx) on which they lie."""
    with whole_hdf5(path) as file:
        contiguous(file, "points", points.shape, "<f4")[...] = points
        contiguous(file, "labels", points.shape[:1], "u1")[...] = points[:, 1] > 0.5 * np.sin(np.pi * points[:, 0])


def made_by(options: Options) -> dict[str, Any]:
    """Return what the manifest says of the program, its version and its options."""
    return {"program": PROGRAM, "version": SIMULATOR_VERSION, "options": asdict(options)}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Exit codes: 0 the set is there, 2 refused, 3 the disk refused."""
    line = argparse.ArgumentParser(prog=f"python -m {PROGRAM}", description="Simulate points above and below a wave.")
    line.add_argument("--out", type=Path, required=True, help="folder to make; new, empty, or made by this program")
    line.add_argument("--dataset-id", required=True, help="name of the set in manifests and results")
    line.add_argument("--train-points", type=int, default=600, help="points to train on (default %(default)s)")
    line.add_argument("--test-points", type=int, default=300, help="points to test on (default %(default)s)")
    line.add_argument("--seed", type=int, default=0, help="seed of the set (default %(default)s)")
    given = vars(line.parse_args(argv))
    root = given.pop("out")
    stop_like_ctrl_c()
    with failing_politely():
        simulate(root, Options(**given))
    return 0


if __name__ == "__main__":
    sys.exit(main())
