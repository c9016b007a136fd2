"""Bring one file: go on after every break, throw away what came wrong, and count it once it has its name."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from datasets.common.failures import DataError
from datasets.sources.source import Source, Unavailable
from datasets.transfer_part import At, Corrupt, Part, RemoteFile, check_content
from datasets.transfer_pool import Halted
from datasets.transfer_progress import Meter
from datasets.transfer_record import Record

Answer = TypeVar("Answer")

CORRUPT_TRIES = 3


@dataclass(frozen=True, kw_only=True)
class Policy:
    """How hard to try."""

    jobs: int = 4
    """Files at once."""

    tries: int = 6
    """Attempts without a single new byte before a source is given up."""

    wait_s: float = 0.5
    """Pause before the second attempt; each further one doubles it."""

    longest_wait_s: float = 30.0
    """Pause that is not doubled any more."""

    longest_asked_s: float = 120.0
    """A source that asks to be left alone for longer is asked again after this."""

    def pause_s(self, failures: int) -> float:
        """Return the pause after so many failures in a row."""
        return min(self.wait_s * 2.0 ** (failures - 1), self.longest_wait_s)

    def pause_after_s(self, failures: int, fault: Unavailable) -> float:
        """Return the pause after a fault, the last one of so many: not shorter than the source asks for."""
        return max(self.pause_s(failures), min(fault.wait_s, self.longest_asked_s))


def patiently(
    ask: Callable[[], Answer], policy: Policy, *, pause: Callable[[float], None], tries: int | None = None
) -> Answer:
    """Ask a source until it answers.

    Raises:
        SourceError: it gives no answer again and again (`tries`, or as often as the policy says), or says no.
    """
    for failures in range(1, tries or policy.tries):
        try:
            return ask()
        except Unavailable as fault:
            pause(policy.pause_after_s(failures, fault))
    return ask()


def fetch_whole(
    source: Source, file: RemoteFile, final: Path, policy: Policy, *, at: At, pause: Callable[[float], None]
) -> str:
    """Bring one file under its final name, and return its SHA-256.

    Args:
        source: has it.
        file: as the source lists it.
        final: its name here.
        policy: how hard to try.
        at: told how many bytes are there; raises to stop.
        pause: waits so many seconds; raises to stop.

    Raises:
        SourceError: the source does not give it.
        Corrupt: it comes with other content than the source states, again and again.
        OSError: the disk refuses.
    """
    part, furthest = Part(final), _Furthest(at)
    failures, corrupt, agreed = 0, 0, None
    while True:
        before = furthest.position
        try:
            source.fetch(file, part, furthest)
            return part.finish(file, agreed=agreed)
        except Unavailable as fault:
            failures = 1 if furthest.position > before else failures + 1
            if failures >= policy.tries:
                raise
            pause(policy.pause_after_s(failures, fault))
        except Corrupt as error:
            corrupt += 1
            if corrupt == CORRUPT_TRIES or error.sha256 == agreed:
                raise
            agreed, furthest = error.sha256, _Furthest(at)  # what comes again is progress
            at(0)


class _Furthest:
    """Passes positions on, and keeps the furthest."""

    def __init__(self, at: At) -> None:
        self._at, self.position = at, 0

    def __call__(self, position: int) -> None:
        self.position = max(self.position, position)
        self._at(position)


@dataclass(frozen=True, kw_only=True)
class Worker:
    """Brings the files of one set from one source; used by several threads."""

    source: Source
    """Has the files."""

    record: Record
    """Gets an entry for each."""

    root: Path
    """Folder of the set."""

    policy: Policy
    """How hard to try."""

    meter: Meter
    """Counts."""

    def bring(self, file: RemoteFile, stop: threading.Event) -> None:
        """Bring a file that is wanted, or look whether the one of this name is it.

        Raises:
            SourceError: the source does not give it.
            Corrupt: it comes with other content than the source states.
            DataError: another file of this name is here, which this program did not write.
            OSError: the disk refuses.
            Halted: `stop` was set.
        """
        final = self.root / file.path
        at, pause = _counting(self.meter, stop), _pausing(stop)
        file = patiently(partial(self.source.detail, file), self.policy, pause=pause)
        if final.is_file() and self.record.entries.get(file.path) is None:
            sha256 = _adopt(final, file)
            self.meter.held(file.size)
        else:
            sha256 = fetch_whole(self.source, file, final, self.policy, at=at, pause=pause)
        self.record.add(file.path, size=file.size, sha256=sha256, version=file.version, source=self.source.name)
        self.meter.file_done()


def _adopt(final: Path, file: RemoteFile) -> str:
    """Return the SHA-256 of a file that is here already, as another program or a run that was killed left it."""
    try:
        return check_content(final, file)
    except Corrupt as error:
        if not error.certain:
            return error.sha256
        raise DataError(f"{final.parent}: {error} — this program did not write it; move it away") from None


def _counting(meter: Meter, stop: threading.Event) -> At:
    """Return what turns the positions of one file into the meter's counts; the first is what was here before."""
    last: int | None = None

    def at(position: int) -> None:
        nonlocal last
        if stop.is_set():
            raise Halted
        count = position - (last or 0)
        (meter.held if last is None or count < 0 else meter.moved)(count)
        last = position

    return at


def _pausing(stop: threading.Event) -> Callable[[float], None]:
    def pause(seconds: float) -> None:
        if stop.wait(seconds):
            raise Halted

    return pause
