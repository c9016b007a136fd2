"""How fast training samples are read, beside plain ways to the same bytes: `python tests/performance/read_speed.py`.

It writes a set of each benchmark in the published layout, of random numbers, and reads samples of it in random order,
on one thread: by `os.preadv`, through `np.memmap` and by this suite's reader into a buffer that is there, by PyTorch's
DataLoader over h5py and by `tf.data.Dataset.from_generator` over h5py. *Batch* is the whole way to a training batch, as
the training loop gets it: checked, in float32, normalised, in one array. *Prepared* is the same batch from the samples
that `--stage-as samples` makes.

Warm: useful megabytes for each second of the processor, best of some rounds in which all take turns. Cold: useful
megabytes for each second of the clock, once the kernel has been asked to drop the files from its page cache; where it
did not read at least half of them from the disk again, there is no figure. Useful are the bytes of the samples in the
file, also where prepared samples have others: one of the three equal channels of a scattering pattern, the float64 of a
reflectance. Only figures of one call may be compared.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit" / "reference"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import h5py
import numpy as np
from numpy.typing import NDArray
from small_sets import DMS_STATISTICS, EM_STATISTICS, run_of, write_set

from harness.environment import MALLOC
from reference.dms_classifier.task import PhaseTask
from reference.em_denoise.task import DenoiseTask
from reference.runtime import hdf5, prepared, runconfig
from reference.slstr_cloud.task import CloudTask
from reference.slstr_cloud.tiles import training_tiles

ROOT = Path(__file__).resolve().parents[2]
BATCH = 16
FEW = 4
"""Batches of a round of the frameworks' usual ways, which take long."""

PREPARED = "prepared"
"""Folder of prepared samples in a data set's own."""

SETTINGS = {**MALLOC, **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"), "1")}
"""As the harness sets them for a rank with one thread: memory of earlier batches is used again."""

Read = Callable[[NDArray[np.int64]], Any]
"""Reads the samples of a batch."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Where some of a sample's bytes are."""

    path: Path
    """The file."""

    key: str
    """The array in it."""

    index: Any
    """The part of the array."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A data set on disk, and how its samples lie."""

    name: str
    """For the table."""

    root: Path
    """Folder of all its files."""

    samples: int
    """How many it has."""

    pieces: Callable[[int], list[Piece]]
    """Where the bytes of a sample are."""

    readers: dict[str, Callable[[], Read]]
    """The ways to a training batch, each opened anew for cold reading."""


def write(folder: Path, files: dict[str, Any], statistics: dict[str, Any] | None = None) -> Path:
    """Write a set; its bytes are on the disk afterwards, so that the page cache can let go of them."""
    root = write_set(folder, files, statistics)
    os.sync()
    return root


def made(
    task: type[Any],
    benchmark: str,
    root: Path,
    *,
    looked_at: str | None = None,
    from_prepared: bool = False,
    **hyperparameters: Any,
) -> Read:
    """Return the training reader of a benchmark, opened anew.

    Args:
        task: the benchmark's task.
        benchmark: its name.
        root: the data set.
        looked_at: where its samples note that they were looked through; it forgets that before each batch, and so reads
            as in a first epoch.
        from_prepared: whether it reads the samples that `prepare` has prepared.
        hyperparameters: those that are not the defaults.
    """
    run = run_over(root, benchmark, **hyperparameters)
    data = replace(run.data, prepared=root / PREPARED) if from_prepared else run.data
    opened = task(replace(run, data=data))

    def read(indices: NDArray[np.int64]) -> Any:
        if looked_at is not None:
            attrgetter(looked_at)(opened.samples["train"])[:] = False
        return opened.train_batch(indices, 1)

    return read


def run_over(root: Path, benchmark: str, **hyperparameters: Any) -> runconfig.RunConfig:
    """Return a run over a data set."""
    text = (ROOT / "tests/unit/reference/cases/run.json").read_text(encoding="utf-8").replace("@FOLDER@", str(root))
    document = json.loads(text) | run_of(benchmark, **hyperparameters)
    document["data"] |= {"directory": str(root), "manifest_sha256": None}
    path = root / f"run-{os.getpid()}.json"  # several processes may ask
    path.write_text(json.dumps(document), encoding="utf-8")
    return runconfig.load(path)


def prepare(task: type[Any], benchmark: str, root: Path) -> None:
    """Prepare the samples of a data set, beside it."""
    (root / PREPARED).mkdir()
    for split, samples in task(run_over(root, benchmark)).samples.items():
        path = prepared.path_of(root / PREPARED, split)
        prepared.create(samples, path, compress=False)
        for _ in prepared.fill(samples, path, np.arange(len(samples))):
            pass
    os.sync()


def micrographs(folder: Path, scale: float) -> Case:
    """Pairs of images of 256² pixels."""
    count, rng = int(512 * scale), np.random.default_rng(0)
    names = ("graphene_img_noise.h5", "graphene_img_clean.h5")
    files = {f"{split}/{name}": {"images": rng.random((n, 256, 256, 1), np.float32) + 0.5}
             for split, n in (("train", count), ("test", 1)) for name in names}  # fmt: skip
    root = write(folder, files, EM_STATISTICS)
    prepare(DenoiseTask, "em_denoise", root)
    return Case(
        name="EM image pairs",
        root=root,
        samples=count,
        pieces=lambda i: [Piece(path=root / "train" / name, key="images", index=i) for name in names],
        readers={
            "batch": lambda: made(DenoiseTask, "em_denoise", root, flat_field="none"),
            "batch of a first epoch": lambda: made(
                DenoiseTask, "em_denoise", root, looked_at="pairs.checked", flat_field="none"
            ),
            "batch, illumination evened out": lambda: made(DenoiseTask, "em_denoise", root),
            "batch, illumination evened out, prepared": lambda: made(
                DenoiseTask, "em_denoise", root, from_prepared=True
            ),
        },
    )


def patterns(folder: Path, scale: float) -> Case:
    """Patterns of 487 × 195 pixels in three equal channels."""
    count, rng = int(256 * scale), np.random.default_rng(1)
    files: dict[str, Any] = {}
    for split, n in (("train", count), ("test", 1)):
        images = np.repeat(rng.random((n, 487, 195, 1), np.float32) * 40, 3, -1)
        files[f"{split}/dms_phases.h5"] = {"images": images, "labels": np.arange(n) % 2}
    root = write(folder, files, DMS_STATISTICS)
    prepare(PhaseTask, "dms_classifier", root)
    path = root / "train" / "dms_phases.h5"
    return Case(
        name="DMS patterns",
        root=root,
        samples=count,
        pieces=lambda i: [Piece(path=path, key="images", index=np.s_[i, :, :, 0])],
        readers={
            "batch": lambda: made(PhaseTask, "dms_classifier", root),
            "batch of a first epoch": lambda: made(PhaseTask, "dms_classifier", root, looked_at="checked"),
            "batch, prepared": lambda: made(PhaseTask, "dms_classifier", root, from_prepared=True),
        },
    )


def scenes(folder: Path, scale: float) -> Case:
    """Tiles of 256² pixels of scenes of 1200 × 1500."""
    shape, rng = (1200, 1500), np.random.default_rng(2)
    files = {}
    for number in range(max(2, int(6 * scale))):
        files[f"{'train' if number else 'test'}/S3A_{number}.hdf"] = {
            "bts": rng.uniform(200, 310, (*shape, 3)).astype("f4"),
            "refs": rng.random((*shape, 6)),
            "bayes": rng.integers(0, 3, (*shape, 1), "u1"),
        }
    root = write(folder, files)
    prepare(CloudTask, "slstr_cloud", root)
    paths = sorted((root / "train").iterdir())
    corners = [(path, corner) for path in paths for corner in training_tiles(*shape)]

    def pieces(i: int) -> list[Piece]:
        path, corner = corners[i]
        window = np.s_[corner.row : corner.row + 256, corner.column : corner.column + 256]
        return [Piece(path=path, key=key, index=window) for key in ("bts", "refs", "bayes")]

    readers = {
        "batch": lambda: made(CloudTask, "slstr_cloud", root),
        "batch of a first epoch": lambda: made(CloudTask, "slstr_cloud", root, looked_at="complete"),
        "batch, prepared": lambda: made(CloudTask, "slstr_cloud", root, from_prepared=True),
    }
    return Case(name="SLSTR tiles", root=root, samples=len(corners), pieces=pieces, readers=readers)


class Plain:
    """The ways to the same bytes without this suite. Arrays are found through h5py once, before anything is timed."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.places: dict[tuple[Path, str], tuple[int, Any, Any]] = {}
        for piece in (piece for i in range(case.samples) for piece in case.pieces(i)):
            if (piece.path, piece.key) not in self.places:
                with h5py.File(piece.path) as file:
                    data = file[piece.key]
                    self.places[piece.path, piece.key] = (data.id.get_offset(), data.dtype, data.shape)
        self.sample_bytes = sum(buffer.nbytes for buffer in self.buffers())

    def buffers(self) -> list[NDArray[Any]]:
        """Return an array for each piece of a sample."""
        views = [(self._map(piece)[piece.index]) for piece in self.case.pieces(0)]
        return [np.empty(view.shape, view.dtype) for view in views]

    def _map(self, piece: Piece) -> NDArray[Any]:
        offset, dtype, shape = self.places[piece.path, piece.key]
        return np.asarray(np.memmap(piece.path, dtype, "r", offset, shape))

    def memmap(self) -> Read:
        """Copy what is mapped."""
        maps = {(p.path, p.key): self._map(p) for i in range(self.case.samples) for p in self.case.pieces(i)}
        buffers = self.buffers()

        def read(indices: NDArray[np.int64]) -> None:
            for i in indices:
                for piece, buffer in zip(self.case.pieces(int(i)), buffers, strict=True):
                    buffer[...] = maps[piece.path, piece.key][piece.index]

        return read

    def reader(self) -> Read:
        """Copy what this suite's reader gives: the values as they are in the file."""
        places = {}
        for path, key in self.places:
            with h5py.File(path) as file:
                places.setdefault(path, {})[key] = hdf5.Place(file[key])
        arrays = {path: hdf5.Arrays(path, found, keep_chunks=False) for path, found in places.items()}
        buffers = self.buffers()

        def read(indices: NDArray[np.int64]) -> None:
            for i in indices:
                for piece, buffer in zip(self.case.pieces(int(i)), buffers, strict=True):
                    buffer[...] = arrays[piece.path].read(piece.key, piece.index)

        return read

    def preadv(self) -> Read:
        """Read each run of neighbouring bytes by a call of its own; of a pattern, all three channels."""
        files = {path: os.open(path, os.O_RDONLY) for path, _ in self.places}
        room = bytearray(1 << 22)

        def read(indices: NDArray[np.int64]) -> None:
            for i in indices:
                for piece in self.case.pieces(int(i)):
                    offset, dtype, shape = self.places[piece.path, piece.key]
                    for start, length in runs(piece.index, shape, dtype.itemsize):
                        os.preadv(files[piece.path], [memoryview(room)[:length]], offset + start)

        return read

    def sample(self, files: dict[Path, h5py.File], i: int) -> list[NDArray[Any]]:
        """Read one sample as users of h5py do."""
        return [files[piece.path][piece.key][piece.index] for piece in self.case.pieces(i)]

    def data_loader(self) -> Read:
        """PyTorch: a Dataset with an item for each sample, collated by the DataLoader, without workers."""
        import torch  # noqa: TID251 - a framework's own way is what is measured

        torch.set_num_threads(1)
        files = {path: h5py.File(path) for path, _ in self.places}
        outer = self

        class Samples(torch.utils.data.Dataset[Any]):
            def __getitem__(self, i: int) -> list[NDArray[Any]]:
                return outer.sample(files, int(i))

        def read(indices: NDArray[np.int64]) -> None:
            loader = torch.utils.data.DataLoader(Samples(), batch_size=BATCH, sampler=indices.tolist())
            for _ in loader:
                pass

        return read

    def from_generator(self) -> Read:
        """TensorFlow: a generator of samples, batched by tf.data."""
        import tensorflow as tf  # noqa: TID251 - as above

        files = {path: h5py.File(path) for path, _ in self.places}
        signature = tuple(tf.TensorSpec(buffer.shape, buffer.dtype) for buffer in self.buffers())

        def read(indices: NDArray[np.int64]) -> None:
            samples = (tuple(self.sample(files, int(i))) for i in indices)
            for _ in tf.data.Dataset.from_generator(lambda: samples, output_signature=signature).batch(BATCH):
                pass

        return read


def runs(index: Any, shape: tuple[int, ...], itemsize: int) -> Iterator[tuple[int, int]]:
    """Yield start and length in bytes of the neighbouring bytes that a whole sample, or a window of rows, lies in."""
    if not isinstance(index, tuple) or isinstance(index[0], int | np.integer):
        length = int(np.prod(shape[1:])) * itemsize
        yield int(index[0] if isinstance(index, tuple) else index) * length, length
        return
    rows, columns = index
    pixel = int(np.prod(shape[2:])) * itemsize
    for row in range(rows.start, rows.stop):
        yield (row * shape[1] + columns.start) * pixel, (columns.stop - columns.start) * pixel


def cpu_seconds() -> float:
    """Return what this process has used of the processor."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def disk_bytes() -> int:
    """Return how many bytes this process had fetched from the disk."""
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("read_bytes")).split()[1])


def warm(ways: dict[str, Callable[[], Read]], order: list[NDArray[np.int64]], sample_bytes: int, rounds: int) -> Any:
    """Return useful MB for each second of the processor: the best round of each way."""
    opened = {name: way() for name, way in ways.items()}
    best = dict.fromkeys(ways, 0.0)
    for number in range(rounds + 1):
        for name, read in opened.items():
            batches, started = order[: FEW if "h5py" in name else None], cpu_seconds()
            for indices in batches:
                read(indices)
            if number:  # the first round fills the page cache and the maps
                useful = sum(map(len, batches)) * sample_bytes / 1e6
                best[name] = max(best[name], useful / (cpu_seconds() - started))
    return dict(best)


def cold(
    ways: dict[str, Callable[[], Read]], order: list[NDArray[np.int64]], sample_bytes: int, files: list[Path]
) -> Any:
    """Return useful MB for each second of the clock, from the disk; None where the page cache did not let go."""
    found: dict[str, float | None] = {}
    for name, way in ways.items():
        for path in files:
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        batches = order[: FEW if "h5py" in name else None]
        size = sum(map(len, batches)) * sample_bytes
        read, before, started = way(), disk_bytes(), time.perf_counter()
        for indices in batches:
            read(indices)
        seconds = time.perf_counter() - started
        del read
        found[name] = size / 1e6 / seconds if disk_bytes() - before > size / 2 else None
    return found


def measure(case: Case, rounds: int) -> Iterator[tuple[str, ...]]:
    """Measure a case and yield the rows of its table."""
    plain = Plain(case)
    ways = {
        "np.memmap": plain.memmap,
        "os.preadv": plain.preadv,
        "this suite: as stored": plain.reader,
        **{f"this suite: {name}": way for name, way in case.readers.items()},
        "torch DataLoader over h5py": plain.data_loader,
        "tf.data from_generator over h5py": plain.from_generator,
    }
    shuffled = np.random.default_rng(3).permutation(case.samples)
    order = [shuffled[start : start + BATCH] for start in range(0, case.samples, BATCH)]
    from_disk = cold(ways, order, plain.sample_bytes, sorted(case.root.rglob("*.h*")))
    from_memory = warm(ways, order, plain.sample_bytes, rounds)
    for name in ways:
        slow, fast = from_disk[name], from_memory[name]
        base = from_disk["np.memmap"]
        share = f"{slow / base:.0%}" if slow and base else ""
        shown = f"{slow:,.0f}" if slow else "–"
        yield case.name, name, f"{fast:,.0f}", f"{fast / from_memory['np.memmap']:.0%}", shown, share


def main() -> None:
    """Measure every data set and print a Markdown table."""
    parser = argparse.ArgumentParser(description="How fast training samples are read.")
    parser.add_argument("--rounds", type=int, default=4, help="warm rounds, of which the best counts (%(default)s)")
    parser.add_argument("--scale", type=float, default=0.5, help="size of the sets: 1 is 1.2 GB in all (%(default)s)")
    parser.add_argument("--only", nargs="*", default=["micrographs", "patterns", "scenes"], help="data sets")
    options = parser.parse_args()
    if any(os.environ.get(name) != value for name, value in SETTINGS.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **SETTINGS, "TF_CPP_MIN_LOG_LEVEL": "2"})
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    print("| data | way | warm, MB per CPU second | of memmap | cold, MB/s | of memmap |\n|---|---|---|---|---|---|")
    for name in options.only:
        with tempfile.TemporaryDirectory(prefix="read-speed-") as folder:
            for row in measure(globals()[name](Path(folder), options.scale), options.rounds):
                print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
