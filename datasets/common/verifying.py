"""Verify a data set: its manifest, and every file's size and SHA-256; what is inside is the data set's own business."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import jsonschema
import numpy as np
import referencing

from datasets.common.failures import EXIT_DATA, DataError, failing_politely, one_line, say
from datasets.common.files import MANIFEST, file_sha256, reading

SCHEMA = Path(__file__).parents[2] / "logging_spec" / "schemas" / "dataset_manifest.schema.json"

Inside = Callable[[h5py.File, str, Mapping[str, Any], bool], Iterator[str]]
"""Yields the faults of an open file, given its path in the set, the manifest, and whether no value is to be read."""

Together = Callable[[Path, Mapping[str, Any]], Iterator[str]]
"""Yields the faults that only a look at several files shows, given the set's folder and manifest."""

Beside = Callable[[Path, Mapping[str, Any], bool], Iterator[str]]
"""Yields the faults of what lies beside the manifest's files, given folder, manifest, and whether no value is read."""


def faults_of(
    root: Path,
    dataset: str,
    inside: Inside,
    together: Together | None = None,
    *,
    quick: bool,
    beside: Beside | None = None,
) -> Iterator[str]:
    """Yield every fault of a data set as one line.

    Args:
        root: folder of the set.
        dataset: name of the data set's folder in this room.
        inside: looks into each file.
        together: looks at files that belong together.
        quick: compare sizes and headers only.
        beside: looks at what the manifest does not list.
    """
    try:
        manifest = json.loads((root / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        yield f"{root / MANIFEST}: expected a manifest, found none — the set is unfinished; make or download it again"
        return
    except (OSError, ValueError, RecursionError) as error:
        yield f"{root / MANIFEST}: expected JSON, found: {error}"
        return
    faults = list(manifest_faults(root, dataset, manifest))
    yield from faults
    if faults:
        return
    for entry in manifest["files"]:
        yield from stored_faults(root / entry["path"], entry, quick=quick)
    yield from content_faults(root, manifest, inside, together, quick=quick)
    if beside is not None:
        yield from beside(root, manifest, quick)


def manifest_faults(root: Path, dataset: str, manifest: Any) -> Iterator[str]:
    """Yield what is wrong with the manifest itself: its form, and the agreement of splits, files and folder."""
    form = list(_form_faults(dataset, manifest))
    yield from (f"{root / MANIFEST}: {fault}" for fault in form)
    if form:
        return
    yield from (f"{root / MANIFEST}: {fault}" for fault in _list_faults(manifest))
    listed = {entry["path"] for entry in manifest["files"]}
    held = {str(path.relative_to(root)) for path in root.rglob(manifest["layout"]["file_pattern"])}
    for path in sorted(held - listed):
        yield f"{root / path}: expected only files of the manifest, found this one"


def statement_faults(dataset: str, manifest: Any) -> list[str]:
    """Return what is wrong with a manifest wherever it lies: its form, and the agreement of splits and files."""
    return list(_form_faults(dataset, manifest)) or list(_list_faults(manifest))


def _form_faults(dataset: str, manifest: Any) -> Iterator[str]:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema, registry=referencing.Registry())
    wrong = list(validator.iter_errors(manifest))
    yield from (f"{error.json_path}: {error.message}" for error in wrong)
    if wrong:
        return
    layout = manifest["layout"]
    if manifest["dataset"] != dataset or not isinstance(layout.get("keys"), dict) or "file_pattern" not in layout:
        yield f"expected a set of {dataset} with its layout, found one of {manifest['dataset']}"
        return
    pattern = layout["file_pattern"]
    if not isinstance(pattern, str) or not pattern or Path(pattern).is_absolute():
        yield f"$.layout.file_pattern: expected a pattern of names, found {pattern!r}"


def _list_faults(manifest: Mapping[str, Any]) -> Iterator[str]:
    listed = [entry["path"] for entry in manifest["files"]]
    outside = [path for path in listed if Path(path).is_absolute() or ".." in Path(path).parts]
    yield from (f"{path}: expected a path inside the folder" for path in outside)
    split = sorted({path for paths in manifest["splits"].values() for path in paths})
    if split != sorted(listed):
        yield f"expected each of {len(listed)} files in a split, found {len(split)} in splits"


def stored_faults(
    path: Path, entry: Mapping[str, Any], *, quick: bool, listed_in: str = "the manifest"
) -> Iterator[str]:
    """Yield where a file as a row of bytes is not what the list of files says."""
    if not path.is_file():
        yield f"{path}: expected a file of {entry['size']} bytes, found none"
        return
    size = path.stat().st_size
    if size != entry["size"]:
        yield f"{path}: expected {entry['size']} bytes, found {size}"
    elif not quick and file_sha256(path) != entry["sha256"]:
        yield f"{path}: expected the SHA-256 of {listed_in}, found another — a byte was changed; get the file again"


def content_faults(
    root: Path, manifest: Mapping[str, Any], inside: Inside | None, together: Together | None, *, quick: bool
) -> Iterator[str]:
    """Yield what is wrong inside of the files that are there, and with what they hold together."""
    damaged = False
    for entry in manifest["files"]:
        path = root / entry["path"]
        if inside is None or not path.is_file():
            continue
        try:
            with looking_into(path) as file:
                yield from (f"{path}: {fault}" for fault in inside(file, entry["path"], manifest, quick))
        except DataError as error:
            damaged = True
            yield str(error)
    if together is not None and not damaged:
        yield from together(root, manifest)


@contextmanager
def looking_into(path: Path) -> Iterator[h5py.File]:
    """Open an HDF5 file that may be damaged anywhere.

    Raises:
        DataError: it is. h5py has no one kind of fault for that: a wrong byte in a table of names is a RuntimeError, in
            a shape or a type a KeyError, a ValueError or a TypeError, and a shape without an end a MemoryError.
    """
    try:
        with reading(path) as file:
            yield file
    except DataError:
        raise
    except Exception as error:  # noqa: BLE001 - see above
        found = one_line(f"{type(error).__name__}: {error}")
        raise DataError(
            f"{path}: expected a whole HDF5 file, found: {found} — its structure is damaged; get it again"
        ) from None


def lengths(root: Path, places: Mapping[str, str]) -> dict[str, int]:
    """Return the number of samples of each place that is there, for places given as path → key."""
    found = {}
    for path, key in places.items():
        if (root / path).is_file():
            with looking_into(root / path) as file:
                array = file.get(key)
                if isinstance(array, h5py.Dataset) and array.shape:
                    found[path] = len(array)
    return found


def absent_keys(file: h5py.File, keys: Sequence[str]) -> Iterator[str]:
    """Yield a fault for each key that is no data set of a file, or one that is declared empty."""
    for key in keys:
        held = file.get(key)
        if isinstance(held, h5py.Dataset) and held.shape is None:
            yield f"{key}: expected an array, found an empty data set"
        elif not isinstance(held, h5py.Dataset):
            found = "a group" if key in file else f"none among {', '.join(file) or 'nothing'}"
            yield f"{key}: expected this data set, found {found}"


def array_faults(array: h5py.Dataset, shape: tuple[int | None, ...], dtypes: Sequence[str]) -> Iterator[str]:
    """Yield where the shape (None stands for any size) or the dtype of an HDF5 data set is another."""
    same_rank = len(array.shape) == len(shape)
    if not same_rank or any(size not in (None, found) for size, found in zip(shape, array.shape, strict=True)):
        wanted = ", ".join("N" if size is None else str(size) for size in shape)
        yield f"expected shape ({wanted}), found {array.shape}"
    accepted = [np.dtype(name) for name in dtypes]
    if not any(array.dtype == dtype for dtype in accepted):
        yield f"expected dtype {' or '.join(map(str, accepted))}, found {array.dtype}"


def storage_faults(array: h5py.Dataset) -> Iterator[str]:
    """Yield where a data set is not stored as one piece; readers take it, and are slower than this suite measures."""
    if array.chunks is not None:
        filtered = f", compressed by {array.compression}" if array.compression else ""
        found = f"chunks of {array.chunks}{filtered}"
        yield f"expected contiguous storage, found {found} — `h5repack -l CONTI -f NONE` makes it so"


def verify_main(
    argv: Sequence[str] | None,
    inside: Inside,
    together: Together | None = None,
    *,
    program: str,
    beside: Beside | None = None,
) -> int:
    """Verify a data set and list its faults. Exit codes: 0 sound, 2 usage, 3 faults."""
    dataset = program.split(".")[1]  # python -m datasets.<name>.verify
    parser = argparse.ArgumentParser(prog=program, description=verify_main.__doc__)
    parser.add_argument("folder", type=Path, help="folder that holds manifest.json")
    parser.add_argument("--quick", action="store_true", help="sizes and headers only; read no value")
    options = parser.parse_args(argv)
    found = 0
    with failing_politely():
        for fault in faults_of(options.folder, dataset, inside, together, quick=options.quick, beside=beside):
            sys.stderr.write(fault + "\n")
            found += 1
    if found:
        sys.stderr.write(f"{options.folder}: {found} fault{'s' if found > 1 else ''}\n")
        return EXIT_DATA
    say(f"{options.folder}: sound{' (sizes and headers)' if options.quick else ''}")
    return 0
