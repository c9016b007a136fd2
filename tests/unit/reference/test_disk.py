"""Asking for samples ahead of reading them, only where the disk is what one waits for."""

from __future__ import annotations

import resource
from types import SimpleNamespace

import numpy as np
import pytest
from small_sets import EM_STATISTICS, em_files, run_of, write_set

from reference.em_denoise.task import DenoiseTask
from reference.runtime import runconfig
from reference.runtime.disk import Disk


@pytest.fixture
def used(monkeypatch) -> SimpleNamespace:
    """What the kernel says that the thread has fetched from the disk."""
    counts = SimpleNamespace(ru_majflt=3, ru_inblock=8)
    monkeypatch.setattr(resource, "getrusage", lambda who: SimpleNamespace(**vars(counts)))
    return counts


def test_the_disk_was_needed_where_something_came_from_it(used) -> None:
    disk = Disk()
    assert disk.was_needed(), "nothing is known at first"
    assert not disk.was_needed()
    used.ru_majflt += 1
    assert disk.was_needed()
    used.ru_inblock += 8
    assert disk.was_needed()
    assert not disk.was_needed()


def test_samples_are_asked_for_while_they_come_from_the_disk(used, write_run, tmp_path, monkeypatch) -> None:
    root = write_set(tmp_path / "data", em_files(), EM_STATISTICS)
    task = DenoiseTask(runconfig.load(write_run(run_of("em_denoise") | {"data.directory": str(root)})))
    asked: list[int] = []
    monkeypatch.setattr(task.samples["train"], "will_need", asked.append)
    for fetched in (0, 0, 1, 0):
        used.ru_majflt += fetched
        task.train_batch(np.array([2, 0]), 1)
    assert asked == [2, 0] * 2, "at first, and after a batch that had to wait for the disk"
