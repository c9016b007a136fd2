"""Launch what a run directory describes, follow it, and write down how it ended, whatever happens."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from harness import provenance
from harness.configuration import Configuration
from harness.display import Display
from harness.errors import RunFailed
from harness.files import write_json
from harness.hopeless import Watch
from harness.launch import Launch, follow, prepare
from harness.outcome import Ending, Outcome, classify, read_records
from harness.progress import Progress
from harness.rundir import RunDirectory
from harness.stops import Stops


def carry_out(
    configuration: Configuration,
    directory: RunDirectory,
    *,
    show: Display,
    stops: Stops,
    announce: Callable[[Launch, provenance.Commit], None],
    mode: str = "train",
    stop_hopeless: bool = False,
) -> Outcome:
    """Carry out one launch; launch.json says how it ended.

    Args:
        configuration: of the run.
        directory: of the run; run.json is in it.
        show: where progress is shown.
        stops: signals that end it.
        announce: called before the ranks start, to log what they are started with.
        mode: train or predict, for what is shown.
        stop_hopeless: stop it as soon as its log can no longer be compliant.

    Raises:
        OSError: the run directory could not be written.
    """
    launch = prepare(configuration, directory)
    commit = provenance.commit()
    record = _record(launch, commit)
    write_json(directory.root / "launch.json", record)
    announce(launch, commit)
    progress = Progress(
        metric=configuration.benchmark.metric,
        target=configuration.target,
        direction=configuration.benchmark.direction,
        max_epochs=configuration.max_epochs,
        mode=mode,
    )
    watch = Watch(directory, configuration.benchmark) if stop_hopeless else None
    try:
        with watch or contextlib.nullcontext():
            ending = follow(
                launch,
                configuration,
                directory,
                progress=progress,
                display=show,
                stops=stops,
                hopeless=watch.verdict if watch else _hope,
            )
    except RunFailed as error:
        ending = Ending(launcher_exit_code=None, stopped="launcher_failed", stop_text=str(error))
    if watch is not None and watch.trouble:
        show.say(f"--stop-hopeless: the log was not watched to its end: {watch.trouble}")
    outcome = classify(ending, read_records(directory.ranks), ranks=configuration.ranks, folder=directory.ranks)
    try:
        directory.release()
        write_json(directory.root / "launch.json", {**record, "ended_ms": _now_ms(), "outcome": outcome.as_json()})
    except OSError:
        show.say(f"how the run ended: {outcome.text}")  # which is written down nowhere else
        raise
    return outcome


def _record(launch: Launch, commit: provenance.Commit) -> dict[str, Any]:
    """launch.json before the ranks start; a harness that is killed leaves it as it is, with no outcome."""
    return {
        "command": list(launch.command),
        "environment_set": dict(launch.variables),
        "environment_marks": dict(launch.private),
        "harness_command": sys.argv,
        "cwd": os.getcwd(),
        "commit": commit.commit,
        "dirty": commit.dirty,
        "commit_reason": commit.reason,
        **provenance.surroundings(),
        "started_ms": _now_ms(),
        "ended_ms": None,
        "outcome": None,
    }


def _hope() -> None:
    """Nobody watches."""


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
