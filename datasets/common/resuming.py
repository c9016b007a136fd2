"""Sets that are made sample by sample and go on after any stop: a journal, and files whose space is filled in blocks.

The journal names the options and every finished block with the SHA-256 of its bytes. A line is written after the
block's bytes are on the disk, and at the next start a block is trusted only if its bytes still have that hash. The
metadata of an HDF5 file is written once, before the first sample; samples then go to their place in the contiguous
data sets by plain writes, so that no kill can leave the file's structure half-changed. Until all is whole its name is
NAME.part.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np
from numpy.typing import NDArray

from datasets.common.failures import UsageError, say
from datasets.common.files import MANIFEST, write_manifest
from datasets.common.making import JOURNAL, MARK, closing_hdf5, up_to_date
from logging_spec.whole import sync_folder, whole_file

BLOCK = 8
"""Samples that are written, synced and noted together: what a kill costs at most, for each process."""

CHUNK_BYTES = 1 << 24

Key = tuple[str, str]
"""Path of a file in the set, and a data set in it."""
Row = Mapping[Key, NDArray[Any]]
"""One sample: what goes into each data set."""
Skeletons = Mapping[str, Callable[[h5py.File], None]]
"""Path of a file → what makes its data sets and writes all of it but the samples."""


class Journal:
    """The lines of finished work of one set; each is on the disk before the next one begins."""

    def __init__(self, root: Path) -> None:
        """Name the journal of the set in `root`."""
        self.path = root / JOURNAL

    def read(self, made_by: Mapping[str, Any], layout: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return header and lines, up to the first that is torn; nothing where it is of another set."""
        lines: list[dict[str, Any]] = []
        try:
            for text in self.path.read_bytes().splitlines(keepends=True):
                if not text.endswith(b"\n"):
                    break
                lines.append(dict(json.loads(text)))
        except (OSError, ValueError, TypeError, RecursionError):
            pass
        wanted = json.loads(json.dumps({"made_by": made_by, "layout": layout}))
        return lines if lines and {k: lines[0].get(k) for k in wanted} == wanted else []

    def write(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Replace the journal whole."""
        with whole_file(self.path) as file:
            file.writelines(_line(line) for line in lines)

    def append(self, *lines: Mapping[str, Any]) -> None:
        """Note pieces of work whose bytes are on the disk."""
        with self.path.open("ab") as file:
            file.writelines(map(_line, lines))
            file.flush()
            os.fsync(file.fileno())

    def remove(self) -> None:
        """End the journal of a set that has its manifest, and what kills left of files in the set's folder itself."""
        self.path.unlink(missing_ok=True)
        for name in (JOURNAL, MANIFEST):
            for path in self.path.parent.glob(f".{name}.*.part"):
                path.unlink()


def _line(line: Mapping[str, Any]) -> bytes:
    return json.dumps(line, ensure_ascii=False).encode() + b"\n"


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Hold a folder for one program. The system lets it go when the program ends, however it ends.

    Raises:
        UsageError: another program is making a set here.
        OSError: the folder cannot be read.
    """
    root.mkdir(parents=True, exist_ok=True)
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"{root}: expected a folder that nobody writes, found another simulation at work — "
                "wait for it, or name another folder with --out"
            ) from None
        except OSError:  # some network file systems have no locks; a simulation into them is better than none
            pass
        yield
    finally:
        os.close(handle)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the samples of one data set lie in their file."""

    offset: int
    """First byte."""

    row_bytes: int
    """Bytes of a sample."""

    rows: int
    """Samples."""

    dtype: str
    """Type of a value, in NumPy's words."""


class Filling:
    """The HDF5 files of a set while they are filled.

    Use `begin` to make one. `done` says how many samples of a split are trusted, `fill` adds the rest.
    """

    def __init__(self, root: Path, journal: Journal, places: Mapping[Key, Place]) -> None:
        """Take what `begin` found or made."""
        self.root, self.journal, self.places = root, journal, places
        self.done: dict[str, int] = {}

    def fill(self, split: str, keys: Sequence[Key], rows: Iterable[Row]) -> Iterator[int]:
        """Write samples from the first missing one on, and yield the number that the split holds after each block.

        Args:
            split: name of the samples in the journal.
            keys: data sets that each sample goes to.
            rows: samples in their order.

        Raises OSError where the disk refuses.
        """
        with ExitStack() as stack:
            paths = sorted({path for path, _ in keys})
            files = {path: stack.enter_context(part(self.root / path).open("rb+", buffering=0)) for path in paths}
            for block in _blocks(rows):
                first = self.done.get(split, 0)
                digest = hashlib.sha256()
                for key in sorted(keys):
                    data = b"".join(np.ascontiguousarray(r[key], self.places[key].dtype).tobytes() for r in block)
                    _write_at(files[key[0]], self.places[key].offset + first * self.places[key].row_bytes, data)
                    digest.update(data)
                for file in files.values():
                    os.fsync(file.fileno())
                end = first + len(block)
                names = [list(key) for key in sorted(keys)]
                self.journal.append(
                    {"split": split, "first": first, "end": end, "keys": names, "sha256": digest.hexdigest()}
                )
                self.done[split] = end
                yield end

    def finish(self) -> None:
        """Give every file its name, once all samples are there."""
        for path in sorted({path for path, _ in self.places}):
            os.replace(part(self.root / path), self.root / path)
            sync_folder((self.root / path).parent)


def make_set(
    root: Path,
    *,
    made_by: Mapping[str, Any],
    layout: Mapping[str, Any],
    fill: Callable[[], None],
    describe: Callable[[], dict[str, Any]],
    summary: Callable[[dict[str, Any]], str],
    beside: Callable[[], bool] = lambda: True,
) -> None:
    """Make a set in `root`, which is new, empty, or was made here before; one that is there is left alone.

    Args:
        root: folder of the set.
        made_by: what its manifest says of the program, its version and its options.
        layout: its layout.json.
        fill: makes the samples that are missing.
        describe: returns the manifest of the samples.
        summary: returns a line on a manifest.
        beside: tells whether what is kept beside the files of the manifest is there too.

    Raises UsageError where `root` holds something else, OSError where the disk refuses.
    """
    started = time.monotonic()
    with alone(root):
        if up_to_date(root, made_by, layout) and beside():
            Journal(root).remove()
            say(f"{root}: already holds this very set; nothing to do")
            return
        fill()
        say("hashing the files and scoring the baselines")
        manifest = describe()
        write_manifest(root, manifest)
        Journal(root).remove()
    say(f"{root}: {summary(manifest)}, {time.monotonic() - started:.0f} s")


def part(path: Path) -> Path:
    """Return the name of a file that is not whole."""
    return path.with_name(path.name + ".part")


def _blocks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    block: list[Row] = []
    for row in rows:
        block.append(row)
        if len(block) == BLOCK:
            yield block
            block = []
    if block:
        yield block


def _write_at(file: Any, offset: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(file.fileno(), view, offset)
        view, offset = view[written:], offset + written


def begin(
    root: Path,
    *,
    made_by: Mapping[str, Any],
    layout: Mapping[str, Any],
    skeletons: Skeletons,
    samples: Sequence[Key],
    claim_anew: Callable[[], None],
) -> Filling:
    """Go on with the set in `root` if its journal is of these very options and its bytes are as noted, else start it.

    Args:
        root: folder of the set.
        made_by: program, version and options.
        layout: layout of the set.
        skeletons: its files.
        samples: data sets that are filled with samples.
        claim_anew: empties the folder, or refuses it.

    Raises OSError where the disk refuses, and what `claim_anew` raises.
    """
    journal = Journal(root)
    held = journal.read(made_by, layout) if (root / MARK).exists() else []
    filling = _continued(root, journal, held, skeletons) if held else None
    if filling is not None:
        return filling
    claim_anew()
    return _started(root, journal, {"made_by": made_by, "layout": layout}, skeletons, samples)


def _started(
    root: Path, journal: Journal, header: dict[str, Any], skeletons: Skeletons, samples: Sequence[Key]
) -> Filling:
    places: dict[Key, Place] = {}
    try:
        for path, build in skeletons.items():
            with closing_hdf5(h5py.File(part(root / path), "w", libver=("earliest", "v110"))) as file:
                build(file)
                for key in (key for key in samples if key[0] == path):
                    places[key] = _place(file[key[1]])
            with part(root / path).open("rb+") as written:
                os.fsync(written.fileno())
            sync_folder((root / path).parent)
    except BaseException:
        for path in skeletons:
            part(root / path).unlink(missing_ok=True)
        raise
    files = {path: _structure_sha256(part(root / path), _of(places, path)) for path in skeletons}
    stated = [[*key, vars(place)] for key, place in places.items()]
    journal.write([{**header, "structure": files, "places": stated}])
    return Filling(root, journal, places)


def _place(array: h5py.Dataset) -> Place:
    size = array.dtype.itemsize * int(np.prod(array.shape[1:], dtype=np.int64))
    return Place(offset=array.id.get_offset(), row_bytes=size, rows=array.shape[0], dtype=array.dtype.str)


def _of(places: Mapping[Key, Place], path: str) -> list[Place]:
    return sorted((p for key, p in places.items() if key[0] == path), key=lambda place: place.offset)


def _continued(root: Path, journal: Journal, held: list[dict[str, Any]], skeletons: Skeletons) -> Filling | None:
    """Return what can be trusted, or None where the files themselves are not what they were."""
    try:
        header, lines = held[0], held[1:]
        places = {(path, name): Place(**place) for path, name, place in header["places"]}
        for path in skeletons:
            if not part(root / path).exists():  # killed while the files got their names
                os.replace(root / path, part(root / path))
            if _structure_sha256(part(root / path), _of(places, path)) != header["structure"][path]:
                return None
        filling = Filling(root, journal, places)
        trusted = [line for line in lines if _take(filling, line)]
    except (OSError, KeyError, TypeError, ValueError):
        return None
    journal.write([header, *trusted])
    return filling


def _take(filling: Filling, line: dict[str, Any]) -> bool:
    """Count a block if it follows the ones before it and its bytes have their hash."""
    first, end = line["first"], line["end"]
    if first != filling.done.get(line["split"], 0):
        return False
    digest = hashlib.sha256()
    for path, name in line["keys"]:
        place = filling.places[path, name]
        with part(filling.root / path).open("rb") as file:
            _digest(file, digest, place.offset + first * place.row_bytes, place.offset + end * place.row_bytes)
    if digest.hexdigest() != line["sha256"]:
        return False
    filling.done[line["split"]] = end
    return True


def _structure_sha256(path: Path, places: Sequence[Place]) -> str:
    """Return the hash of a file's size and of all its bytes but the samples."""
    digest, at = hashlib.sha256(str(path.stat().st_size).encode()), 0
    with path.open("rb") as file:
        for place in places:
            _digest(file, digest, at, place.offset)
            at = place.offset + place.rows * place.row_bytes
        _digest(file, digest, at, path.stat().st_size)
    return digest.hexdigest()


def _digest(file: BinaryIO, digest: Any, begin: int, end: int) -> None:
    file.seek(begin)
    while begin < end:
        data = file.read(min(CHUNK_BYTES, end - begin))
        if not data:
            raise ValueError("the file ends too early")
        digest.update(data)
        begin += len(data)
