"""Start what the parity suites compare: each twin in processes of its own, and on some ranks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rank_steps
import twin_steps
from numpy.typing import NDArray
from parity_pins import pin_of
from parity_subjects import FRAMEWORKS, Subject, environment, make_data, write_jobs

TIMEOUT_S = 550
RANKS = (1, 2, 3)
PRECISIONS = ("fp32", "bf16")


class Archive(Mapping[str, NDArray[Any]]):
    """The arrays of an .npz, each read when it is asked for: those of the largest models together fill gigabytes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with np.load(path) as archive:
            self._names = archive.files

    def __getitem__(self, name: str) -> NDArray[Any]:
        with np.load(self._path) as archive:
            return archive[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def twins(subjects: Sequence[Subject], folder: Path, data: Path) -> dict[str, dict[tuple[str, str], Archive]]:
    """Let both twins compute, side by side; return what was found by subject, and by twin and precision."""
    found: dict[str, dict[tuple[str, str], Archive]] = {subject.name: {} for subject in subjects}
    started, jobs = [], {}
    for twin in FRAMEWORKS:
        jobs[twin] = [
            (subject.name, precision, _job(subject, twin, folder, data, precision))
            for subject in subjects
            for precision in PRECISIONS
        ]
        jobs_file = write_jobs(folder / f"{twin}.json", [job for *_, job in jobs[twin]])
        started.append(_start([sys.executable, twin_steps.__file__, str(jobs_file)]))
    try:
        for process in started:
            _finish(process)
    finally:
        for process in started:
            process.kill()
            process.wait(30)
    for twin, parts in jobs.items():
        for name, precision, job in parts:
            found[name][twin, precision] = Archive(Path(job["out"]))
    return found


def ranks(subjects: Sequence[Subject], folder: Path, data: Path) -> dict[str, dict[tuple[str, int], Archive]]:
    """Let both twins compute on one rank and on several; return what was found by subject, and by twin and ranks."""
    found: dict[str, dict[tuple[str, int], Archive]] = {subject.name: {} for subject in subjects}
    for count in RANKS:
        for twin in FRAMEWORKS:
            place = folder / f"{count}-ranks"
            jobs = [_job(subject, twin, place, data, "fp32") for subject in subjects]
            jobs_file = write_jobs(place / f"{twin}.json", jobs)
            command = ["mpirun", "--oversubscribe", "--bind-to", "none", "-np", str(count)]
            _finish(_start([*command, sys.executable, rank_steps.__file__, str(jobs_file)]))
            for subject, job in zip(subjects, jobs, strict=True):
                found[subject.name][twin, count] = Archive(Path(job["out"]))
    return found


def _job(subject: Subject, twin: str, folder: Path, data: Path, precision: str) -> dict[str, Any]:
    """Say what a process is to compute; in bfloat16 one step is enough."""
    run_file = subject.write_run(folder, twin, make_data(subject, data), precision)
    pin = pin_of(subject)
    return {
        "package": subject.package(twin),
        "run": str(run_file),
        "samples": pin.samples,
        "side": pin.side,
        "steps": pin.steps if precision == "fp32" else 1,
        "out": str(run_file.with_name("found.npz")),
    }


def _start(command: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, env=environment(), text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _finish(process: subprocess.Popen[str]) -> None:
    """Wait for a process, and never leave it behind."""
    try:
        _, errors = process.communicate(timeout=TIMEOUT_S)
    finally:
        process.terminate()
        process.wait(30)
    assert process.returncode == 0, errors[-3000:]
