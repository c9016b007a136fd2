"""The one door from exceptions to exit codes.

| code | meaning |
|---|---|
| 0 | done; a run was judged and is compliant |
| 1 | the run finished and is not compliant, for instance because it missed the target or was stopped as hopeless |
| 2 | usage or configuration refused; nothing was launched, or the implementation refused it |
| 3 | data missing or bad |
| 4 | the run failed: a rank crashed, stalled or ran out of time, the launcher failed, the disk is full |
| 5 | an error inside the harness; a crash report was written |
| 128 + n | stopped by signal n: 130 after Ctrl-C, 143 after SIGTERM |
"""

from __future__ import annotations

import errno
import os
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path

from harness.streams import silence


class Exit(IntEnum):
    """Exit codes of `sciml-bench`."""

    OK = 0
    NOT_COMPLIANT = 1
    USAGE = 2
    DATA = 3
    FAILED = 4
    INTERNAL = 5


DEBUG_VARIABLE = "SCIML_BENCH_DEBUG"
"""Set to 1, it lets unexpected exceptions through with their traceback."""


class Refusal(Exception):  # noqa: N818 - it is no error: the harness did what it should
    """Something that the user can put right. The message says what, where, and what to do; there is no traceback."""

    exit_code: int = Exit.USAGE


class ConfigError(Refusal):
    """The configuration or the command line is wrong; every fault is one line of the message."""


class DataError(Refusal):
    """The data are missing or bad."""

    exit_code = Exit.DATA


class RunFailed(Refusal):
    """The run could not be carried out, or broke."""

    exit_code = Exit.FAILED


class Stopped(Refusal):
    """A signal asked the harness to stop."""

    def __init__(self, signum: int) -> None:
        super().__init__("stopped" if signum != 2 else "interrupted")
        self.exit_code = 128 + signum


FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Error numbers of a disk without room."""


def disk_full_message(error: OSError) -> str:
    """One line for a disk without room, naming the file where the operating system did."""
    where = error.filename or "stdout or the output folder"
    return f"{where}: no space left — free some space or choose another folder with --output-dir"


ADVICE = {
    errno.EMFILE: "raise the limit of open files, `ulimit -n`",
    errno.ENFILE: "the machine has too many open files; end some of its programs",
    errno.EFBIG: "raise the limit of a file's size, `ulimit -f`",
    errno.EAGAIN: "raise the limit of processes, `ulimit -u`",
    errno.ENOMEM: "there is too little memory, or `ulimit -v` is too low",
    errno.ENAMETOOLONG: "choose a shorter path",
}
"""What to do about faults of the surroundings, by error number; no other path or program puts them right."""


def guarded(program: Callable[[], int]) -> int:
    """Run `program` and turn every exception into an exit code and a message for people on stderr."""
    try:
        code = program()
        sys.stdout.flush()
        return code
    except Refusal as refusal:
        _say(str(refusal))
        return refusal.exit_code
    except KeyboardInterrupt:
        _say("interrupted")
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone.
        silence(sys.stdout)
        return Exit.OK
    except OSError as error:
        if error.errno in FULL:
            if error.filename is None:
                silence(sys.stdout)
            _say(disk_full_message(error))
            return Exit.FAILED
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            _say(f"{error.filename}: {error.strerror} — choose a folder that you may write to")
            return Exit.USAGE
        return _unexpected(error)
    except Exception as error:  # noqa: BLE001 - the last door: everything unforeseen becomes a report
        return _unexpected(error)


def _unexpected(error: Exception) -> int:
    if os.environ.get(DEBUG_VARIABLE) == "1":
        raise error
    report = _write_report(error)
    _say(f"error inside the harness: {type(error).__name__}: {error}\n{report}")
    return Exit.INTERNAL


def _write_report(error: Exception) -> str:
    text = "\n".join(
        (
            f"sciml-bench crash report, {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}",
            f"command: {sys.argv!r}",
            f"python: {sys.version}",
            f"platform: {platform.platform()}",
            "",
            "".join(traceback.format_exception(error)),
        )
    )
    try:
        handle, name = tempfile.mkstemp(prefix="sciml-bench-crash-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as failure:
        return f"no crash report could be written: {failure}; {DEBUG_VARIABLE}=1 shows the traceback"
    return f"a crash report is in {Path(name)}; please attach it to an issue ({DEBUG_VARIABLE}=1 shows the traceback)"


def _say(message: str) -> None:
    try:
        sys.stderr.write(f"sciml-bench: {message}\n")
        sys.stderr.flush()
    except OSError:
        silence(sys.stderr)
