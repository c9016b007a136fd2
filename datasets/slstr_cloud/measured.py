"""One scene as statistics see it, from any of the forms it comes in, with the kind of ground where that is known.

Shape suffixes: H rows, W columns.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from datasets.common.failures import DataError
from datasets.common.files import MANIFEST, reading
from datasets.slstr_cloud import sen3
from datasets.slstr_cloud.convert_sen3 import convert
from datasets.slstr_cloud.decoding import decode
from datasets.slstr_cloud.simulate import PROGRAM, options_of, scene_jobs
from datasets.slstr_cloud.simulator import simulate_surface

Real = NDArray[np.float32]
Flags = NDArray[np.bool_]
GROUNDS = ("ocean", "land", "desert", "snow", "lake")
"""Kinds of ground by the numbers of `surface.py`; a real product does not tell desert from land."""

OCEAN_BIT, LAKE_BIT, SNOW_BIT = 1 << 1, 1 << 4, 1 << 13
"""Bits of `confidence_in`: ocean, inland water, snow."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What of a scene is counted."""

    channels: dict[str, Real]
    """channel_HW by name: S7 to S9 in kelvin, S1 to S6 as reflectance where the scene has them by daylight."""

    clouds: dict[str, Flags]
    """cloud_HW of the label planes `bayes` and `summary`."""

    valid: Flags
    """valid_HW: seen and labelled."""

    ground: NDArray[np.uint8] | None
    """Index into GROUNDS_HW; None where nothing tells."""


def scenes_of(path: Path) -> Iterator[Measured]:
    """Yield the scenes of a folder with a manifest, of one `.hdf` file, or of one `.SEN3` product.

    Raises DataError where it is none of these, or a file is damaged.
    """
    if (path / MANIFEST).is_file():
        yield from _of_set(path)
    elif path.name.endswith(".SEN3") and path.is_dir():
        yield _of_product(path)
    elif path.is_file():
        yield _of_file(path, None)
    else:
        raise DataError(f"{path}: expected a data set with {MANIFEST}, an S3A….hdf file or a .SEN3 folder, found none")


def _of_set(root: Path) -> Iterator[Measured]:
    manifest = json.loads((root / MANIFEST).read_text(encoding="utf-8"))
    made = manifest.get("made_by") or {}
    jobs = []
    if made.get("program") == PROGRAM:
        splits = scene_jobs(root, options_of(made))
        jobs = [job for split in manifest["splits"] for job in splits[split]]
    known = {job.path: job for job in jobs}
    for relative in dict.fromkeys(path for split in manifest["splits"].values() for path in split):
        job = known.get(root / relative)
        ground = (
            simulate_surface(job.seed_sequence, rows=job.rows, columns=job.columns, night=job.night).kind
            if job
            else None
        )
        yield _of_file(root / relative, ground)


def _of_file(path: Path, ground: NDArray[np.uint8] | None) -> Measured:
    with reading(path) as file:
        for key in ("bts", "bayes", "summary"):
            if key not in file:
                raise DataError(f"{path}: expected the key {key}, found {', '.join(file) or 'none'} — this is no scene")
        planes = {key: _plane(file, key) for key in ("bts", "refs", "bayes", "summary", "valid")}
    return _measured(planes, ground)


def _of_product(folder: Path) -> Measured:
    scene = convert(folder)
    _, confidence = sen3.read_flags(folder)
    ground = np.full(confidence.shape, GROUNDS.index("land"), np.uint8)
    for bit, name in ((OCEAN_BIT, "ocean"), (LAKE_BIT, "lake"), (SNOW_BIT, "snow")):
        ground[confidence & bit > 0] = GROUNDS.index(name)
    planes = {key: getattr(scene, key) for key in ("bts", "refs", "bayes", "summary", "valid")}
    return _measured(planes, ground)


def _plane(file: h5py.File, key: str) -> NDArray[np.generic] | None:
    return file[key][...] if key in file else None


def _measured(planes: dict[str, NDArray[np.generic] | None], ground: NDArray[np.uint8] | None) -> Measured:
    bts, refs = planes["bts"], planes["refs"]
    channels = {name: np.asarray(bts[..., c], np.float32) for c, name in enumerate(sen3.THERMAL)}
    valid = np.isfinite(bts).all(-1) & (bts > 0).all(-1)
    if planes["valid"] is not None:
        valid &= planes["valid"][..., 0] > 0
    if refs is not None and np.nanmax(refs) > 0:
        channels |= {name: np.asarray(refs[..., c], np.float32) for c, name in enumerate(sen3.SOLAR)}
    decoded = {name: decode(planes[name][..., 0]) for name in ("bayes", "summary")}
    clouds = {name: cloud for name, (cloud, _) in decoded.items()}
    valid &= decoded["bayes"][1] & decoded["summary"][1]
    return Measured(channels=channels, clouds=clouds, valid=valid, ground=ground)
