"""The one door for subprocesses: started in a session of their own, never left behind.

`os.killpg` is not enough for MPI jobs: Open MPI gives each rank a process group of its own, and some launchers orphan
their ranks when they die. The harness therefore makes itself the subreaper of its descendants (prctl(2)), so that
orphans come to it, and marks what it starts with `SCIML_RUN_ID` in the environment, by which a scan finds the rest.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from harness import descendants
from harness.errors import ADVICE, RunFailed
from harness.parent import die_with
from harness.stops import Stops

POLL_S = 0.05
GRACE_S = 2.0
"""Seconds between SIGTERM and SIGKILL for what was left behind."""
OWN_END_S = 5.0
"""Seconds that a program gets to end with its own processes, before they are ended for it."""

Hurry = Callable[[], bool]
"""Whether the rest of the present wait is to be skipped; asked often."""


@dataclass(frozen=True, kw_only=True)
class Completed:
    """A program that ended."""

    argv: tuple[str, ...]
    """What was run."""

    returncode: int
    """Exit code; -n after signal n."""

    stdout: str
    """Its output; empty where it went through to the terminal."""

    stderr: str
    """Its error output; empty where it went through to the terminal."""


def run(
    argv: Sequence[str],
    *,
    timeout_s: float,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    capture: bool = True,
    stops: Stops | None = None,
) -> Completed:
    """Run a program to its end.

    Args:
        argv: program and arguments; never a shell string.
        timeout_s: seconds after which it is stopped.
        cwd: working directory.
        environment: all of its environment; None passes ours.
        capture: collect its output rather than let it through to the terminal.
        stops: signals that end the wait.

    Raises:
        RunFailed: it cannot be started, or ran out of time.
        Stopped: a signal came; the program and what it started are gone.
    """
    pipe = subprocess.PIPE if capture else None
    child = _popen(argv, cwd=cwd, environment=environment, stdout=pipe, stderr=pipe)
    deadline = time.monotonic() + timeout_s
    try:
        while True:
            try:
                out, err = child.communicate(timeout=POLL_S)
                break
            except subprocess.TimeoutExpired:
                if stops is not None:
                    stops.check()
                if time.monotonic() > deadline:
                    raise RunFailed(f"{argv[0]}: expected an end within {timeout_s:g} s, found none") from None
    except BaseException:
        _stop(child)
        for stream in (child.stdout, child.stderr):
            if stream is not None:
                stream.close()
        raise
    return Completed(argv=tuple(argv), returncode=child.returncode, stdout=_text(out), stderr=_text(err))


class Companion:
    """A program of ours beside a run: it is started, asked for its end, and ended with the run at the latest."""

    def __init__(self, argv: Sequence[str], *, cwd: Path, stdout: IO[bytes], stderr: IO[bytes]) -> None:
        """Start it.

        Raises:
            RunFailed: the program cannot be started.
        """
        self._child = _popen(argv, cwd=cwd, environment=None, stdout=stdout, stderr=stderr)

    def poll(self) -> int | None:
        """Exit code; None while it lives."""
        return self._child.poll()

    def end(self) -> None:
        """End it, and what it started."""
        _end_tree(self._child)


class Job:
    """A launcher and all that descends from it."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        run_id: str,
        cwd: Path,
        environment: Mapping[str, str],
        stdout: IO[bytes],
        stderr: IO[bytes],
    ) -> None:
        """Start it.

        Raises:
            RunFailed: the program cannot be started.
        """
        descendants.adopt_orphans()
        self.run_id = run_id
        self._before = {process.pid for process in psutil.Process().children()}
        self._child = _popen(argv, cwd=cwd, environment=environment, stdout=stdout, stderr=stderr)
        self.pid = self._child.pid

    def poll(self) -> int | None:
        """Exit code of the launcher; None while it lives."""
        return self._child.poll()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the launcher alone; it passes signals on to the ranks."""
        if self.poll() is None:
            self._child.send_signal(number)

    def stop(self, ladder: Sequence[tuple[signal.Signals, float]], hurry: Hurry) -> None:
        """Ask, then insist, then kill all that is left. Never kill the launcher first: that orphans its ranks.

        Args:
            ladder: signals to the launcher, each with the seconds that it gets to end.
            hurry: whether the rest of the present wait is to be skipped; asked often.
        """
        for number, wait_s in ladder:
            self.send(number)
            deadline = time.monotonic() + wait_s
            while self.poll() is None and time.monotonic() < deadline and not hurry():
                time.sleep(POLL_S)
            if self.poll() is not None:
                break
        self.sweep()

    def sweep(self) -> list[str]:
        """End every process of the job that is left, and say which there were."""
        left = descendants.of_job(self.pid, run_id=self.run_id, not_ours=self._before)
        names = [descendants.describe(process) for process in left]
        segments = descendants.segments(left)
        descendants.end([process for process in left if process.pid != self.pid], grace_s=GRACE_S)
        _finish(self._child)
        for segment in segments:
            with contextlib.suppress(OSError):
                segment.unlink()
        return names


def _stop(child: subprocess.Popen[bytes]) -> None:
    """Ask a program to end, then end what is left of it and of what it started.

    It knows in which order its processes end; one whose processes go away under it takes that for a fault of theirs.
    """
    started = list(descendants.tree(child.pid))
    child.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(timeout=OWN_END_S)
    left = {process.pid: process for process in [*started, *descendants.tree(child.pid)] if process.pid != child.pid}
    descendants.end(list(left.values()), grace_s=GRACE_S)
    _finish(child)


def _end_tree(child: subprocess.Popen[bytes]) -> None:
    descendants.end([process for process in descendants.tree(child.pid) if process.pid != child.pid], grace_s=GRACE_S)
    _finish(child)


def _finish(child: subprocess.Popen[bytes]) -> None:
    """End a child of ours. Its `Popen` alone may reap it: whoever else did would have its exit code."""
    child.terminate()
    try:
        child.wait(timeout=GRACE_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _popen(
    argv: Sequence[str],
    *,
    cwd: Path | None,
    environment: Mapping[str, str] | None,
    stdout: IO[bytes] | int | None,
    stderr: IO[bytes] | int | None,
) -> subprocess.Popen[bytes]:
    ours = os.getpid()

    def bind() -> None:
        """A killed harness takes what it started with it: launchers pass SIGTERM on to every host."""
        die_with(ours, signal.SIGTERM)

    try:
        return subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=dict(environment) if environment is not None else None,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            preexec_fn=bind,
        )
    except OSError as error:
        advice = ADVICE.get(error.errno or 0, "is it installed and on PATH?")
        raise RunFailed(f"{argv[0]}: cannot be started: {error.strerror} — {advice}") from None


def _text(data: bytes | None) -> str:
    return (data or b"").decode("utf-8", "replace")
