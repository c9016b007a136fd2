"""Simulate a data set of diffuse-multiple-scattering patterns in the layouts of the real files.

    python -m datasets.dms_classifier.simulate --out data/mine --dataset-id mine --train-patterns 512

writes `{train,test}/dms_phases.h5` (generation A) or `training/data-binary.h5` (generation C), the truth behind the
patterns in `dms_truth.h5` beside them and, last of all, `manifest.json`. The same options give the same bytes, at every
number of jobs. A folder that already holds the very set is left alone; an interrupted one is done again.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
from numpy.typing import NDArray

from datasets.common.failures import UsageError, failing_politely, say
from datasets.common.files import description, load_layout, write_manifest
from datasets.common.making import (
    claim,
    contiguous,
    require_jobs,
    run_all,
    stop_like_ctrl_c,
    up_to_date,
    whole_hdf5,
)
from datasets.dms_classifier.baseline import statistics
from datasets.dms_classifier.crystal import PHASES
from datasets.dms_classifier.detector import COLUMNS, ROWS
from datasets.dms_classifier.simulator import Pattern, simulate_pattern

HERE = Path(__file__).parent
PROGRAM = "datasets.dms_classifier.simulate"
LICENCE = "MIT, like the program that made it: simulated, holds no measurement."

SIMULATOR_VERSION = "1.0"
"""Raised when the same options give other bytes than before."""

CHANNELS = 3
FOLDERS = {"A": ("train", "test"), "C": ("training",)}
BYTES_PER_PATTERN = ROWS * COLUMNS * CHANNELS * 4
MOST_VARIANTS = 6
"""Permutations of three axes."""

SAY_EVERY_S = 5.0

LARGEST_SPREAD = 1000.0
"""At which the crystal is turned by 50° and the detector sees any part of the pattern."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What is simulated. Two sets with equal options are equal byte for byte."""

    dataset_id: str
    """Name of the set in manifests and results."""

    train_patterns: int
    """Patterns to train on."""

    test_patterns: int
    """Patterns to test on, none of which is trained on."""

    seed: int
    """Seed of the whole set; each pattern has a child of it."""

    tetragonal_share: float
    """Share of tetragonal patterns in each split; the other phases have equal shares of the rest."""

    phases: int
    """Phases: 2, or 3 with the rhombohedral one."""

    most_domains: int
    """Most ferroelastic domains in the beam."""

    spread: float
    """Factor on the spread of crystal and detector."""

    generation: Literal["A", "C"]
    """Layout: two files of the first generation, or one of the third."""

    def __post_init__(self) -> None:
        limits = {"train_patterns": (2, None), "test_patterns": (2, None), "seed": (0, None), "phases": (2, 3)}
        for name, (least, most) in {**limits, "most_domains": (1, MOST_VARIANTS)}.items():
            value = getattr(self, name)
            if value < least or (most is not None and value > most):
                bounds = f"at least {least}" if most is None else f"{least} to {most}"
                raise UsageError(f"--{name.replace('_', '-')}: expected {bounds}, found {value}")
        if not 0 <= self.spread <= LARGEST_SPREAD:
            raise UsageError(f"--spread: expected 0 to {LARGEST_SPREAD:g}, found {self.spread}")
        if not 0 < self.tetragonal_share < 1:
            raise UsageError(f"--tetragonal-share: expected more than 0 and less than 1, found {self.tetragonal_share}")


@dataclass(frozen=True, kw_only=True)
class PatternJob:
    """One pattern to simulate, small enough to send to another process."""

    seed: int
    """Seed of the set."""

    number: int
    """Number of the pattern in the set: the key of its child seed."""

    label: int
    """Phase."""

    most_domains: int
    """Most domains in the beam."""

    spread: float
    """Factor on the spread of crystal and detector."""


def run_job(job: PatternJob) -> Pattern:
    """Simulate one pattern."""
    seed = np.random.SeedSequence(job.seed, spawn_key=(job.number,))
    return simulate_pattern(seed, job.label, job.most_domains, job.spread)


def draw_labels(options: Options, split: str, count: int) -> NDArray[np.int64]:
    """Return the labels of a split: exact shares, in an order drawn from the seed."""
    tetragonal = min(count - 1, max(1, round(count * options.tetragonal_share)))
    others = [label for label in range(options.phases) if PHASES[label] != "tetragonal"]
    rest = [others[index % len(others)] for index in range(count - tetragonal)]
    labels = np.array([PHASES.index("tetragonal")] * tetragonal + rest, np.int64)
    random = np.random.default_rng([options.seed, {"train": 1, "test": 2}[split]])
    return random.permutation(labels)


def simulate(root: Path, options: Options, *, jobs: int) -> None:
    """Make the set in `root`, which is new, empty, or was made here before.

    Raises UsageError where `root` holds something else, OSError where the disk refuses.
    """
    started = time.monotonic()
    if up_to_date(root, made_by(options), load_layout(HERE)):
        say(f"{root}: already holds this very set; nothing to do")
        return
    counts = {"train": options.train_patterns, "test": options.test_patterns}
    folders = FOLDERS[options.generation]
    others = [folder for held in FOLDERS.values() for folder in held]
    needed_bytes = sum(counts.values()) * BYTES_PER_PATTERN
    claim(root, program=PROGRAM, folders=folders, needed_bytes=needed_bytes, others=others)
    labels = {split: draw_labels(options, split, count) for split, count in counts.items()}
    if options.generation == "A":
        for split in counts:
            write_file(root / split, "dms_phases.h5", {"": (split, labels[split])}, options, jobs)
    else:
        groups = {f"{split}/": (split, labels[split]) for split in counts}
        write_file(root / "training", "data-binary.h5", groups, options, jobs)
    say("hashing the files and scoring the baselines")
    manifest = describe(root, options)
    write_manifest(root, manifest)
    say(f"{root}: {summary(manifest)}, {time.monotonic() - started:.0f} s")


def write_file(
    folder: Path, name: str, groups: Mapping[str, tuple[str, NDArray[np.int64]]], options: Options, jobs: int
) -> None:
    """Write one file of patterns and its truth; neither has its name before both are whole.

    Args:
        folder: where.
        name: of the file of patterns.
        groups: prefix of the keys → split and labels.
        options: of the set.
        jobs: processes.
    """
    with whole_hdf5(folder / name) as patterns_file, whole_hdf5(folder / "dms_truth.h5") as truth_file:
        for prefix, (split, labels) in groups.items():
            first = 0 if split == "train" else options.train_patterns
            todo = [
                PatternJob(
                    seed=options.seed,
                    number=first + index,
                    label=int(label),
                    most_domains=options.most_domains,
                    spread=options.spread,
                )
                for index, label in enumerate(labels)
            ]
            write_patterns(patterns_file, truth_file, prefix, labels, run_all(run_job, todo, jobs))


def write_patterns(
    patterns_file: h5py.File, truth_file: h5py.File, prefix: str, labels: NDArray[np.int64], made: Iterable[Pattern]
) -> None:
    """Write the patterns of one split while they come in."""
    count, last = len(labels), time.monotonic()
    for file in (patterns_file, truth_file):
        if prefix:
            file.create_group(prefix.rstrip("/"))
    images = contiguous(patterns_file, f"{prefix}images", (count, ROWS, COLUMNS, CHANNELS), "<f4")
    contiguous(patterns_file, f"{prefix}labels", (count,), "<i8")[...] = labels
    lattice = contiguous(truth_file, f"{prefix}lattice", (count, 6), "<f4")
    domains = contiguous(truth_file, f"{prefix}domains", (count,), "u1")
    for index, pattern in enumerate(made):
        images[index] = np.repeat(pattern.counts[..., None], CHANNELS, axis=-1)
        lattice[index], domains[index] = pattern.lattice, pattern.domains
        if time.monotonic() - last > SAY_EVERY_S:
            last = time.monotonic()
            say(f"pattern {index + 1} of {count}")


def made_by(options: Options) -> dict[str, Any]:
    """Return what the manifest says of the program, its version and its options."""
    return {"program": PROGRAM, "version": SIMULATOR_VERSION, "options": asdict(options)}


def describe(root: Path, options: Options) -> dict[str, Any]:
    """Return the manifest of a finished set."""
    if options.generation == "A":
        splits = {split: [f"{split}/dms_phases.h5", f"{split}/dms_truth.h5"] for split in ("train", "test")}
    else:
        splits = {split: ["training/data-binary.h5", "training/dms_truth.h5"] for split in ("train", "test")}
    manifest = description(root, HERE, splits, dataset_id=options.dataset_id, licence=LICENCE, made_by=made_by(options))
    return {**manifest, "statistics": statistics(root, scores=True)}


def summary(manifest: dict[str, Any]) -> str:
    """Return one line on a finished set."""
    size = sum(entry["size"] for entry in manifest["files"])
    scores = ", ".join(f"{k} {v['accuracy']:.3f}" for k, v in manifest["statistics"]["baselines"].items())
    return f"{size / 1e9:.2f} GB, accuracy on test: {scores}"


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    line = argparse.ArgumentParser(prog=f"python -m {PROGRAM}", description="Simulate scattering patterns.")
    line.add_argument("--out", type=Path, required=True, help="folder to make; new, empty, or made by this program")
    line.add_argument("--dataset-id", required=True, help="name of the set in manifests and results")
    line.add_argument("--train-patterns", type=int, default=512, help="patterns to train on (default %(default)s)")
    line.add_argument("--test-patterns", type=int, default=256, help="patterns to test on (default %(default)s)")
    line.add_argument("--seed", type=int, default=0, help="seed of the set (default %(default)s)")
    line.add_argument(
        "--tetragonal-share", type=float, default=0.5, help="0.71 in the published set (default %(default)s)"
    )
    line.add_argument("--phases", type=int, default=2, help="2, or 3 with the rhombohedral (default %(default)s)")
    line.add_argument("--most-domains", type=int, default=1, help="most domains in the beam (default %(default)s)")
    line.add_argument(
        "--spread", type=float, default=1.0, help="factor on the spread of crystal and detector (default %(default)s)"
    )
    line.add_argument("--generation", choices=("A", "C"), default="A", help="layout of the files (default %(default)s)")
    line.add_argument(
        "--jobs", type=int, default=1, help="patterns made side by side; no effect on the bytes (default %(default)s)"
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
