"""Simulate a data set of noisy and clean micrographs in the layout of the real files.

    python -m datasets.em_denoise.simulate --out data/mine --dataset-id mine --train-images 256 --test-images 32

writes `{train,test}/graphene_img_noise.h5`, `graphene_img_clean.h5`, the truth behind them in `graphene_truth.h5`
and, last of all, `manifest.json`. The same options give the same bytes, at every number of jobs. A folder that already
holds the very set is left alone; an interrupted one goes on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np

from datasets.common.failures import UsageError, failing_politely
from datasets.common.files import description, load_layout
from datasets.common.making import (
    claim,
    contiguous,
    require_jobs,
    run_all,
    stop_like_ctrl_c,
)
from datasets.common.progress import shown
from datasets.common.resuming import Key, Row, Skeletons, begin, make_set
from datasets.em_denoise.baseline import VACUUM, baseline_scores, scale_statistics
from datasets.em_denoise.simulator import SIDE, Pair, simulate_pair
from datasets.em_denoise.specimen import CLASSES
from datasets.em_denoise.stem import simulate_stem_pair

HERE = Path(__file__).parent
PROGRAM = "datasets.em_denoise.simulate"
LICENCE = "MIT, like the program that made it: simulated, holds no micrograph."

SIMULATOR_VERSION = "1.0"
"""Raised when the same options give other bytes than before."""

BYTES_PER_PAIR = 2 * SIDE * SIDE * 4
TRUTH = {"class": "u1", "dose": "f4", "pixel": "f4", "vacancies": "u2", "stone_wales": "u2", "substitutions": "u2"}
CLEAN, NOISE, TRUTH_FILE = "graphene_img_clean.h5", "graphene_img_noise.h5", "graphene_truth.h5"

MODES = {"hrtem": simulate_pair, "stem": simulate_stem_pair}
"""Kind of microscope → what simulates a pair."""

LARGEST_DOSE = 1e12
"""In e⁻/Å²; far above any, and what the generator of random counts still takes."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What is simulated. Two sets with equal options are equal byte for byte."""

    dataset_id: str
    """Name of the set in manifests and results."""

    train_images: int
    """Pairs to train on."""

    test_images: int
    """Pairs to test on, none of which is trained on."""

    seed: int
    """Seed of the whole set; each pair has a child of it."""

    lowest_dose: float
    """Lowest dose, in e⁻/Å²."""

    highest_dose: float
    """Highest dose, in e⁻/Å²."""

    mode: Literal["hrtem", "stem"] = "hrtem"
    """Kind of microscope: a coherent image, or an annular dark-field scan."""

    def __post_init__(self) -> None:
        for name, least in (("train_images", 1), ("test_images", 1), ("seed", 0)):
            if getattr(self, name) < least:
                option = "--" + name.replace("_", "-")
                raise UsageError(f"{option}: expected at least {least}, found {getattr(self, name)}")
        if not 0 < self.lowest_dose <= self.highest_dose <= LARGEST_DOSE:
            found = f"{self.lowest_dose:g} and {self.highest_dose:g}"
            raise UsageError(
                f"--lowest-dose, --highest-dose: expected 0 < lowest ≤ highest ≤ {LARGEST_DOSE:g}, found {found}"
            )


@dataclass(frozen=True, kw_only=True)
class PairJob:
    """One pair to simulate, small enough to send to another process."""

    seed: int
    """Seed of the set."""

    number: int
    """Number of the pair in the set: the key of its child seed."""

    doses: tuple[float, float]
    """Lowest and highest dose, in e⁻/Å²."""

    mode: str
    """Kind of microscope."""


def run_job(job: PairJob) -> Pair:
    """Simulate one pair."""
    return MODES[job.mode](np.random.SeedSequence(job.seed, spawn_key=(job.number,)), job.doses)


def simulate(root: Path, options: Options, *, jobs: int) -> None:
    """Make the set in `root`, which is new, empty, or was made here before.

    Raises UsageError where `root` holds something else, OSError where the disk refuses.
    """
    make_set(
        root,
        made_by=made_by(options),
        layout=load_layout(HERE),
        fill=lambda: fill(root, options, jobs),
        describe=lambda: describe(root, options),
        summary=summary,
    )


def fill(root: Path, options: Options, jobs: int) -> None:
    """Make the pairs that are missing; no file has its name before all are whole."""
    counts = {"train": options.train_images, "test": options.test_images}
    total, skeletons = sum(counts.values()), {}
    for split, count in counts.items():
        skeletons.update(files_of(split, count))
    filling = begin(
        root,
        made_by=made_by(options),
        layout=load_layout(HERE),
        skeletons=skeletons,
        samples=[key for split in counts for key in keys_of(split)],
        claim_anew=lambda: claim(root, program=PROGRAM, folders=tuple(counts), needed_bytes=total * BYTES_PER_PAIR),
    )
    shared = {"seed": options.seed, "doses": (options.lowest_dose, options.highest_dose), "mode": options.mode}
    first = 0
    with shown("pairs", total=total, held=sum(filling.done.values())) as meter:
        for split, count in counts.items():
            held = range(filling.done.get(split, 0), count)
            todo = [PairJob(number=first + index, **shared) for index in held]
            rows = (row_of(split, pair) for pair in run_all(run_job, todo, jobs))
            for reached in filling.fill(split, keys_of(split), rows):
                meter.reached(first + reached)
            first += count
    filling.finish()


def files_of(split: str, count: int) -> Skeletons:
    """Return the three files of a split without their pairs."""

    def images(file: h5py.File) -> None:
        contiguous(file, "images", (count, SIDE, SIDE, 1), "<f4")

    def truth(file: h5py.File) -> None:
        made = {key: contiguous(file, key, (count,), f"<{dtype}") for key, dtype in TRUTH.items()}
        made["class"].attrs["names"] = list(CLASSES)

    return {f"{split}/{CLEAN}": images, f"{split}/{NOISE}": images, f"{split}/{TRUTH_FILE}": truth}


def keys_of(split: str) -> list[Key]:
    """Return where the parts of a pair go."""
    truth = [(f"{split}/{TRUTH_FILE}", key) for key in TRUTH]
    return [(f"{split}/{CLEAN}", "images"), (f"{split}/{NOISE}", "images"), *truth]


def row_of(split: str, pair: Pair) -> Row:
    """Return the parts of a pair by where they go."""
    truth = {(f"{split}/{TRUTH_FILE}", key): np.asarray(value) for key, value in pair.truth.items()}
    return {(f"{split}/{CLEAN}", "images"): pair.clean, (f"{split}/{NOISE}", "images"): pair.noisy, **truth}


def made_by(options: Options) -> dict[str, Any]:
    """Return what the manifest says of the program, its version and its options."""
    stated = asdict(options)
    if options.mode == "hrtem":
        del stated["mode"]  # sets from before there was a choice are the very same
    return {"program": PROGRAM, "version": SIMULATOR_VERSION, "options": stated}


def describe(root: Path, options: Options) -> dict[str, Any]:
    """Return the manifest of a finished set."""
    names = (CLEAN, NOISE, TRUTH_FILE)
    splits = {split: [f"{split}/{name}" for name in names] for split in ("train", "test")}
    manifest = description(root, HERE, splits, dataset_id=options.dataset_id, licence=LICENCE, made_by=made_by(options))
    scale = scale_statistics(root / "train")
    brightness = VACUUM if options.mode == "hrtem" else None
    return {**manifest, "statistics": {**scale, "baselines": baseline_scores(root / "test", scale, brightness)}}


def summary(manifest: dict[str, Any]) -> str:
    """Return one line on a finished set."""
    size = sum(entry["size"] for entry in manifest["files"])
    psnr = ", ".join(
        f"{name.replace('_', ' ')} {scores['psnr']:.2f}" for name, scores in manifest["statistics"]["baselines"].items()
    )
    return f"{size / 1e9:.2f} GB, PSNR on test in dB: {psnr}"


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    line = argparse.ArgumentParser(prog=f"python -m {PROGRAM}", description="Simulate micrographs of graphene.")
    line.add_argument("--out", type=Path, required=True, help="folder to make; new, empty, or made by this program")
    line.add_argument("--dataset-id", required=True, help="name of the set in manifests and results")
    line.add_argument("--train-images", type=int, default=256, help="pairs to train on (default %(default)s)")
    line.add_argument("--test-images", type=int, default=32, help="pairs to test on (default %(default)s)")
    line.add_argument("--seed", type=int, default=0, help="seed of the set (default %(default)s)")
    line.add_argument("--lowest-dose", type=float, default=10000.0, help="in electrons per Å² (default %(default)s)")
    line.add_argument("--highest-dose", type=float, default=1000000.0, help="in electrons per Å² (default %(default)s)")
    line.add_argument("--mode", choices=tuple(MODES), default="hrtem", help="kind of microscope (default %(default)s)")
    line.add_argument(
        "--jobs", type=int, default=1, help="pairs made side by side; no effect on the bytes (default %(default)s)"
    )
    return line


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Exit codes: 0 the set is there, 2 refused, 3 the disk refused."""
    given = vars(parser().parse_args(argv))
    root, jobs = given.pop("out"), given.pop("jobs")
    stop_like_ctrl_c()
    with failing_politely():
        require_jobs(jobs)
        simulate(root, Options(**given), jobs=jobs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
