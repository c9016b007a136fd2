"""Simulate a data set of diffuse-multiple-scattering patterns in the layouts of the real files.

    python -m datasets.dms_classifier.simulate --out data/mine --dataset-id mine --train-patterns 512

writes `{train,test}/dms_phases.h5` (generation A) or `training/data-binary.h5` (generation C), the truth behind the
patterns in `dms_truth.h5` beside them and, last of all, `manifest.json`. The same options give the same bytes, at every
number of jobs. A folder that already holds the very set is left alone; an interrupted one goes on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
from numpy.typing import NDArray

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
from datasets.dms_classifier.baseline import statistics
from datasets.dms_classifier.crystal import PHASES
from datasets.dms_classifier.detector import COLUMNS, ROWS
from datasets.dms_classifier.simulator import Pattern, simulate_pattern

HERE = Path(__file__).parent
PROGRAM = "datasets.dms_classifier.simulate"
LICENCE = "MIT, like the program that made it: simulated, holds no measurement."

SIMULATOR_VERSION, WITH_RHOMBOHEDRAL = "1.0", "1.1"
"""Raised when the same options give other bytes than before; sets with the rhombohedral phase have their own.

The rhombohedral crystals of 1.0 were all longer along the same body diagonal.
"""

CHANNELS = 3
FOLDERS = {"A": ("train", "test"), "C": ("training",)}
BYTES_PER_PATTERN = ROWS * COLUMNS * CHANNELS * 4
MOST_VARIANTS = 6
"""Permutations of three axes; a rhombohedral crystal has four variants, and so no more domains."""

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
    make_set(
        root,
        made_by=made_by(options),
        layout=load_layout(HERE),
        fill=lambda: fill(root, options, jobs),
        describe=lambda: describe(root, options),
        summary=summary,
    )


def fill(root: Path, options: Options, jobs: int) -> None:
    """Make the patterns that are missing; no file has its name before all are whole."""
    counts = {"train": options.train_patterns, "test": options.test_patterns}
    total, first = sum(counts.values()), 0
    labels = {split: draw_labels(options, split, count) for split, count in counts.items()}
    places = [split_place(split, options.generation) for split in counts]
    filling = begin(
        root,
        made_by=made_by(options),
        layout=load_layout(HERE),
        skeletons=files_of(labels, options.generation),
        samples=[key for place in places for key in place.keys],
        claim_anew=lambda: claim(
            root,
            program=PROGRAM,
            folders=FOLDERS[options.generation],
            needed_bytes=total * BYTES_PER_PATTERN,
            others=[folder for held in FOLDERS.values() for folder in held],
        ),
    )
    with shown("patterns", total=total, held=sum(filling.done.values())) as meter:
        for place, (split, count) in zip(places, counts.items(), strict=True):
            todo = pattern_jobs(options, labels[split], first)[filling.done.get(split, 0) :]
            rows = map(place.row, run_all(run_job, todo, jobs))
            for reached in filling.fill(split, place.keys, rows):
                meter.reached(first + reached)
            first += count
    filling.finish()


def pattern_jobs(options: Options, labels: NDArray[np.int64], first: int) -> list[PatternJob]:
    """Return the patterns of a split whose first one has that number in the set."""
    shared = {"seed": options.seed, "most_domains": options.most_domains, "spread": options.spread}
    return [PatternJob(number=first + index, label=int(label), **shared) for index, label in enumerate(labels)]


@dataclass(frozen=True, kw_only=True)
class SplitPlace:
    """Where the patterns of a split go."""

    patterns: str
    """File of the patterns."""

    truth: str
    """File of the truth."""

    prefix: str
    """Of the keys in both."""

    @property
    def keys(self) -> list[Key]:
        """The data sets that each pattern goes to."""
        truth = [(self.truth, f"{self.prefix}{name}") for name in ("lattice", "domains")]
        return [(self.patterns, f"{self.prefix}images"), *truth]

    def row(self, pattern: Pattern) -> Row:
        """Return the parts of a pattern by where they go."""
        images = np.repeat(pattern.counts[..., None], CHANNELS, axis=-1)
        return dict(zip(self.keys, (images, pattern.lattice, np.asarray(pattern.domains)), strict=True))


def split_place(split: str, generation: str) -> SplitPlace:
    """Return where the patterns of a split go in a generation of the layout."""
    if generation == "A":
        return SplitPlace(patterns=f"{split}/dms_phases.h5", truth=f"{split}/dms_truth.h5", prefix="")
    return SplitPlace(patterns="training/data-binary.h5", truth="training/dms_truth.h5", prefix=f"{split}/")


def files_of(labels: Mapping[str, NDArray[np.int64]], generation: str) -> Skeletons:
    """Return the files of a set with their labels and without their patterns."""
    places = {split: split_place(split, generation) for split in labels}

    def building(path: str) -> Callable[[h5py.File], None]:
        def build(file: h5py.File) -> None:
            for split, place in places.items():
                if path == place.patterns:
                    lay_out_patterns(file, place.prefix, labels[split])
                elif path == place.truth:
                    lay_out_truth(file, place.prefix, len(labels[split]))

        return build

    return {path: building(path) for place in places.values() for path in (place.patterns, place.truth)}


def lay_out_patterns(file: h5py.File, prefix: str, labels: NDArray[np.int64]) -> None:
    """Make the data sets of a split's patterns, and write its labels."""
    if prefix:
        file.create_group(prefix.rstrip("/"))
    contiguous(file, f"{prefix}images", (len(labels), ROWS, COLUMNS, CHANNELS), "<f4")
    contiguous(file, f"{prefix}labels", (len(labels),), "<i8")[...] = labels


def lay_out_truth(file: h5py.File, prefix: str, count: int) -> None:
    """Make the data sets of the truth behind a split's patterns."""
    if prefix:
        file.create_group(prefix.rstrip("/"))
    contiguous(file, f"{prefix}lattice", (count, 6), "<f4")
    contiguous(file, f"{prefix}domains", (count,), "u1")


def made_by(options: Options) -> dict[str, Any]:
    """Return what the manifest says of the program, its version and its options."""
    version = WITH_RHOMBOHEDRAL if options.phases > PHASES.index("rhombohedral") else SIMULATOR_VERSION
    return {"program": PROGRAM, "version": version, "options": asdict(options)}


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
