"""What a download has to do: the files that a source lists, held against those that are here."""

from __future__ import annotations

import json
import shutil
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any

from datasets.common.failures import DataError, one_line
from datasets.common.files import CROISSANT, MANIFEST
from datasets.common.making import JOURNAL, MARK, ROOM_TO_SPARE
from datasets.common.verifying import statement_faults
from datasets.sources.source import Changed, Missing, Refused, Source
from datasets.transfer_part import Part, RemoteFile
from datasets.transfer_progress import amount
from datasets.transfer_record import RECORD, Entry, Record

PUBLISHED = ".manifest-of-the-source.json"
"""Name of the source's own manifest while files of it are missing."""
OWN_NAMES = frozenset({RECORD, MARK, JOURNAL, CROISSANT, PUBLISHED})
"""What this suite writes itself, and does not take from a mirror of a folder of its own."""
NAME_BYTES = 255 - len("..part.json.12345678.part")
"""Longest name of which every file beside it, while it comes, has a name that a file system takes."""
SHOWN = 5


def listing(source: Source) -> list[RemoteFile]:
    """Return the files of a source that are to be here, sorted by path.

    Raises:
        SourceError: it cannot be listed, or lists what cannot lie in one folder side by side: a path that leads out
            of it, onto a part file or through another file, one that is no name of a file here, or one path twice.
    """
    files = sorted((file for file in source.files() if file.path not in OWN_NAMES), key=lambda file: file.path)
    for file in files:
        _require_path(file.path)
    taken = OWN_NAMES | {file.path for file in files}
    for file in files:
        for folder in map(str, PurePosixPath(file.path).parents):
            if folder in taken:
                raise Refused(f"expected a file or a folder of the name {folder!r}, found both: {file.path!r}")
    for one, next_one in pairwise(files):
        if one.path == next_one.path:
            raise Refused(f"expected each file once in the list, found {one.path!r} twice")
    return files


def _require_path(path: str) -> None:
    """Raise Refused where a path is none of a file in a folder of its own set."""
    names = path.split("/")
    if not {"", ".", ".."}.isdisjoint(names):
        raise Refused(f"expected paths inside the folder of the set, found {path!r}")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in path):
        raise Refused(f"expected names of files in printable Unicode, found {path!r}")
    if path.endswith((".part", ".part.json")):
        raise Refused(f"expected whole files, found the part of one, {path!r} — the folder at the source is unfinished")
    if (longest := max(len(name.encode()) for name in names)) > NAME_BYTES:
        raise Refused(f"expected names of at most {NAME_BYTES} bytes, found {longest} in {path!r}")


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
        Missing: it is one, and not of the form that every reader of it takes for granted.
    """
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for entry in manifest["files"]:
            _ = (entry["path"], entry["size"], entry["sha256"])
        dataset = manifest["dataset"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if dataset != name:
        raise DataError(f"{path.name}: expected a set of {name} at the source, found one of {dataset} — name another")
    if faults := statement_faults(name, manifest):
        raise Missing(
            f"{MANIFEST}: expected the manifest of a data set, found another form: {one_line(faults[0])[:300]}"
        )
    return manifest


def to_do(files: Iterable[RemoteFile], root: Path, record: Record, source: str) -> list[RemoteFile]:
    """Return the files that are not here as they were trusted, each with the hash that is known of it.

    Raises:
        DataError: a file is here that the source has otherwise; a line for each.
    """
    wanted, faults = [], list[str]()
    for file in files:
        entry, final = record.entries.get(file.path), root / file.path
        if (obstacle := _obstacle(root, file.path)) is not None:
            faults.append(obstacle)
            continue
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


def _obstacle(root: Path, path: str) -> str | None:
    """Return a line on what is here in place of a file, or of a folder that it lies in; None where nothing is."""
    final = root / path
    for folder in [root / parent for parent in PurePosixPath(path).parents]:
        if folder.exists() and not folder.is_dir():
            return f"{folder}: expected a folder, found something else — move it away"
    if final.exists() and not final.is_file():
        return f"{final}: expected a file or nothing, found a folder or a device — move it away"
    return None


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
