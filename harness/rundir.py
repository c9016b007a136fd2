"""The run directory: its layout and how it comes to be."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.errors import ADVICE, FULL, ConfigError, RunFailed
from logging_spec.whole import sync_folder

RESERVE_BYTES = 256 * 1024
"""Room kept for the last records of a run, given free when they are written: a full disk must not hide itself."""

FOLDERS = ("events", "ranks", "telemetry", "checkpoints", "artifacts")


@dataclass(frozen=True, kw_only=True)
class RunDirectory:
    """Paths of one run."""

    root: Path
    """The directory itself."""

    run_id: str
    """Identifier of the run, and name of its directory."""

    @property
    def run_json(self) -> Path:
        """What the implementation is told."""
        return self.root / "run.json"

    @property
    def events(self) -> Path:
        """Event files."""
        return self.root / "events"

    @property
    def rank0_log(self) -> Path:
        """Rank 0's event file."""
        return self.events / "rank00000.mllog"

    @property
    def harness_log(self) -> Path:
        """The harness's own event file."""
        return self.events / "harness.mllog"

    @property
    def result(self) -> Path:
        """The log that is judged."""
        return self.root / "result_0.txt"

    @property
    def ranks(self) -> Path:
        """Output and exit records of the ranks."""
        return self.root / "ranks"

    @property
    def telemetry(self) -> Path:
        """Samples, one file for each host."""
        return self.root / "telemetry"

    def output(self) -> dict[str, str]:
        """The folders that the implementation writes to."""
        return {name: str(self.root / name) for name in ("events", "checkpoints", "artifacts")}

    def reserve(self) -> None:
        """Take room for the last records.

        Raises:
            OSError: there is none.
        """
        path = self.root / ".reserve"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(handle, 0, RESERVE_BYTES)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.root)) from None
        finally:
            os.close(handle)

    def release(self) -> None:
        """Give that room free."""
        (self.root / ".reserve").unlink(missing_ok=True)


def new_id() -> str:
    """`<UTC stamp>-<random>`: sorts by time, and two runs that start in one second differ."""
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(3)}"


def plan(output: Path, benchmark: str, implementation: str) -> RunDirectory:
    """Name a run directory without making it."""
    run_id = new_id()
    return RunDirectory(root=output / benchmark / implementation / run_id, run_id=run_id)


def create(directory: RunDirectory) -> None:
    """Make it, with its folders and its reserve.

    Raises:
        ConfigError: it cannot be made.
        OSError: there is no room.
    """
    try:
        directory.root.mkdir(parents=True)
        for name in FOLDERS:
            (directory.root / name).mkdir()
        sync_folder(directory.root)
        directory.reserve()
    except OSError as error:
        if error.errno in FULL:
            raise
        advice = ADVICE.get(error.errno or 0, "choose a folder that you may write to")
        raise ConfigError(
            f"--output-dir: {error.filename}: expected a folder for the run, found: {error.strerror} — {advice}"
        ) from None


@contextlib.contextmanager
def kept(directory: RunDirectory) -> Iterator[None]:
    """Within the block, say in plain words where the run's own folder fails: it was moved, or its disk broke.

    Raises:
        RunFailed: a file of the run could not be read or written.
        OSError: the disk is full, or the fault lies elsewhere.
    """
    try:
        yield
    except OSError as error:
        inside = isinstance(error.filename, str) and Path(error.filename).is_relative_to(directory.root)
        if not inside or error.errno in FULL:
            raise
        advice = ADVICE.get(error.errno or 0, "was the folder moved or removed, or did its disk fail meanwhile?")
        raise RunFailed(
            f"{error.filename}: expected the folder of the run, found: {error.strerror} — {advice}"
        ) from None
