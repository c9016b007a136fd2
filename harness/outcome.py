"""How a launch ended, from the ranks' exit records. A launcher's own exit code is only a hint: families differ."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.errors import Exit
from harness.files import tail

LAUNCHER_LINES = 10
FULL_BELOW_BYTES = 128 * 1024
"""A file system with less room than this is called full."""

BUS_ERROR = (
    "a data file was cut while the run read it, its disk failed, or /dev/shm is full; "
    "`sciml-bench data verify` tells whether the files are whole"
)
"""What SIGBUS means to people: memory that stands for a file had no file behind it. The rank itself cannot say it."""


@dataclass(frozen=True, kw_only=True)
class RootCause:
    """The rank that failed first."""

    rank: int
    """Its number."""

    host: str
    """Where it ran."""

    exit_code: int | None
    """Its exit code; None after a signal, or where it is not known."""

    signal: str | None
    """The signal that ended it."""

    stderr_tail: tuple[str, ...]
    """Its last words."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The classification of a launch."""

    kind: str
    """ok, refused, data, rank_failed, disk_full, out_of_memory, launcher_failed, timeout, stalled, hopeless or
    interrupted."""

    exit_code: int
    """What `sciml-bench` ends with, unless a verdict says more."""

    text: str
    """One sentence for people."""

    launcher_exit_code: int | None
    """As the launcher gave it; -n after signal n."""

    root_cause: RootCause | None = None
    """The rank that failed first, where one did."""

    left_behind: tuple[str, ...] = ()
    """Processes that the launcher left and the harness ended."""

    def as_json(self) -> dict[str, Any]:
        """For launch.json."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What the harness saw of a launch."""

    launcher_exit_code: int | None
    """Exit code of the launcher."""

    stopped: str | None = None
    """Why the harness stopped it: timeout, stalled, hopeless or interrupted; None where it ended by itself."""

    stop_text: str = ""
    """The same as a sentence."""

    signum: int = 0
    """The signal behind `interrupted`."""

    out_of_memory: bool = False
    """Whether the kernel killed a process of our control group for want of memory meanwhile."""

    disk_full: bool = False
    """Whether the run directory's file system has no room left, so that ranks may have died without a word."""

    left_behind: tuple[str, ...] = ()
    """Processes that had to be ended after the launcher."""


def read_records(folder: Path) -> list[dict[str, Any]]:
    """Exit records, by rank. A record that cannot be read is left out, as if the rank had never started."""
    records = []
    for path in sorted(folder.glob("rank-*.exit.json")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(record, dict) and isinstance(record.get("rank"), int):
            records.append(record)
    return records


def classify(ending: Ending, records: Sequence[Mapping[str, Any]], *, ranks: int, folder: Path) -> Outcome:
    """Say how a launch ended.

    Args:
        ending: what the harness saw.
        records: the ranks' exit records.
        ranks: how many ranks were to start.
        folder: the ranks' output files.
    """
    cause = None if _all_were_told(ending, records) else root_cause(records, folder)
    kind, code, text = _verdict(ending, cause, records, ranks=ranks, folder=folder)
    return Outcome(
        kind=kind,
        exit_code=code,
        text=text,
        launcher_exit_code=ending.launcher_exit_code,
        root_cause=cause,
        left_behind=ending.left_behind,
    )


def root_cause(records: Sequence[Mapping[str, Any]], folder: Path) -> RootCause | None:
    """The first failure in time. A rank that was told to end, or whose wrapper was killed, is a consequence of another
    one where there is another one."""
    failed = [record for record in records if record.get("state") != "ended" or record.get("exit_code") != 0]
    if not failed:
        return None
    first = min(failed, key=lambda r: (bool(_terminated(r)) or r.get("state") != "ended", r.get("end_ms") or 0))
    lines = first.get("stderr_tail") or tail(folder / f"rank-{first['rank']:05d}.err", lines=20)
    return RootCause(
        rank=first["rank"],
        host=str(first.get("host")),
        exit_code=first.get("exit_code"),
        signal=first.get("signal"),
        stderr_tail=tuple(lines),
    )


def oom_kills(path: Path = Path("/sys/fs/cgroup/memory.events")) -> int:
    """Processes of our control group that the kernel has killed for want of memory; 0 where that is not counted."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))


def is_full(folder: Path) -> bool:
    """Whether there is no room left where a folder lies; of a folder that is gone, no."""
    try:
        return shutil.disk_usage(folder).free < FULL_BELOW_BYTES
    except OSError:
        return False


def _verdict(
    ending: Ending, cause: RootCause | None, records: Sequence[Mapping[str, Any]], *, ranks: int, folder: Path
) -> tuple[str, int, str]:
    if ending.stopped == "interrupted":
        return "interrupted", 128 + ending.signum, ending.stop_text
    if ending.stopped == "hopeless":
        return "hopeless", Exit.NOT_COMPLIANT, ending.stop_text
    if ending.stopped is not None:
        return ending.stopped, Exit.FAILED, ending.stop_text
    if cause is not None and ending.disk_full:
        text = f"rank {cause.rank} failed: no space left on device for {folder.parent} — free some space"
        return "disk_full", Exit.FAILED, text
    if cause is not None:
        return _rank_failure(cause, ending.out_of_memory)
    if _all_were_told(ending, records):
        return "launcher_failed", Exit.FAILED, _launcher_text(ending, "and its ranks with it", folder)
    started = len(records)
    if started == ranks and ending.launcher_exit_code == 0:
        return "ok", Exit.OK, "all ranks kept the protocol"
    seen = f"{started} of {ranks} ranks started" if folder.is_dir() else "the records of its ranks are gone"
    return "launcher_failed", Exit.FAILED, _launcher_text(ending, seen, folder)


def _launcher_text(ending: Ending, seen: str, folder: Path) -> str:
    """How the launcher ended, what is known of its ranks, and its last words."""
    code = ending.launcher_exit_code
    how = f"was ended by {signal_name(-code)}" if code is not None and code < 0 else f"ended with {code}"
    words = _last_words(tail(folder / "launcher.err", lines=LAUNCHER_LINES))
    return f"the launcher {how}, {seen}" + (f": {words}" if words else "")


def _last_words(lines: Sequence[str]) -> str:
    """The last line that says something, or the last paragraph that Open MPI has put between rules of dashes."""
    rules = [number for number, line in enumerate(lines) if not line.strip("-=* \t")]
    if rules and rules[-1] == len(lines) - 1:
        above = rules[-2] + 1 if len(rules) > 1 else 0
        return " ".join(line.strip() for line in lines[above : rules[-1]])
    return lines[-1] if lines else ""


def signal_name(number: int) -> str:
    """Name of a signal, such as SIGKILL; `signal 99` where there is no such name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _rank_failure(cause: RootCause, out_of_memory: bool) -> tuple[str, int, str]:
    words = cause.stderr_tail[-1] if cause.stderr_tail else "it said nothing on stderr"
    if cause.exit_code == 2:
        return "refused", Exit.USAGE, f"the implementation refused its configuration: {words}"
    if cause.exit_code == 3:
        return "data", Exit.DATA, f"the implementation could not use the data: {words}"
    if cause.signal == "SIGKILL" and out_of_memory:
        return "out_of_memory", Exit.FAILED, f"rank {cause.rank} on {cause.host} was killed for want of memory"
    how = f"was ended by {cause.signal}" if cause.signal else f"ended with exit code {cause.exit_code}"
    if cause.signal is None and cause.exit_code is None:
        how = "ended without a record; its wrapper was killed"
    if cause.signal == "SIGBUS":
        how += f" — {BUS_ERROR}"
    return "rank_failed", Exit.FAILED, f"rank {cause.rank} on {cause.host} {how}: {words}"


def _all_were_told(ending: Ending, records: Sequence[Mapping[str, Any]]) -> bool:
    """Whether ranks failed, and each only because it was told to end, by a launcher that was told so itself or lost a
    node, or by the harness after the launcher was killed: then no rank is the cause."""
    if ending.stopped is not None:
        return False
    killed = ending.launcher_exit_code is not None and ending.launcher_exit_code < 0
    failed = [record for record in records if record.get("state") != "ended" or record.get("exit_code") != 0]
    told = [record for record in failed if _terminated(record) or (killed and record.get("signal") == "SIGTERM")]
    return bool(failed) and len(told) == len(failed)


def _terminated(record: Mapping[str, Any]) -> list[Any]:
    return [entry for entry in record.get("received", ()) if entry.get("signal") in ("SIGTERM", "SIGINT")]
