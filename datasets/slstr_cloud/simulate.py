"""Simulate a data set of SLSTR scenes in the layout of the real files.

    python -m datasets.slstr_cloud.simulate --out data/mine --dataset-id mine --train-scenes 8 --test-scenes 2

writes `train/S3A….hdf`, `test/S3A….hdf`, the truth behind each in `S3A…_truth.h5` beside it, `truth.json`, which lists
those, and, last of all, `manifest.json`. The same options give the same bytes, at every number of jobs. A folder that
already holds the very set is left alone; an interrupted one keeps its scenes; one without its truth gets it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from datasets.common.failures import UsageError, failing_politely, say
from datasets.common.files import MANIFEST, description, file_sha256, load_layout
from datasets.common.making import MARK, claim, require_jobs, run_all, stop_like_ctrl_c, up_to_date
from datasets.common.progress import shown
from datasets.common.resuming import Journal, make_set
from datasets.slstr_cloud.baseline import scene_statistics
from datasets.slstr_cloud.extras import NO_EXTRAS, Extras
from datasets.slstr_cloud.naming import granule_name
from datasets.slstr_cloud.scene import write_scene
from datasets.slstr_cloud.simulator import simulate_scene
from datasets.slstr_cloud.truth import BYTES_PER_PIXEL as TRUTH_BYTES_PER_PIXEL
from datasets.slstr_cloud.truth import (
    HAZE_BYTES_PER_PIXEL,
    LISTING,
    is_beside,
    listing,
    truth_path,
    write_listing,
    write_truth,
)

HERE = Path(__file__).parent
PROGRAM = "datasets.slstr_cloud.simulate"
LICENCE = "MIT, like the program that made it: simulated, holds no satellite data."

SIMULATOR_VERSION = "1.0"
"""Raised when the same options give other bytes than before."""

EXTRAS = {
    "haze": "mean optical depth of dust and smoke, which count as clear sky",
    "broken_cloud": "share of the scene under low, warm clouds smaller than a pixel",
    "thin_cirrus": "share of the scene under more cirrus of an optical depth up to 0.5",
    "label_noise": "share of the pixels with a wrong label, in patches",
    "cosmetic_fill": "share of the pixels copied from a neighbour; a real scene has 0.22",
}

BYTES_PER_PIXEL = 93
"""Of one scene: bts 12, rads 24, refs 48, bayes 1, summary 8."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What is simulated. Two sets with equal options are equal byte for byte."""

    dataset_id: str
    """Name of the set in manifests and results."""

    train_scenes: int
    """Scenes to train on."""

    test_scenes: int
    """Scenes to test on, none of which is trained on."""

    rows: int
    """Rows of a scene: 1200 in a real one, at least 256."""

    columns: int
    """Columns of a scene: 1500 in a real one, at least 256."""

    seed: int
    """Seed of the whole set; each scene has a child of it."""

    night_share: float
    """Share of the scenes of each split that are night scenes, with reflectances of 0."""

    extras: Extras = field(default=NO_EXTRAS)
    """What the scenes hold beyond the usual."""

    def __post_init__(self) -> None:
        for name, least in (("train_scenes", 1), ("test_scenes", 1), ("rows", 256), ("columns", 256), ("seed", 0)):
            if getattr(self, name) < least:
                option = "--" + name.replace("_", "-")
                raise UsageError(f"{option}: expected at least {least}, found {getattr(self, name)}")
        if self.columns > 1500 or self.rows > 6000:
            raise UsageError(f"--rows, --columns: expected at most 6000 and 1500, found {self.rows} and {self.columns}")
        if not 0 <= self.night_share <= 1:
            raise UsageError(f"--night-share: expected 0 to 1, found {self.night_share}")


@dataclass(frozen=True, kw_only=True)
class SceneJob:
    """One scene to simulate, small enough to send to another process."""

    path: Path
    """File to write."""

    seed: int
    """Seed of the set."""

    number: int
    """Number of the scene in the set: the key of its child seed."""

    rows: int
    """Rows of the scene."""

    columns: int
    """Columns of the scene."""

    night: bool
    """Whether the sun is down."""

    extras: Extras
    """What the scene holds beyond the usual."""

    @property
    def seed_sequence(self) -> np.random.SeedSequence:
        """The scene's own seed."""
        return np.random.SeedSequence(self.seed, spawn_key=(self.number,))


def scene_jobs(root: Path, options: Options) -> dict[str, list[SceneJob]]:
    """Return the scenes of each split in the order of their names."""
    jobs: dict[str, list[SceneJob]] = {}
    number = 0
    for split, count in (("train", options.train_scenes), ("test", options.test_scenes)):
        jobs[split] = []
        for index in range(count):
            night = index >= count - round(count * options.night_share)
            path = root / split / granule_name(number, night=night)
            shared = {name: getattr(options, name) for name in ("seed", "rows", "columns", "extras")}
            jobs[split].append(SceneJob(path=path, number=number, night=night, **shared))
            number += 1
    return jobs


def run_job(job: SceneJob) -> dict[Path, str]:
    """Simulate and write one scene and its truth; return their files with the SHA-256 of each."""
    shape = {"rows": job.rows, "columns": job.columns}
    scene = simulate_scene(job.seed_sequence, **shape, night=job.night, extras=job.extras)
    assert scene.truth is not None
    path, beside = files_of(job)
    return {path: write_scene(path, scene), beside: write_truth(beside, scene.truth, path.name)}


def simulate(root: Path, options: Options, *, jobs: int) -> None:
    """Make the set in `root`, which is new, empty, or was made here before.

    Raises UsageError where `root` holds something else, OSError where the disk refuses.
    """
    splits = scene_jobs(root, options)
    todo = [job for split in splits.values() for job in split]
    paths = {split: [str(job.path.relative_to(root)) for job in held] for split, held in splits.items()}
    make_set(
        root,
        made_by=made_by(options),
        layout=load_layout(HERE),
        fill=lambda: make_scenes(root, options, todo, jobs),
        describe=lambda: describe(root, options, paths),
        summary=summary,
        beside=lambda: is_beside(root, made_by(options)),
    )


def make_scenes(root: Path, options: Options, todo: Sequence[SceneJob], jobs: int) -> None:
    """Make the scenes that are missing, each with its truth, and list the truth."""
    journal, header = Journal(root), {"made_by": made_by(options), "layout": load_layout(HERE)}
    held = whole_files(root, journal, header)
    if held is None:
        needed_bytes = len(todo) * options.rows * options.columns * bytes_per_pixel(options)
        claim(root, program=PROGRAM, folders=("train", "test"), needed_bytes=needed_bytes)
        (root / LISTING).unlink(missing_ok=True)
        held = {}
    journal.write([header, *_noted(held)])
    missing = [job for job in todo if not {str(path.relative_to(root)) for path in files_of(job)} <= held.keys()]
    with shown("scenes", total=len(todo), held=len(todo) - len(missing)) as meter:
        for done, made in enumerate(run_all(run_job, missing, jobs), start=len(todo) - len(missing) + 1):
            written = {str(path.relative_to(root)): digest for path, digest in made.items()}
            journal.append(*_noted(written))
            held |= written
            meter.reached(done)
    scenes = [str(job.path.relative_to(root)) for job in todo]
    write_listing(root, listing(root, scenes, held, header["made_by"]))


def files_of(job: SceneJob) -> tuple[Path, Path]:
    """Return the files that a scene is whole with."""
    return job.path, truth_path(job.path)


def bytes_per_pixel(options: Options) -> int:
    """Return how much of the disk a pixel takes."""
    return BYTES_PER_PIXEL + TRUTH_BYTES_PER_PIXEL + (HAZE_BYTES_PER_PIXEL if options.extras.haze else 0)


def _noted(files: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"path": path, "sha256": digest} for path, digest in files.items()]


def whole_files(root: Path, journal: Journal, header: dict[str, Any]) -> dict[str, str] | None:
    """Return path and SHA-256 of the files that are here, read anew; None where none of this very set were begun.

    Where a finished set lacks its truth, its manifest is what notes the scenes. What nothing notes goes: the temporary
    file of a process that was killed.
    """
    lines = journal.read(**header)[1:] if (root / MARK).exists() else []
    if not lines and (root / MARK).exists() and up_to_date(root, **header):
        say(f"{root}: the scenes are here, and the truth beside them is not; it is made with them once more")
        lines = json.loads((root / MANIFEST).read_text(encoding="utf-8"))["files"]
    if not lines or not all((root / split).is_dir() for split in ("train", "test")):
        return None
    noted = {line["path"]: line["sha256"] for line in lines}
    held = {path: digest for path, digest in noted.items() if _has_sha256(root / path, digest)}
    for split in ("train", "test"):
        for path in (root / split).iterdir():
            if str(path.relative_to(root)) not in held:
                path.unlink()
    return held


def _has_sha256(path: Path, digest: str) -> bool:
    return path.is_file() and file_sha256(path) == digest


def made_by(options: Options) -> dict[str, Any]:
    """Return what the manifest says of the program, its version and its options; of extras, those there are."""
    said = {**asdict(options), "extras": options.extras.given()}
    if not said["extras"]:
        del said["extras"]
    return {"program": PROGRAM, "version": SIMULATOR_VERSION, "options": said}


def options_of(made: dict[str, Any]) -> Options:
    """Return the options that a manifest's `made_by` states."""
    said = dict(made["options"])
    return Options(**{**said, "extras": Extras(**said.get("extras", {}))})


def describe(root: Path, options: Options, splits: dict[str, list[str]]) -> dict[str, Any]:
    """Return the manifest of a finished set; its journal has the hashes."""
    made, layout = made_by(options), load_layout(HERE)
    known = {line["path"]: line["sha256"] for line in Journal(root).read(made, layout)[1:]}
    stated = {"dataset_id": options.dataset_id, "licence": LICENCE, "made_by": made}
    manifest = description(root, HERE, splits, **stated, known=known)
    return {**manifest, "statistics": scene_statistics(root, splits)}


def summary(manifest: dict[str, Any]) -> str:
    """Return one line on a finished set."""
    size = sum(entry["size"] for entry in manifest["files"])
    baselines = manifest["statistics"]["baselines"]
    return (
        f"{len(manifest['files'])} scenes, {size / 1e9:.2f} GB, accuracy on test of majority "
        f"{baselines['majority']['accuracy']}, linear discriminant {baselines['linear_discriminant']['accuracy']}"
    )


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    line = argparse.ArgumentParser(prog="python -m datasets.slstr_cloud.simulate", description="Simulate SLSTR scenes.")
    line.add_argument("--out", type=Path, required=True, help="folder to make; new, empty, or made by this program")
    line.add_argument("--dataset-id", required=True, help="name of the set in manifests and results")
    line.add_argument("--train-scenes", type=int, default=8, help="scenes to train on (default %(default)s)")
    line.add_argument("--test-scenes", type=int, default=2, help="scenes to test on (default %(default)s)")
    line.add_argument("--rows", type=int, default=1200, help="rows of a scene (default %(default)s)")
    line.add_argument("--columns", type=int, default=1500, help="columns of a scene (default %(default)s)")
    line.add_argument("--seed", type=int, default=0, help="seed of the set (default %(default)s)")
    line.add_argument("--night-share", type=float, default=0.0, help="share of night scenes (default %(default)s)")
    line.add_argument(
        "--jobs", type=int, default=1, help="scenes made side by side; no effect on the bytes (default %(default)s)"
    )
    extras = line.add_argument_group("extras", "What makes scenes harder or more like real ones; each is 0 by default.")
    for extra in fields(Extras):
        extras.add_argument(f"--{extra.name.replace('_', '-')}", type=float, default=0.0, help=EXTRAS[extra.name])
    return line


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Exit codes: 0 the set is there, 2 refused, 3 the disk refused."""
    given = vars(parser().parse_args(argv))
    root, jobs = given.pop("out"), given.pop("jobs")
    stop_like_ctrl_c()
    with failing_politely():
        require_jobs(jobs)
        extras = Extras(**{extra.name: given.pop(extra.name) for extra in fields(Extras)})
        simulate(root, Options(**given, extras=extras), jobs=jobs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
