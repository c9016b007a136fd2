"""What a download has to do: the files that a source lists, held against those that are here."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from datasets.common.failures import DataError
from datasets.common.files import CROISSANT, MANIFEST
from datasets.common.making import MARK, ROOM_TO_SPARE
from datasets.sources.source import Changed, Missing, Refused, Source
from datasets.transfer_part import Part, RemoteFile
from datasets.transfer_progress import amount
from datasets.transfer_record import RECORD, Entry, Record

OWN_NAMES = frozenset({RECORD, MARK, CROISSANT})
"""What this suite writes itself, and does not take from a mirror of a folder of its own."""
SHOWN = 5


def listing(source: Source) -> list[RemoteFile]:
    """Return the files of a source that are to be here, sorted by path.

    Raises:
        SourceError: it cannot be listed, or lists a path that leads out of the folder or onto a part file.
    """
    files = sorted((file for file in source.files() if file.path not in OWN_NAMES), key=lambda file: file.path)
    for file in files:
        path = PurePosixPath(file.path)
        outside = path.is_absolute() or not {"", ".", ".."}.isdisjoint(file.path.split("/")) or "\0" in file.path
        if outside or file.path.endswith((".part", ".part.json")):
            raise Refused(f"expected paths inside the folder of the set, found {file.path!r}")
    return files


def with_hashes(files: Sequence[RemoteFile], manifest: Mapping[str, Any]) -> list[RemoteFile]:
    """Return the files with the hashes of the source's own manifest.

    Raises:
        Changed: a file has another size than the manifest says.
        Missing: the manifest names a file that is not there.
    """
    stated = {entry["path"]: entry for entry in manifest["files"]}
    for path in sorted(stated.keys() - {file.path for file in files}):
        raise Missing(f"{path}: expected this file of the source's manifest, found none")
    for file in files:
        if file.path in stated and stated[file.path]["size"] != file.size:
            raise Changed(f"{file.path}: expected {stated[file.path]['size']} bytes by the manifest, found {file.size}")
    return [replace(file, sha256=stated[file.path]["sha256"]) if file.path in stated else file for file in files]


def published_manifest(path: Path, name: str) -> dict[str, Any] | None:
    """Return the manifest that a source publishes; None where the file of this name is something else.

    Raises:
        DataError: it is that of another data set.
    """
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for entry in manifest["files"]:
            _ = (entry["path"], entry["size"], entry["sha256"])
        dataset = manifest["dataset"]
    except (ValueError, KeyError, TypeError):
        return None
    if dataset != name:
        raise DataError(f"{path.name}: expected a set of {name} at the source, found one of {dataset} — name another")
    return manifest


def to_do(files: Iterable[RemoteFile], root: Path, record: Record, source: str) -> list[RemoteFile]:
    """Return the files that are not here as they were trusted, each with the hash that is known of it.

    Raises:
        DataError: a file is here that the source has otherwise; a line for each.
    """
    wanted, faults = [], list[str]()
    for file in files:
        entry, final = record.entries.get(file.path), root / file.path
        size = final.stat().st_size if final.is_file() else None
        if entry is not None and size == entry.size:
            faults += _changes(file, entry, root, source)
        elif entry is None and size not in (None, file.size):
            faults.append(
                f"{final}: expected {file.size} bytes, found a file of {size} that this program did not write — "
                "move it away, and the same command brings the source's"
            )
        else:
            wanted.append(_trusted_before(file, entry, source))
    if faults:
        more = [f"and {len(faults) - SHOWN} more"] if len(faults) > SHOWN else []
        raise DataError("\n".join(faults[:SHOWN] + more))
    return wanted


def _changes(file: RemoteFile, entry: Entry, root: Path, source: str) -> list[str]:
    """Return a line where the source has another content than that which was trusted."""
    other_version = entry.source == source and entry.version != file.version
    other_hash = file.sha256 is not None and file.sha256 != entry.sha256
    same_hash = file.sha256 is not None and file.sha256 == entry.sha256
    if (other_version and not same_hash) or other_hash or entry.size != file.size:
        return [
            f"{root / file.path}: expected the content of {entry.received}, found another one at {source} — it "
            "changed there; remove the file to take the new one, or keep this folder as it is"
        ]
    return []


def _trusted_before(file: RemoteFile, entry: Entry | None, source: str) -> RemoteFile:
    same = entry is not None and entry.source == source and entry.version == file.version
    return replace(file, sha256=entry.sha256) if entry is not None and same and file.sha256 is None else file


def require_room(root: Path, files: Sequence[RemoteFile]) -> None:
    """Refuse before the first byte what the disk cannot hold.

    Raises:
        DataError: it has too little room for what is still to come.
    """
    here = sum(Part(root / file.path).allocated_bytes() for file in files)
    missing = [file for file in files if not (root / file.path).is_file()]
    needed = max(0, sum(file.size for file in missing) - here)
    free = shutil.disk_usage(root).free
    if needed * ROOM_TO_SPARE > free:
        raise DataError(
            f"{root}: expected room for {amount(needed)} more, found {amount(free)} — free some space or name another "
            "folder; nothing was fetched"
        )


def without_manifest(root: Path, files: Sequence[RemoteFile]) -> None:
    """Take the manifest away from a folder that gets new files: one without it is unfinished."""
    if any(not (root / file.path).is_file() for file in files):
        (root / MANIFEST).unlink(missing_ok=True)
