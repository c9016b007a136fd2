"""Do the trainings that are wanted and not yet kept, one after the other, each through the harness."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.errors import ConfigError, Exit, RunFailed, Stopped
from harness.files import tail
from harness.paths import ROOT

from . import kept, plan
from .kept import EXPLORE, SEED, Record
from .plan import Group

OUT_OF_REACH = 1e9
"""A target that no metric reaches; with the other sign where less is better."""


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How the trainings are to be done."""

    workshop: Path
    """Folder that git ignores: run directories, and logs until they are collected. A log that lay in the sources at
    once would make the runs after it those of a changed checkout."""

    collected: Mapping[str, Path]
    """Folder of the collected logs of each benchmark, in the sources."""

    explore: bool = False
    """Train to the last epoch, whatever the quality."""

    seeds: int | None = None
    """Seeds of each group; None is the plan's own number."""

    max_hours: float | None = None
    """Hours; no training is started that would end after them, as far as one of its group tells."""

    settings: tuple[str, ...] = ()
    """Further options of `sciml-bench run`."""

    @property
    def kind(self) -> str:
        """Kind of the runs."""
        return EXPLORE if self.explore else SEED

    def waiting(self, benchmark: str) -> Path:
        """Folder of a benchmark's logs that are not collected yet."""
        return self.workshop / "logs" / benchmark


class Campaign:
    """The trainings of some groups."""

    def __init__(self, manner: Manner, directions: Mapping[str, str], lock: int, say: Callable[[str], None]) -> None:
        """Keep what all trainings share.

        Args:
            manner: how they are done.
            directions: direction of each benchmark's metric.
            lock: the open file that `alone` has locked.
            say: tells a person how it goes on.
        """
        self._manner, self._directions, self._lock, self._say = manner, directions, lock, say
        self._started = time.monotonic()
        self.failed: list[str] = []

    def run(self, groups: Sequence[Group]) -> bool:
        """Do them, and say whether there was time for all. A group of which a run fails is left, and the next begun.

        Raises:
            Refusal: the configuration or the data are refused, or a signal came.
        """
        return all(self._in_time(group) for group in groups)

    def _in_time(self, group: Group) -> bool:
        """Do the trainings of a group, the first one first: how long it takes decides how many there are."""
        first_run_s = longest_s = self._train(group, 1, expected_s=0.0)
        if first_run_s is None or longest_s is None:
            return group.title in self.failed
        for seed in plan.seeds(group, wanted=self._manner.seeds, first_run_s=first_run_s)[1:]:
            run_time_s = self._train(group, seed, expected_s=longest_s)
            if run_time_s is None:
                return group.title in self.failed
            longest_s = max(longest_s, run_time_s)
        return True

    def _train(self, group: Group, seed: int, *, expected_s: float) -> float | None:
        """Have one log kept, and return how long its run took; None where it failed, or there is no time for it."""
        path = self._kept(group, seed)
        if path is not None:
            return kept.read(path).run_time_s
        hours = (time.monotonic() - self._started + expected_s) / 3600
        if self._manner.max_hours is not None and hours >= self._manner.max_hours:
            return None
        path = self._new(group, seed)
        if path is None:
            self.failed.append(group.title)
            return None
        record = kept.read(path)
        self._say(_outcome(group, record))
        return record.run_time_s

    def _kept(self, group: Group, seed: int) -> Path | None:
        homes = (self._manner.collected[group.benchmark], self._manner.waiting(group.benchmark))
        places = (kept.place(home, group, self._manner.kind, seed) for home in homes)
        return next((path for path in places if path.is_file()), None)

    def _new(self, group: Group, seed: int) -> Path | None:
        """Train, and keep the log where the training came to its end; what an interrupted one has left is removed."""
        manner = self._manner
        folder = manner.workshop / "runs" / group.benchmark / group.folder / f"{manner.kind}-{seed}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self._say(f"{group.title} {manner.kind} {seed}: begins in {folder}")
        code = _call(self._command(group, seed, folder), folder, self._lock)
        directory = next((found.parent for found in folder.glob("*/*/*/result_0.txt")), None)
        last = " ".join(tail(folder / "stderr", lines=1)) or "it said nothing"
        if code in (Exit.USAGE, Exit.DATA):
            raise ConfigError(f"{group.title} {manner.kind} {seed}: {last.removeprefix('sciml-bench: ')}")
        if code not in (Exit.OK, Exit.NOT_COMPLIANT) or directory is None or not _came_to_its_end(directory):
            if code >= 128:
                raise Stopped(code - 128)
            self._say(f"{group.title} {manner.kind} {seed}: failed with exit code {code}: {last} — see {folder}")
            return None
        path = kept.place(manner.waiting(group.benchmark), group, manner.kind, seed)
        kept.keep(directory / "result_0.txt", path)
        return path

    def _command(self, group: Group, seed: int, folder: Path) -> list[str]:
        command = [sys.executable, "-m", "harness", "run", group.benchmark, "--quiet"]
        command += ["--implementation", group.option, "--scale", group.scale, "--seed", str(seed)]
        command += ["--output-dir", str(folder), "--checkpoint-keep", "1", *self._manner.settings]
        command += ["--model", group.model] if group.model != plan.NO_CHOICE else []
        command += ["--batch-size", str(group.batch_size)] if group.is_apart else []
        if self._manner.explore:
            sign = 1 if self._directions[group.benchmark] == "max" else -1
            command += ["--division", "open", "--target", str(sign * OUT_OF_REACH)]
        return command


def collect(manner: Manner, benchmark: str) -> int:
    """Move the logs that wait for it to their place in the sources; return how many."""
    waiting = sorted(manner.waiting(benchmark).rglob(f"*{kept.ENDING}"))
    for path in waiting:
        target = manner.collected[benchmark] / path.relative_to(manner.waiting(benchmark))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, target)
    return len(waiting)


@contextmanager
def alone(workshop: Path) -> Iterator[int]:
    """Let one campaign at a time work in a folder: lock a file that its children inherit, and give its number.

    So a harness that has outlived its campaign still counts.

    Raises:
        RunFailed: another one is at work.
    """
    workshop.mkdir(parents=True, exist_ok=True)
    with (workshop / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            expected = "expected nobody at work, found another campaign or a run that it left"
            raise RunFailed(f"{workshop}: {expected} — wait for it, or choose another folder with --out") from None
        yield file.fileno()


def _call(command: Sequence[str], folder: Path, lock: int) -> int:
    """Run the harness to its end. Whoever interrupts us interrupts it: it is asked to stop, and waited for."""
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        child = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=err, pass_fds=[lock])
        try:
            code = child.wait()
        except BaseException:
            child.terminate()
            child.wait()
            raise
    return code if code >= 0 else 128 - code


def _came_to_its_end(directory: Path) -> bool:
    """Whether the run reached its target or the last epoch; one that was asked to stop did neither."""
    try:
        record = kept.read_log(directory / "result_0.txt", SEED)
        limits = json.loads((directory / "run.json").read_text(encoding="utf-8"))["limits"]
    except (OSError, ValueError, LookupError, TypeError):
        return False
    return record.reached or record.epochs >= int(limits["max_epochs"])


def _outcome(group: Group, record: Record) -> str:
    words = [f"{record.metric} {record.quality:.4g}", f"{record.epochs} epochs", f"{record.run_time_s / 60:.2f} min"]
    words += [record.verdict] if record.kind == SEED else []
    return f"{group.title} {record.kind} {record.seed}: {', '.join(words)}"
