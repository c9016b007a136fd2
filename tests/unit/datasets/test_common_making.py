"""What simulators and manifests share: claiming a folder, working in processes, writing whole files."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from datasets.common import making
from datasets.common.failures import DataError, UsageError
from datasets.common.files import description, load_layout, reading
from datasets.common.making import MARK, claim, contiguous, require_jobs, run_all, up_to_date, whole_hdf5

ROOT = Path(__file__).parents[3]


def square(number: int) -> int:
    """Work that tells which job it was."""
    return number**2


def be_killed(number: int) -> int:
    """Work during which the system kills the process."""
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def be_stopped(number: int) -> int:
    """Work during which all is asked to end."""
    for stop in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(os.getpid(), stop)
    return number


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_the_order_of_the_jobs(jobs: int) -> None:
    assert list(run_all(square, range(7), jobs)) == [0, 1, 4, 9, 16, 25, 36]


def test_a_killed_process_is_told_and_not_waited_for() -> None:
    with pytest.raises(DataError, match=r"--jobs 2: expected processes that end by themselves, found one that was ki"):
        list(run_all(be_killed, range(3), 2))


def test_what_stops_a_program_ends_its_processes_by_the_program_alone() -> None:
    """Ctrl-C reaches every process of a terminal; a process that it ended would say so in a traceback of its own."""
    held = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    assert list(run_all(be_stopped, range(3), 2)) == [0, 1, 2]
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == held


def test_a_stop_while_processes_start_is_heard_afterwards_whichever_thread_it_came_to() -> None:
    steps = []

    def start() -> None:
        with making._stops_held():
            thread = threading.Thread(target=stop_this_thread)  # as one of a library's, which holds nothing back
            thread.start()
            thread.join()
            time.sleep(0)  # Python looks for signals between two steps
            steps.append("started")
        steps.append("went on")

    with pytest.raises(KeyboardInterrupt):
        start()
    assert steps == ["started"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ()) & making.STOPS


def stop_this_thread() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, making.STOPS)
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)


def test_jobs_must_be_at_least_one() -> None:
    with pytest.raises(UsageError, match="--jobs: expected at least 1, found 0"):
        require_jobs(0)


def test_a_folder_is_claimed_with_its_mark_and_emptied_of_other_layouts(tmp_path: Path) -> None:
    root = tmp_path / "deep" / "set"
    claim(root, program="p", folders=["train"], needed_bytes=1)
    (root / "train" / "old.h5").write_text("old")
    (root / "manifest.json").write_text("{}")
    claim(root, program="p", folders=["training"], needed_bytes=1, others=["train", "training"])
    assert sorted(path.name for path in root.iterdir()) == [MARK, "training"]


def test_a_set_that_is_too_large_for_the_disk_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"the set needs 1e\+12 GB"):
        claim(tmp_path, program="p", folders=["train"], needed_bytes=10**21)


@pytest.mark.parametrize(
    "text", ["{", "[" * 100_000, "[]", "{}", '{"made_by": 1, "layout": 2}', '{"made_by": 1, "layout": 2, "files": 3}']
)
def test_a_spoilt_manifest_is_not_up_to_date(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    assert not up_to_date(tmp_path, 1, 2)  # type: ignore[arg-type]


def test_a_set_is_up_to_date_while_options_layout_and_sizes_are(tmp_path: Path) -> None:
    (tmp_path / "a.h5").write_bytes(b"12345")
    document = {"made_by": {"seed": 1}, "layout": {"v": 1}, "files": [{"path": "a.h5", "size": 5}]}
    (tmp_path / "manifest.json").write_text(json.dumps(document))
    assert up_to_date(tmp_path, {"seed": 1}, {"v": 1})
    assert not up_to_date(tmp_path, {"seed": 2}, {"v": 1})
    assert not up_to_date(tmp_path, {"seed": 1}, {"v": 2})
    (tmp_path / "a.h5").write_bytes(b"1234")
    assert not up_to_date(tmp_path, {"seed": 1}, {"v": 1})


def test_space_is_taken_before_anything_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with whole_hdf5(path) as file:
        array = contiguous(file, "images", (100, 64, 64), "<f4")
        assert (tmp_path / "a.h5.part").stat().st_blocks * 512 >= array.nbytes
        assert not path.exists()
        array[...] = 1
    with h5py.File(path) as file:
        assert file["images"].chunks is None
        assert (file["images"][...] == 1).all()


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    def fail() -> None:
        with whole_hdf5(tmp_path / "a.h5") as file:
            contiguous(file, "images", (4,), "<f4")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert not list(tmp_path.iterdir())


def test_files_of_equal_content_are_equal_bytes(tmp_path: Path) -> None:
    for name in ("a.h5", "b.h5"):
        with whole_hdf5(tmp_path / name) as file:
            contiguous(file, "images", (10,), "<f4")[...] = np.arange(10)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_reading_names_the_file_that_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "a.h5").write_bytes(b"no HDF5")
    for name in ("a.h5", "b.h5"):
        with pytest.raises(DataError, match=rf"{name}: expected a whole HDF5 file, found: "), reading(tmp_path / name):
            pass


def test_a_description_says_simulated_where_a_program_made_the_set(tmp_path: Path) -> None:
    (tmp_path / "a.h5").write_bytes(b"12345")
    here, splits = ROOT / "datasets" / "em_denoise", {"train": ["a.h5"], "test": ["a.h5"]}
    found = description(tmp_path, here, splits, dataset_id="x", licence="free", made_by={"program": "p"})
    assert (found["simulated"], found["dataset"], found["layout"]) == (True, "em_denoise", load_layout(here))
    assert [(entry["path"], entry["size"]) for entry in found["files"]] == [("a.h5", 5)]
    other = description(tmp_path, here, splits, dataset_id="x", licence="free")
    assert other["simulated"] is False
    assert "made_by" not in other
    assert "attribution" not in other
