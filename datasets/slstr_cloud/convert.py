"""Convert many level-1 products, folders or zips, to a data set with a manifest.

    python -m datasets.slstr_cloud.convert S3A….SEN3 S3A….zip --out DIR [--jobs 2] [--split training|inference]

Scenes go to DIR/{day,night}/, or to DIR/SPLIT/{day,night}/ as in the published set. A bad product is reported, the
others go on, and the exit code is 3. The manifest is written last and holds all scenes of DIR.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets.common.failures import EXIT_DATA, DataError, UsageError, explain_os_error, failing_politely, say
from datasets.common.files import MANIFEST, description, load_layout, write_manifest
from datasets.common.making import MARK, require_jobs, run_all, stop_like_ctrl_c
from datasets.common.published import read_published
from datasets.slstr_cloud.archive import open_product, product_name
from datasets.slstr_cloud.convert_sen3 import convert
from datasets.slstr_cloud.manifest import TESTING_FOLDERS, TRAINING_FOLDERS, to_train
from datasets.slstr_cloud.scene import write_scene

HERE = Path(__file__).parent
DATASET_ID = "slstr_cloud-converted"
SCENES = "S3*.hdf"


@dataclass(frozen=True, kw_only=True)
class Job:
    """One product to convert."""

    product: Path
    """Folder or zip."""

    name: str
    """Its name, and that of its scene."""

    folder: Path
    """Where the folders `day` and `night` are."""

    calibrate: bool
    """Apply the vicarious factors to old baselines."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one product: a file, or a fault."""

    path: Path | None = None
    """The scene; None where there is a fault."""

    fault: str = ""
    """What is wrong with the product, in one line."""


def run_job(job: Job) -> Outcome:
    """Convert one product; its faults are an outcome, a disk or a memory that refuses is one too."""
    try:
        with open_product(job.product) as product:
            scene = convert(product, calibrate=job.calibrate)
        path = job.folder / str(scene.attributes["illumination"]) / f"{job.name}.hdf"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_scene(path, scene)
    except DataError as fault:
        return Outcome(fault=str(fault))
    except OSError as error:
        return Outcome(fault=f"{job.product}: {explain_os_error(error)}")
    except MemoryError as error:
        return Outcome(
            fault=f"{job.product}: expected memory for the scene, found too little: {error} — give fewer --jobs, or "
            "convert it on a larger machine"
        )
    return Outcome(path=path)


def jobs_of(products: Sequence[Path], folder: Path, *, calibrate: bool) -> tuple[list[Job], list[str]]:
    """Return what to convert, and what is refused: names that are no level-1 product's, and names given twice."""
    jobs: dict[str, Job] = {}
    faults = []
    for product in (path.absolute() for path in products):  # a link keeps its name, which may be the product's
        name = product_name(product)
        if name is None:
            expected = "a name that begins with S3A_SL_1_RBT or S3B_SL_1_RBT"
            faults.append(f"{product}: expected {expected}, found another — rename it back")
        elif name in jobs:
            faults.append(f"{product}: expected names once, found {jobs[name].product} too — convert one of the two")
        else:
            jobs[name] = Job(product=product, name=name, folder=folder, calibrate=calibrate)
    return list(jobs.values()), faults


def splits_of(root: Path) -> dict[str, list[str]]:
    """Return the scenes of a folder by split: by their folders; else the first four fifths, sorted by name, train."""
    paths = sorted((p.relative_to(root) for p in root.rglob(SCENES)), key=lambda p: (p.name, str(p)))
    train = [p for p in paths if TRAINING_FOLDERS & set(p.parts)]
    test = [p for p in paths if TESTING_FOLDERS & set(p.parts)]
    if not train and not test:
        cut = to_train(len(paths))
        train, test = paths[:cut], paths[cut:]
    return {"train": [str(p) for p in train], "test": [str(p) for p in test]}


def id_of(root: Path, *, split: str | None) -> str | None:
    """Return the name of the set that is in a folder, None where there is none, after a look that scenes may join it.

    Args:
        root: the folder.
        split: folder of the published set to fill; None for none.

    Raises:
        UsageError: it is no folder, holds what somebody else made, or its scenes are in splits and these are to be in
            none, or the other way round: then some would be in no split.
    """
    mend = "name another folder by --out"
    if root.exists() and not root.is_dir():
        raise UsageError(f"{root}: expected a folder for the scenes, found a file — {mend}")
    known = None
    if (root / MANIFEST).exists():
        try:
            manifest = json.loads((root / MANIFEST).read_text(encoding="utf-8"))
            made, name, known = manifest["simulated"], manifest["dataset"], str(manifest["dataset_id"])
        except (OSError, ValueError, KeyError, TypeError):
            made, name = False, "something else"
        if made or name != HERE.name:
            found = f"one of {'a simulated set' if made else name}"
            raise UsageError(f"{root / MANIFEST}: expected that of a set of scenes, found {found} — {mend}")
    if (root / MARK).exists():
        raise UsageError(f"{root}: expected a set of converted scenes, found one that simulate has begun — {mend}")
    for path in (p.relative_to(root) for p in root.rglob(SCENES)):
        if bool(split) != bool((TRAINING_FOLDERS | TESTING_FOLDERS) & set(path.parts)):
            where = "in the folder of a split" if split else "in no folder of a split"
            how = "give --split" if not split else f"leave --split out, move it to a split's folder, or {mend}"
            raise UsageError(f"{root}: expected scenes {where}, found {path} — {how}")
    return known


def describe(root: Path, dataset_id: str) -> dict[str, Any]:
    """Return the manifest of a converted set, whose layout also states the plane `quality`."""
    published = read_published(HERE)
    stated = description(
        root,
        HERE,
        splits_of(root),
        dataset_id=dataset_id,
        licence=published.licence,
        attribution=published.attribution,
    )
    layout, more = load_layout(HERE), converted_layout()
    return {**stated, "layout": {**layout, **more, "keys": {**layout["keys"], **more["keys"]}}}


def converted_layout() -> dict[str, Any]:
    """Return what converted scenes have beyond the layout; apart, since every simulated set's manifest quotes that."""
    more: dict[str, Any] = json.loads((HERE / "layout_converted.json").read_text(encoding="utf-8"))
    return more


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    line = argparse.ArgumentParser(prog="sciml-bench data convert slstr_cloud", description="Convert SEN3 products.")
    line.add_argument("products", type=Path, nargs="+", metavar="SEN3", help="folder ….SEN3, or a zip of one")
    line.add_argument("--out", type=Path, required=True, help="folder of the set; scenes in it stay")
    line.add_argument("--jobs", type=int, default=1, help="products at once (default %(default)s)")
    line.add_argument("--split", choices=["training", "inference"], help="folder of the published set to fill")
    line.add_argument("--dataset-id", help=f"name in results (default: the one that it has, or {DATASET_ID})")
    line.add_argument("--calibrate", action="store_true", help="apply the factors that baselines before 005 lack")
    return line


def main(argv: Sequence[str] | None = None) -> int:
    """Convert products. Exit codes: 0 all converted, 2 usage, 3 at least one product or the disk is at fault."""
    options = parser().parse_args(argv)
    stop_like_ctrl_c()
    with failing_politely():
        require_jobs(options.jobs)
        root: Path = options.out
        known = id_of(root, split=options.split)  # a look that is due whatever the set is to be called
        dataset_id = options.dataset_id or known or DATASET_ID
        root.mkdir(parents=True, exist_ok=True)
        (root / MANIFEST).unlink(missing_ok=True)
        todo, faults = jobs_of(options.products, root / (options.split or ""), calibrate=options.calibrate)
        for done, outcome in enumerate(run_all(run_job, todo, options.jobs) if todo else (), start=1):
            say(f"product {done} of {len(todo)}: {outcome.path or 'not converted'}")
            faults += [outcome.fault] if outcome.fault else []
        if any(root.rglob(SCENES)):
            manifest = describe(root, dataset_id)
            say(str(write_manifest(root, manifest)))
            for split in (name for name, paths in manifest["splits"].items() if not paths):
                say(f"{root}: no scene in the split {split}, and no training without one — convert more, see --split")
    for fault in faults:
        sys.stderr.write(fault + "\n")
    return EXIT_DATA if faults else 0


if __name__ == "__main__":
    sys.exit(main())
