"""The wrapper that each rank starts in: `python -m harness.rank --run-dir DIR -- PROGRAM…`.

It gives the rank its own output files, passes signals on, watches that its harness lives, runs the node's telemetry
sampler beside local rank 0, and leaves a record of how the rank ended. Launchers differ in all of these (and their exit
codes are not portable), so that nothing here is left to them. Standard library only: it starts once for every rank.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from harness.files import tail, write_json
from harness.parent import HARNESS, Harness, die_with
from logging_spec.ranks import Ranks, from_environment

FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2)
POLITE = frozenset({signal.SIGUSR1, signal.SIGUSR2})
"""Signals that would kill a program which has not yet installed its handler: they wait until it has."""

POLL_S = 0.2
GRACE_S = 5.0
"""Seconds between SIGTERM and SIGKILL when the harness has gone."""

STDERR_LINES = 20


class Record:
    """The rank's exit record. It is written at the start too, so that a wrapper that is killed leaves an honest one."""

    def __init__(self, folder: Path, where: Ranks) -> None:
        self.path = folder / f"rank-{where.rank:05d}.exit.json"
        self.stderr = folder / f"rank-{where.rank:05d}.err"
        self.fields: dict[str, Any] = {
            "rank": where.rank,
            "local_rank": where.local_rank,
            "host": socket.gethostname(),
            "wrapper_pid": os.getpid(),
            "pid": None,
            "state": "running",
            "start_ms": _now_ms(),
            "end_ms": None,
            "exit_code": None,
            "signal": None,
            "stop_reason": None,
            "received": [],
            "sampler": None,
            "stderr_tail": [],
        }

    def save(self) -> None:
        """Write it whole. A full disk must not end a rank that still works: the launcher's exit code remains."""
        with contextlib.suppress(OSError):
            write_json(self.path, self.fields)

    def finish(self, returncode: int) -> None:
        """Record how the program ended."""
        self.fields |= {
            "state": "ended",
            "end_ms": _now_ms(),
            "exit_code": returncode if returncode >= 0 else None,
            "signal": signal.Signals(-returncode).name if returncode < 0 else None,
            "stderr_tail": tail(self.stderr, lines=STDERR_LINES),
        }
        self.save()


class Wrapper:
    """One rank: its program, its record, and the signals on their way to it."""

    def __init__(self, argv: Sequence[str], *, cwd: Path, record: Record, out: int, err: int) -> None:
        self.record = record
        self._pending: list[signal.Signals] = []
        for number in FORWARDED:
            signal.signal(number, self._on_signal)
        parent = os.getpid()
        self.child = subprocess.Popen(
            list(argv),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            process_group=0,
            # Safe here: no thread runs in this process. The program dies with its wrapper, however that dies.
            preexec_fn=lambda: die_with(parent, signal.SIGKILL),
        )
        record.fields["pid"] = self.child.pid
        record.save()

    def wait(self) -> int:
        """Wait for the program, passing signals on and watching the harness; the exit code, -n after signal n."""
        watched = Harness.from_environment(os.environ)
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self.child.wait(timeout=POLL_S)
            self._deliver()
            if watched is not None and not watched.alive():
                self.record.fields["stop_reason"] = "the harness has gone"
                self.record.save()
                return self._end()

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._pending.append(signal.Signals(number))

    def _deliver(self) -> None:
        waiting, self._pending = self._pending, []
        for number in waiting:
            if number in POLITE and not _catches(self.child.pid, number):
                self._pending.append(number)
                continue
            self.record.fields["received"].append({"signal": number.name, "time_ms": _now_ms()})
            self.record.save()
            self.child.send_signal(number)

    def _end(self) -> int:
        self.child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.child.wait(timeout=GRACE_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        return self.child.wait()


class Companion:
    """A program that runs beside the ranks of a node. Its failure is noted and never ends a run."""

    def __init__(self, argv: Sequence[str], *, out: Path, err: Path) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        try:
            out.parent.mkdir(exist_ok=True)
            with out.open("ab") as out_file, err.open("ab") as err_file:
                self._child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out_file, stderr=err_file)
        except OSError as error:
            self.note = f"not started: {error}"

    def stop(self) -> str:
        """End it, and say how it went."""
        if self._child is None:
            return self.note
        early = self._child.poll()
        if early is not None:
            return f"ended by itself with exit code {early}"
        self._child.terminate()
        try:
            return f"stopped, exit code {self._child.wait(timeout=GRACE_S)}"
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
            return f"killed: it did not end within {GRACE_S:g} s"


def sampler(run_dir: Path, host: str) -> Companion:
    """The node's telemetry sampler."""
    samples = run_dir / "telemetry" / f"{host}.jsonl"
    words = samples.with_suffix(".err")
    argv = [sys.executable, "-m", "harness.telemetry.sampler", "--out", str(samples)]
    return Companion([*argv, "--run-dir", str(run_dir), "--parent", str(os.getpid())], out=words, err=words)


def description(run_dir: Path, host: str) -> Companion:
    """The description of a node that is not the harness's own, for system.json."""
    path = run_dir / "nodes" / f"{host}.json"
    return Companion([sys.executable, "-m", "harness.system", "--node"], out=path, err=path.with_suffix(".err"))


def companions(run_dir: Path, where: Ranks, host: str) -> dict[str, Companion]:
    """What runs beside local rank 0 of a node, by the field of the exit record that says how it went."""
    if where.local_rank != 0:
        return {}
    started = {"sampler": sampler(run_dir, host)}
    if os.environ.get(HARNESS, "").partition(":")[0] not in ("", host):
        started["description"] = description(run_dir, host)
    return started


def main(arguments: Sequence[str]) -> int:
    """Run one rank; the exit code is the program's, 128 + n after signal n."""
    parser = argparse.ArgumentParser(prog="harness.rank", description="Run one rank of an implementation.")
    parser.add_argument("--run-dir", type=Path, required=True)
    parser.add_argument("--cwd", type=Path, required=True)
    parser.add_argument("--no-sampler", action="store_true")
    parser.add_argument("argv", nargs="+")
    options = parser.parse_args(arguments)
    try:
        where = from_environment(os.environ)
    except ValueError as error:
        sys.stderr.write(f"harness.rank: {error}\n")
        return 2
    folder = options.run_dir / "ranks"
    folder.mkdir(exist_ok=True)
    record = Record(folder, where)
    out, err = (_open(folder / f"rank-{where.rank:05d}.{kind}") for kind in ("out", "err"))
    beside = {} if options.no_sampler else companions(options.run_dir, where, record.fields["host"])
    try:
        returncode = Wrapper(options.argv, cwd=options.cwd, record=record, out=out, err=err).wait()
    except OSError as error:
        os.write(err, f"{options.argv[0]}: cannot be started: {error.strerror}\n".encode())
        returncode = 127
    if where.local_rank == 0:
        remove_copies(options.run_dir / "run.json")
    record.finish(returncode)
    for name, companion in beside.items():
        record.fields[name] = companion.stop()
    if beside:
        record.save()
    return returncode if returncode >= 0 else 128 - returncode


def remove_copies(run_json: Path) -> None:
    """Remove this node's copy of the data set, which a program that was killed leaves behind."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        folder = Path(json.loads(run_json.read_text(encoding="utf-8"))["data"]["staging"]["directory"])
        shutil.rmtree(folder / os.uname().nodename, ignore_errors=True)
        folder.rmdir()


def _open(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)


def _catches(pid: int, number: int) -> bool:
    """Whether a process has a handler for a signal (SigCgt in proc(5)); true where that cannot be seen."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return True
    mask = next((int(line.split()[1], 16) for line in status.splitlines() if line.startswith("SigCgt:")), -1)
    return bool(mask >> (number - 1) & 1)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
