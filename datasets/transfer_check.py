"""Hold what came against the disk, at the end of a download and whenever asked, and describe it by its manifest."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from datasets.common.downloaded import Source as Described
from datasets.common.downloaded import describe_downloaded
from datasets.common.failures import EXIT_DATA, DataError
from datasets.common.files import MANIFEST, file_sha256, write_manifest
from datasets.common.published import Published
from datasets.common.verifying import statement_faults
from datasets.transfer import Arrival
from datasets.transfer_record import RECORD, Record


def describe(name: str, root: Path, arrival: Arrival, record: Record, published: Published) -> None:
    """Write manifest.json: the source's own where it has one, else one of what was found; the disk is held to it.

    Raises:
        DataError: a file changed on the disk since it came, or is not what the set's layout says.
    """
    if arrival.published is not None:
        raise_all(list(stored_faults(root, record)))
        os.replace(arrival.published, root / MANIFEST)
        return
    described: Described = importlib.import_module(f"datasets.{name}.manifest").SOURCE
    try:
        manifest = describe_downloaded(described, root, published.dataset_id, scores=False)
    except DataError as fault:
        raise DataError(f"{fault}\n{root}: every file came whole; they are not what readers of {name} know") from None
    faults = [
        f"{root / entry['path']}: expected the SHA-256 with which it came, found another — is the disk sound?"
        for entry in manifest["files"]
        if entry["path"] in record.entries and entry["sha256"] != record.entries[entry["path"]].sha256
    ]
    faults += stored_faults(root, record, (entry["path"] for entry in manifest["files"]))
    raise_all(faults)
    write_manifest(root, manifest)


def is_described(name: str, root: Path) -> bool:
    """Tell whether a folder has a manifest of this set that says what one has to say."""
    try:
        return not statement_faults(name, json.loads((root / MANIFEST).read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError):
        return False


def stored_faults(root: Path, record: Record, but: Iterable[str] = ()) -> Iterator[str]:
    """Yield which files that came are not as they came; reads all of them but those named."""
    for entry in record.entries.values():
        path = root / entry.path
        if entry.path in but:
            continue
        size = path.stat().st_size if path.is_file() else None
        if size != entry.size:
            found = "none" if size is None else f"{size} bytes"
            yield f"{path}: expected a file of {entry.size} bytes, found {found} — download again"
        elif file_sha256(path) != entry.sha256:
            yield f"{path}: expected the SHA-256 with which it came, found another — remove it, and download again"


def verify(name: str, root: Path) -> int:
    """Hold a folder against its record and its manifest, write each fault to stderr, and return the exit code.

    No source is asked; the manifest is held against the layout by the set's own verifier.

    Raises:
        DataError: nothing was downloaded here.
    """
    record = Record(root)
    if not record.entries:
        raise DataError(f"{root / RECORD}: expected what a download noted, found nothing — download {name} first")
    faults = list(stored_faults(root, record, _stated_alike(root, record)))
    faults += [
        f"{path}: expected a whole file, found a part — download again, and it goes on from there"
        for path in sorted(root.rglob("*.part"))
    ]
    for fault in faults:
        sys.stderr.write(fault + "\n")
    code = int(importlib.import_module(f"datasets.{name}.verify").main([str(root)]))
    return code or (EXIT_DATA if faults else 0)


def _stated_alike(root: Path, record: Record) -> set[str]:
    """Return the files of which manifest and record say the same; they need to be read once only."""
    try:
        files = json.loads((root / MANIFEST).read_text(encoding="utf-8"))["files"]
        stated = {entry["path"]: entry["sha256"] for entry in files}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return set()
    return {entry.path for entry in record.entries.values() if stated.get(entry.path) == entry.sha256}


def raise_all(faults: Sequence[str]) -> None:
    """Raise DataError with a line for each fault, where there is one."""
    if faults:
        raise DataError("\n".join(faults))
