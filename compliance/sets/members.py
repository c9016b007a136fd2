"""The logs of a submission, wherever they lie: a log, a run directory, a folder or tree of logs, or an archive.

Whoever reads another container makes members of it, and everything else stays as it is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from compliance.judge import Judgement, judge
from compliance.package.check import is_package
from compliance.rules import Ruleset
from compliance.rundir import CONFIG, LARGEST_CONFIG_BYTES, LOG
from logging_spec.events import parse_object

RESULT = re.compile(r"(?:result_(\d+)\.txt|seed-(\d+)\.log)(?:\.gz|\.zst)?")
"""Names of logs: in a submission, and of the reference as it is kept."""

PRUNED = "pruned_results"
"""Folder of the runs of a weak set that its score leaves out."""

WEAK = "weak"
"""Folder, above that of a benchmark, of sets that ran at the same time."""

RESULTS = "results"
"""Folder of a submission that holds its logs."""

SUBMISSION = {RESULTS, "systems"}
"""Folders by which a submission is known in a tree."""

DOCUMENTS = (CONFIG, "launch.json", "system.json")
"""Files of a run directory that say more than its log."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """One log of a submission."""

    name: str
    """The log, or the run directory, as it is shown."""

    folder: str
    """Where it lies; results without a run directory of their own that share a folder are one set."""

    path: Path
    """The file that holds it."""

    open: Callable[[], BinaryIO]
    """Opens the log."""

    judge: Callable[[Ruleset], Judgement]
    """Judges it."""

    own_directory: bool = False
    """Whether it lies in a run directory."""

    weak: bool = False
    """Whether it is one of many that ran at the same time (MLPerf HPC, weak scaling)."""

    pruned: bool = False
    """Whether a weak set leaves it out."""

    documents: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    """What lies beside it, by name of the file: `run.json`, `launch.json`, `system.json`."""


def members(path: Path) -> Iterator[Member]:
    """Yield the logs that a path names, those of a folder by their numbers.

    A member is read before the next one is asked for, so that a container need not hold all of them open.

    Raises:
        OSError: a folder cannot be read.
        Refused: an archive is damaged, or holds a log that is too long.
    """
    if is_archive(path):
        from compliance.sets import archived

        yield from archived.members(path)
    elif path.is_file():
        yield _result(path)
    elif (path / CONFIG).is_file():
        if (path / LOG).is_file():
            yield _run(path)
    else:
        for log in sorted(_logs(path), key=_by_number):
            yield _run(log.parent) if _is_run(log.parent) else _result(log)


def is_archive(path: Path) -> bool:
    """Say whether a path is a package in one file."""
    return path.is_file() and is_package(path)


def without_log(path: Path) -> list[Path]:
    """Return the run directories below a path that have no log: what broke off before it had one."""
    found = [path / CONFIG] if (path / CONFIG).is_file() else path.rglob(CONFIG) if path.is_dir() else []
    return sorted(file.parent for file in found if not (file.parent / LOG).is_file() and _mode(file) != "predict")


def _logs(path: Path) -> Iterator[Path]:
    """Yield the logs of a tree; of a submission, those of its results alone, since its code may hold logs too."""
    for folder, folders, files in os.walk(path):
        if {*folders} >= SUBMISSION:
            folders[:] = [RESULTS]
        here = Path(folder)
        yield from (log for name in files if RESULT.fullmatch(name) and (log := here / name).is_file())


def _is_run(folder: Path) -> bool:
    return (folder / CONFIG).is_file() and (folder / LOG).is_file()


def _run(folder: Path) -> Member:
    documents = {name: found for name in DOCUMENTS if (found := read_document(folder / name)) is not None}
    return Member(
        name=str(folder),
        folder=str(folder),
        path=folder / LOG,
        open=partial(_open, folder / LOG),
        judge=partial(judge, folder),
        own_directory=True,
        documents=documents,
    )


def _result(log: Path) -> Member:
    pruned = log.parent.name == PRUNED
    folder = log.parent.parent if pruned else log.parent
    described = _described(folder)
    return Member(
        name=str(log),
        folder=str(folder),
        path=log,
        open=partial(_open, log),
        judge=partial(judge, log),
        weak=folder.parent.name == WEAK,
        pruned=pruned,
        documents={"system.json": described} if described else {},
    )


def _open(log: Path) -> BinaryIO:
    return log.open("rb")


def _described(folder: Path) -> dict[str, Any] | None:
    """Return the description of the system in a submission: `systems/<system>.json` beside `results/<system>/`."""
    for system in folder.resolve().parents:
        if system.parent.name == "results":
            return read_document(system.parent.parent / "systems" / f"{system.name}.json")
    return None


def read_document(path: Path) -> dict[str, Any] | None:
    """Read a file of one JSON object; None where there is none that can be read."""
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_CONFIG_BYTES + 1)
        return parse_object(raw.decode()) if len(raw) <= LARGEST_CONFIG_BYTES else None
    except (OSError, ValueError):
        return None


def _mode(config: Path) -> Any:
    return (read_document(config) or {}).get("mode")


def _by_number(log: Path) -> tuple[str, int]:
    number = RESULT.fullmatch(log.name)
    return str(log.parent), int(next(filter(None, number.groups()))) if number else 0
