"""Verify a data set: its manifest, and every file's size, SHA-256, keys, shapes, dtypes and values.

    python -m datasets.slstr_cloud.verify DIR [--quick]

`--quick` compares sizes and opens the files, and reads no pixel. Every fault is listed, one line each.
Exit codes: 0 sound, 2 usage, 3 faults.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import jsonschema
import numpy as np
import referencing

from datasets.slstr_cloud.failures import EXIT_DATA, failing_politely, say
from datasets.slstr_cloud.manifest import MANIFEST, file_sha256

SCHEMA = Path(__file__).parents[2] / "logging_spec" / "schemas" / "dataset_manifest.schema.json"
UNFILLED_LABEL = 255
LABELS = ("bayes", "summary")


def faults_of(root: Path, *, quick: bool) -> Iterator[str]:
    """Yield every fault of a data set as one line."""
    try:
        manifest = json.loads((root / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        yield f"{root / MANIFEST}: expected a manifest, found none — the set is unfinished; make or download it again"
        return
    except (OSError, ValueError) as error:
        yield f"{root / MANIFEST}: expected JSON, found: {error}"
        return
    faults = list(manifest_faults(root, manifest))
    yield from faults
    if faults:
        return
    for entry in manifest["files"]:
        yield from file_faults(root / entry["path"], entry, manifest["layout"], quick=quick)


def manifest_faults(root: Path, manifest: Any) -> Iterator[str]:
    """Yield what is wrong with the manifest itself: its form, and the agreement of splits, files and folder."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema, registry=referencing.Registry())
    wrong = list(validator.iter_errors(manifest))
    yield from (f"{root / MANIFEST}: {error.json_path}: {error.message}" for error in wrong)
    if wrong:
        return
    listed = [entry["path"] for entry in manifest["files"]]
    outside = [path for path in listed if Path(path).is_absolute() or ".." in Path(path).parts]
    yield from (f"{root / MANIFEST}: {path}: expected a path inside the folder" for path in outside)
    split = sorted(path for paths in manifest["splits"].values() for path in paths)
    if split != sorted(listed):
        yield f"{root / MANIFEST}: expected each of {len(listed)} files in one split, found {len(split)} in splits"
    held = {str(path.relative_to(root)) for path in root.rglob("S3A*.hdf")}
    yield from (
        f"{root / path}: expected only files of the manifest, found this one" for path in sorted(held - set(listed))
    )


def file_faults(path: Path, entry: Mapping[str, Any], layout: Mapping[str, Any], *, quick: bool) -> Iterator[str]:
    """Yield what is wrong with one file."""
    if not path.is_file():
        yield f"{path}: expected a file of {entry['size']} bytes, found none"
        return
    size = path.stat().st_size
    if size != entry["size"]:
        yield f"{path}: expected {entry['size']} bytes, found {size}"
    elif not quick and file_sha256(path) != entry["sha256"]:
        yield f"{path}: expected the SHA-256 of the manifest, found another — a byte was changed; get the file again"
    try:
        with h5py.File(path, "r") as file:
            yield from (f"{path}: {fault}" for fault in scene_faults(file, layout, quick=quick))
    except OSError as error:
        yield f"{path}: expected a whole HDF5 file, found: {error} — it is truncated or damaged; get it again"


def scene_faults(file: h5py.File, layout: Mapping[str, Any], *, quick: bool) -> Iterator[str]:
    """Yield where an open scene differs from the layout."""
    first = file.get("bts")
    sizes = dict(zip(("rows", "columns"), first.shape[:2], strict=False)) if first is not None else {}
    for axis, size in sizes.items():
        if size < layout["axes"][axis]["minimum"]:
            yield f"{axis}: expected at least {layout['axes'][axis]['minimum']}, found {size}"
    for name, rule in layout["keys"].items():
        excuse = rule["accept"].get("absent_if_attribute")
        if name in file:
            yield from (f"{name}: {fault}" for fault in plane_faults(file[name], name, rule, sizes, quick=quick))
        elif rule["required"] and not (excuse and excuse in file.attrs):
            yield f"{name}: expected this data set, found none"


def plane_faults(
    plane: h5py.Dataset, name: str, rule: Mapping[str, Any], sizes: Mapping[str, int], *, quick: bool
) -> Iterator[str]:
    """Yield where one data set differs from its rule: shape, dtype and, unless quick, values."""
    shape = tuple(sizes.get(axis, axis) for axis in rule["shape"])
    if plane.shape != shape:
        yield f"expected shape {shape}, found {plane.shape}"
    accepted = [np.dtype(name) for name in rule["accept"]["dtypes"]]
    if not any(plane.dtype == dtype for dtype in accepted):
        yield f"expected dtype {' or '.join(map(str, accepted))}, found {plane.dtype}"
    elif not quick:
        yield from value_faults(plane[...], name, rule)


def value_faults(values: np.ndarray[Any, Any], name: str, rule: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the values of one plane."""
    if name in LABELS:
        yield from label_faults(values, rule)
        return
    finite = values[np.isfinite(values)]
    if not finite.size:
        yield "expected finite values, found none"
        return
    low, high = rule["range"]
    seen = finite[finite != 0]
    if seen.size and (seen.min() < low or seen.max() > high):
        yield f"expected values of {low} to {high} {rule['unit']}, found {seen.min():.4g} to {seen.max():.4g}"


def label_faults(values: np.ndarray[Any, Any], rule: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a label plane; 0 to 255 in floating point, and 0 and 255, are labels too."""
    if (values == UNFILLED_LABEL).all():
        yield "expected cloud flags, found 255 in every pixel — the plane was never filled, the scene has no labels"
    elif values.dtype.kind == "f" or set(np.unique(values)) <= {0, UNFILLED_LABEL}:
        if not ((values >= 0) & (values <= UNFILLED_LABEL)).all():
            yield "expected 0 to 255, found other values"
    elif values.max() > rule["range"][1]:
        most = rule["range"][1]
        share = (values > most).mean()
        yield f"expected values up to {most}, found up to {values.max()} in {share:.2%} of the pixels: no labels"


def main(argv: Sequence[str] | None = None) -> int:
    """Verify a data set and list its faults. Exit codes: 0 sound, 2 usage, 3 faults."""
    parser = argparse.ArgumentParser(prog="python -m datasets.slstr_cloud.verify", description=main.__doc__)
    parser.add_argument("folder", type=Path, help="folder that holds manifest.json")
    parser.add_argument("--quick", action="store_true", help="sizes and headers only; read no pixel")
    options = parser.parse_args(argv)
    found = 0
    with failing_politely():
        for fault in faults_of(options.folder, quick=options.quick):
            sys.stderr.write(fault + "\n")
            found += 1
    if found:
        sys.stderr.write(f"{options.folder}: {found} fault{'s' if found > 1 else ''}\n")
        return EXIT_DATA
    say(f"{options.folder}: sound{' (sizes and headers)' if options.quick else ''}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
