"""What every simulator does around its physics: look whether the set is there, claim a folder, share the work out."""

from __future__ import annotations

import json
import multiprocessing
import multiprocessing.connection
import os
import shutil
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np

from datasets.common.failures import DataError, UsageError
from datasets.common.files import MANIFEST
from logging_spec.whole import sync_folder

Job = TypeVar("Job")
Result = TypeVar("Result")

MARK = ".simulated-by-sciml-bench"
"""A folder that holds this file was made here, and may be made again."""

JOURNAL = ".simulation.jsonl"
"""What is finished of a set that is not, see `resuming`."""

ROOM_TO_SPARE = 1.02

AHEAD = 4
"""Results, for each process, that may wait for the disk: a set never piles up in memory."""


STOPS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
"""What asks a program to end, and is sent to its processes too."""


def up_to_date(root: Path, made_by: Mapping[str, Any], layout: Mapping[str, Any]) -> bool:
    """Tell whether `root` holds the very set: its manifest agrees, and every file has its size."""
    try:
        manifest = json.loads((root / MANIFEST).read_text(encoding="utf-8"))
        if manifest["made_by"] != made_by or manifest["layout"] != layout:
            return False
        return all(_has_size(root / entry["path"], entry["size"]) for entry in manifest["files"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _has_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def claim(root: Path, *, program: str, folders: Sequence[str], needed_bytes: int, others: Sequence[str] = ()) -> None:
    """Make `root` ready to be written: empty folders, and the mark that it is ours.

    Args:
        root: folder of the set.
        program: module that makes it.
        folders: made anew, empty.
        needed_bytes: size of the set.
        others: folders of the set's other layouts, which go: no file of another set may lie beside this one's.

    Raises UsageError where it holds what was not made here, OSError where the disk has too little room.
    """
    root.mkdir(parents=True, exist_ok=True)
    held = sorted(path.name for path in root.iterdir())
    if held and not (root / MARK).exists():
        raise UsageError(
            f"{root}: expected a new or empty folder, or one that simulate made, found {', '.join(held[:3])}"
            f"{' …' if len(held) > 3 else ''} — name another folder with --out"
        )
    (root / MARK).write_text(f"Made by {program}, which may replace what is here.\n", encoding="utf-8")
    (root / MANIFEST).unlink(missing_ok=True)
    (root / JOURNAL).unlink(missing_ok=True)
    for folder in {*folders, *others}:
        shutil.rmtree(root / folder, ignore_errors=True)
    for folder in folders:
        (root / folder).mkdir()
    free = shutil.disk_usage(root).free
    if free < needed_bytes * ROOM_TO_SPARE:
        raise OSError(
            f"{root}: the set needs {needed_bytes / 1e9:.3g} GB, and {free / 1e9:.3g} GB are free — "
            "free some space or name another folder with --out"
        )


def run_all(work: Callable[[Job], Result], todo: Sequence[Job], jobs: int) -> Iterator[Result]:
    """Yield `work(job)` for each job in their order, computed in that many processes; one computes here.

    Raises:
        DataError: a process was ended from outside, as by a system that is out of memory.
    """
    if jobs == 1 or not todo:
        yield from map(work, todo)
        return
    context = multiprocessing.get_context("spawn")
    with _stops_held():  # or a semaphore is made that nobody knows of
        pool = ProcessPoolExecutor(min(jobs, len(todo)), mp_context=context, initializer=_end_with_parent)
    with pool:
        try:
            waiting: deque[Future[Result]] = deque()
            for job in todo:
                with _stops_held():
                    waiting.append(pool.submit(work, job))
                if len(waiting) > jobs * AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool:
            raise DataError(
                f"--jobs {jobs}: expected processes that end by themselves, found one that was killed — "
                "run the same command with fewer jobs"
            ) from None
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


@contextmanager
def _stops_held() -> Iterator[None]:
    """Start processes that no stop reaches: Ctrl-C and a job manager tell all at once, and this one ends the others.

    They inherit what is held back, from before their first line on; one that a stop ended would be taken for killed.
    The kernel may hand a stop to a thread of some library that holds nothing back, and Python then interrupts the main
    one all the same: so its handlers wait as well, or a process would be left without the work that it was started for.
    """
    came: list[int] = []
    main = threading.current_thread() is threading.main_thread()  # no other may change a handler, or runs one
    handlers = {number: signal.getsignal(number) for number in STOPS if main}
    heard = {number: handler for number, handler in handlers.items() if callable(handler)}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    for number in heard:
        signal.signal(number, lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        for number, handler in heard.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for late in came:
            signal.raise_signal(late)


def _end_with_parent() -> None:
    """End this process when the one that started it is killed: nobody would take its results."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    sentinel = parent.sentinel

    def watch() -> None:
        multiprocessing.connection.wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def stop_like_ctrl_c() -> None:
    """Let a stop by the harness or a job manager unwind like Ctrl-C, so that no part of a file is left."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def require_jobs(jobs: int) -> None:
    """Raise UsageError where the number of jobs makes no sense."""
    if jobs < 1:
        raise UsageError(f"--jobs: expected at least 1, found {jobs}")


@contextmanager
def whole_hdf5(path: Path) -> Iterator[h5py.File]:
    """Write an HDF5 file under another name, and give it its own once it is whole and on the disk.

    Raises:
        OSError: the disk refuses.
    """
    part = path.with_name(path.name + ".part")
    try:
        with closing_hdf5(h5py.File(part, "w", libver=("earliest", "v110"))) as file:
            yield file
        with part.open("rb+") as written:
            os.fsync(written.fileno())
        os.replace(part, path)
        sync_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def closing_hdf5(file: h5py.File) -> Iterator[h5py.File]:
    """Close a file after the block. A full disk shows again at that moment, and as no OSError: the library's way."""
    name = file.filename
    try:
        yield file
    except BaseException:
        with suppress(RuntimeError):  # what came first says more
            file.close()
        raise
    try:
        file.close()
    except RuntimeError as error:
        raise OSError(f"{name}: {error}") from None


def contiguous(file: h5py.File, name: str, shape: tuple[int, ...], dtype: str) -> h5py.Dataset:
    """Make a contiguous data set whose space is taken at once: a full disk shows before the work, not after it.

    Raises:
        OSError: the disk has no room for it.
    """
    settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    settings.set_obj_track_times(False)  # equal options give equal bytes
    settings.set_layout(h5py.h5d.CONTIGUOUS)
    settings.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    settings.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    space = h5py.h5s.create_simple(shape)
    made = h5py.Dataset(h5py.h5d.create(file.id, name.encode(), h5py.h5t.py_create(np.dtype(dtype)), space, settings))
    with Path(file.filename).open("rb+") as written:  # HDF5 itself takes addresses only, and leaves a hole
        try:
            os.posix_fallocate(written.fileno(), made.id.get_offset(), made.nbytes)
        except OSError as error:
            raise OSError(error.errno, error.strerror, file.filename) from None
    return made
