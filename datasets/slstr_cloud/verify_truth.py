"""Verify the truth beside simulated scenes: its list, and each file's size, SHA-256, planes and scene.

A set without any truth, as a real one, is sound.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from datasets.common.failures import DataError
from datasets.common.verifying import array_faults, looking_into, stored_faults
from datasets.slstr_cloud.truth import LISTING, SUFFIX

REMEDY = "`data simulate` with the same options makes it"


def truth_faults(root: Path, manifest: Mapping[str, Any], quick: bool) -> Iterator[str]:
    """Yield what is wrong with the truth beside the scenes of a set; values are read unless `quick`."""
    held = {str(path.relative_to(root)) for path in root.rglob(f"*{SUFFIX}")}
    if not (root / LISTING).exists():
        yield from (
            f"{root / path}: expected {LISTING}, which lists it, found none — {REMEDY}" for path in sorted(held)
        )
        return
    try:
        stated = json.loads((root / LISTING).read_text(encoding="utf-8"))
        files = {entry["path"]: (entry["scene"], entry["size"], entry["sha256"]) for entry in stated["files"]}
        keys = dict(stated["layout"]["keys"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        expected = "expected a layout, and files with path, scene, size and sha256"
        yield f"{root / LISTING}: {expected}, found: {error!r} — {REMEDY}"
        return
    yield from _listing_faults(root, manifest, {path: scene for path, (scene, _, _) in files.items()}, held)
    for path, (scene, size, digest) in files.items():
        if path not in held:
            yield f"{root / path}: expected the truth of {scene}, found none — {REMEDY}"
            continue
        yield from stored_faults(root / path, {"size": size, "sha256": digest}, quick=quick, listed_in=LISTING)
        yield from _content_faults(root, path, scene, keys, quick=quick)


def _listing_faults(
    root: Path, manifest: Mapping[str, Any], scenes: Mapping[str, str], held: set[str]
) -> Iterator[str]:
    """Yield where list, scenes and folder disagree."""
    wanted = {entry["path"] for entry in manifest["files"]}
    for path, scene in sorted(scenes.items()):
        if scene not in wanted or Path(path) != Path(scene).with_name(Path(scene).stem + SUFFIX):
            yield f"{root / LISTING}: {path}: expected the truth of a scene of the set beside it, found that of {scene}"
    for scene in sorted(wanted - set(scenes.values())):
        yield f"{root / LISTING}: expected the truth of each scene, found none of {scene} — {REMEDY}"
    for path in sorted(held - scenes.keys()):
        yield f"{root / path}: expected only files of {LISTING}, found this one"


def _content_faults(root: Path, path: str, scene: str, keys: Mapping[str, Any], *, quick: bool) -> Iterator[str]:
    """Yield what is wrong inside of a file of truth."""
    try:
        with looking_into(root / scene) as file:
            size = file["bts"].shape[:2]
    except DataError:
        return  # said of the scene itself
    try:
        with looking_into(root / path) as file:
            said = file.attrs.get("scene")
            if said != Path(scene).name:
                yield f"{root / path}: expected the attribute scene to be {Path(scene).name}, found {said}"
            for name, rule in keys.items():
                yield from (f"{root / path}: {name}: {fault}" for fault in _plane_faults(file, name, rule, size, quick))
    except DataError as error:
        yield str(error)


def _plane_faults(
    file: h5py.File, name: str, rule: Mapping[str, Any], size: tuple[int, int], quick: bool
) -> Iterator[str]:
    plane = file.get(name)
    if plane is None and not rule["required"]:
        return
    if not isinstance(plane, h5py.Dataset):
        yield f"expected this data set, found {'none' if plane is None else 'a group'}"
        return
    faults = list(array_faults(plane, (*size, rule["shape"][-1]), rule["accept"]["dtypes"]))
    yield from faults
    if faults or quick:
        return
    values, (low, high) = plane[...], rule["range"]
    wrong = ~np.isfinite(values) | (values < low) | (values > high)
    if wrong.any():
        yield f"expected {low} to {high} in every pixel, found {values[wrong][0]} in {wrong.sum()} of them"
