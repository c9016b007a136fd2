"""What the command lines of the checker and of the builder share: exit codes, refusals, and how paths are read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from compliance.finding import file_name
from compliance.output import complain

CLEAN, FAULTY, USAGE, INTERNAL = 0, 1, 2, 3
INTERRUPTED = 130


class UsageError(Exception):
    """The command line asks for something that cannot be done; the message says what to do."""


def benchmark_file(path: str) -> dict[str, Any]:
    """Read the facts of a benchmark from its benchmark.json.

    Raises:
        UsageError: it is none.
    """
    from compliance.benchmarks import collect

    try:
        if Path(path).exists() and not Path(path).is_file():
            raise ValueError("no regular file")
        return collect([Path(path)])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else error
        raise UsageError(f"--benchmark {file_name(path)}: expected a benchmark.json, found: {reason}") from None


def existing(paths: Sequence[str]) -> list[Path]:
    """Return the paths, which are those of logs or of folders.

    Raises:
        UsageError: naming each that is neither.
    """
    wrong = [path for path in map(Path, paths) if not (path.is_file() or path.is_dir())]
    if wrong:
        found = [(path, "something else" if path.exists() else "nothing") for path in wrong]
        lines = [
            f"{file_name(str(path))}: expected a log or a run directory, found {what} — check the path"
            for path, what in found
        ]
        raise UsageError("\n".join(lines))
    return [Path(path) for path in paths]


def seconds(text: str) -> float:
    """Read a number of seconds.

    Raises:
        ValueError: it is none, or not above zero.
    """
    seconds = float(text)
    if not seconds > 0:  # not a number is none either
        raise ValueError(text)
    return seconds


def unreadable(error: OSError, path: object) -> str:
    """Say that a file cannot be read, and why."""
    return f"{file_name(str(path))}: {error.strerror} — name a file that can be read"


def fail(code: int, message: str) -> int:
    """Write a message to stderr, and return the exit code."""
    for line in message.splitlines():
        complain(line)
    return code
