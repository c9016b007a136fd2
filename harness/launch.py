"""Start the ranks, follow them, and end them: from a configuration to how it ended."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from harness import descendants, environment, parent, process
from harness.configuration import Configuration
from harness.display import Display
from harness.eventfile import Follower
from harness.launchers import LAUNCHERS
from harness.launchers.plan import LaunchPlan
from harness.outcome import Ending, is_full, oom_kills
from harness.parent import HARNESS
from harness.paths import ROOT, python_path
from harness.progress import Progress
from harness.registry import Implementation
from harness.rundir import RunDirectory
from harness.stops import Stops

TERM_WAIT_S = 10.0
"""Most seconds between SIGTERM, which launchers follow with SIGKILL by themselves, and the end of what is left."""

DUMP_WAIT_S = 1.0
"""Seconds for the ranks of a stalled run to write down where they hang."""

TIME_LIMIT_GRACE_S = 300.0
"""Seconds that an implementation gets to keep its own time limit, an evaluation included."""

WATCH_S = 0.1

ASLEEP_S = 5.0
"""Longer between two looks at the log, the harness was not awake: suspended with its job, or held up by a disk."""

AFTER_THE_RUN = ("done", "inferring")
"""Phases in which a run has stopped by itself, so that nothing is saved by stopping it."""

Hopeless = Callable[[], str | None]
"""Says why a run is not worth going on with; None while it is."""


@dataclass(frozen=True, kw_only=True)
class Launch:
    """A command line and the environment that goes with it."""

    command: tuple[str, ...]
    """The launcher's command line."""

    variables: Mapping[str, str]
    """Variables that the launcher sets for the ranks; logged as launch_environment."""

    private: Mapping[str, str]
    """Variables of this one launch, such as the run's mark; they influence no result and are not logged."""

    def environment(self) -> dict[str, str]:
        """The launcher's whole environment. What the user has set goes before what the launcher would set."""
        return {**self.variables, **environment.passed(os.environ), **self.private}


def prepare(configuration: Configuration, directory: RunDirectory) -> Launch:
    """Work out the launch of one run; nothing is started."""
    family = configuration.launcher.family
    wanted = environment.for_ranks(
        threads=configuration.threads,
        seed=configuration.seed,
        deterministic=configuration.deterministic,
        family=family,
        root=os.geteuid() == 0,
    )
    # A variable that the user has set is left to them, and logged with the value that is in effect.
    variables = {name: os.environ.get(name, value) for name, value in wanted.items()}
    private = {descendants.RUN_ID: directory.run_id, HARNESS: parent.identity()}
    if configuration.benchmark.home != ROOT:
        private["PYTHONPATH"] = python_path()
    names = sorted({*variables, *private, *environment.passed(os.environ)})
    plan = LaunchPlan(
        argv=rank_argv(configuration.implementation, directory),
        ranks=configuration.ranks,
        mpirun=configuration.launcher.program,
        version=configuration.launcher.version,
        hosts=configuration.hosts,
        forward=tuple(names) if configuration.hosts else (),
    )
    return Launch(command=tuple(LAUNCHERS[family](plan)), variables=variables, private=private)


def rank_argv(implementation: Implementation, directory: RunDirectory) -> tuple[str, ...]:
    """Command line of one rank: the wrapper, and the implementation in it."""
    own = [sys.executable if token == "{python}" else token for token in implementation.argv]  # noqa: S105
    wrapper = [
        sys.executable,
        "-m",
        "harness.rank",
        "--run-dir",
        str(directory.root),
        "--cwd",
        str(implementation.folder),
    ]
    return (*wrapper, "--", *own, "--run-config", str(directory.run_json))


def follow(
    launch: Launch,
    configuration: Configuration,
    directory: RunDirectory,
    *,
    progress: Progress,
    display: Display,
    stops: Stops,
    hopeless: Hopeless,
) -> Ending:
    """Start the ranks and stay with them until nothing of them is left.

    Args:
        launch: what is started.
        configuration: of the run.
        directory: of the run.
        progress: follows rank 0's events.
        display: where progress is shown.
        stops: signals that end it.
        hopeless: says why the run is not worth going on with, once it is not; asked often.

    Raises:
        RunFailed: the launcher cannot be started.
    """
    memory = oom_kills()
    with _append(directory.ranks / "launcher.out") as out, _append(directory.ranks / "launcher.err") as err:
        job = process.Job(
            launch.command,
            run_id=directory.run_id,
            cwd=ROOT,
            environment=launch.environment(),
            stdout=out,
            stderr=err,
        )
        try:
            stopped, text = _watch(
                job, configuration, directory, progress=progress, display=display, stops=stops, hopeless=hopeless
            )
            if stopped is not None:
                display.say(f"{text}; asking the ranks to finish their step (Ctrl-C again to hurry)")
                job.stop(ladder(stopped, configuration.grace_seconds), _hurry(stops))
        finally:
            left = job.sweep()
    return Ending(
        launcher_exit_code=job.poll(),
        stopped=stopped,
        stop_text=text,
        signum=stops.first or 0,
        out_of_memory=oom_kills() > memory,
        disk_full=is_full(directory.root),
        left_behind=tuple(left) if stopped is None else (),
    )


def ladder(stopped: str, grace_s: float) -> list[tuple[signal.Signals, float]]:
    """Signals for a job that is to end, each with the seconds that it gets: finish the step, then end.

    The ranks of a stalled run are first asked to dump their stacks, which is what SIGUSR1 is for.
    """
    dump = [(signal.SIGUSR1, DUMP_WAIT_S)] if stopped == "stalled" else []
    return [*dump, (signal.SIGUSR2, grace_s), (signal.SIGTERM, min(TERM_WAIT_S, grace_s + 1))]


def _watch(
    job: process.Job,
    configuration: Configuration,
    directory: RunDirectory,
    *,
    progress: Progress,
    display: Display,
    stops: Stops,
    hopeless: Hopeless,
) -> tuple[str | None, str]:
    """Follow a job to its end, or to a reason to stop it."""
    follower = Follower(directory.rank0_log)
    heard_s = started_s = looked_s = time.monotonic()
    limit_s = (configuration.max_seconds or float("inf")) + TIME_LIMIT_GRACE_S
    try:
        while True:
            ended = job.poll() is not None
            for event in follower.events():
                heard_s = time.monotonic()
                if event.key == "run_start":
                    started_s = heard_s
                progress.take(event)
            display.update(progress)
            if ended:
                return None, ""
            now_s = time.monotonic()
            if now_s - looked_s > ASLEEP_S:
                heard_s += now_s - looked_s  # ranks that are suspended as well have nothing to log meanwhile
            looked_s = now_s
            if stops.first is not None:
                return "interrupted", f"stopped by {signal.Signals(stops.first).name}"
            reason = hopeless() if progress.phase not in AFTER_THE_RUN else None
            if reason is not None:
                return "hopeless", f"the log can no longer be compliant: {reason}"
            if now_s - heard_s > configuration.stall_seconds:
                return "stalled", f"stalled: no event for {configuration.stall_seconds:g} s"
            if now_s - started_s > limit_s:
                return "timeout", f"the time limit of {configuration.max_seconds:g} s was not kept"
            time.sleep(WATCH_S)
    finally:
        follower.close()


def _hurry(stops: Stops) -> process.Hurry:
    """Each further signal skips one wait."""
    seen = stops.count

    def asked() -> bool:
        nonlocal seen
        if stops.count > seen:
            seen = stops.count
            return True
        return False

    return asked


def _append(path: Path) -> IO[bytes]:
    return path.open("ab")
