"""The one door between an implementation's errors and its exit code (SPEC.md, section "Exit codes")."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from typing import Final

EXIT_KEPT: Final = 0
EXIT_FAILED: Final = 1
EXIT_REFUSED: Final = 2
EXIT_DATA: Final = 3


class Refused(Exception):  # noqa: N818 - it says what happens, and reads well where it is raised
    """The configuration asks for something that this implementation does not do; the message names the field."""


class DataError(Exception):
    """Data are missing or bad; the message names the file and what is wrong with it."""


def run_program(main: Callable[[], None]) -> int:
    """Run `main` and turn what it raises for people into one line on stderr and an exit code.

    Anything unforeseen keeps its traceback: it is a crash, and the traceback is what its finder needs.
    """
    try:
        main()
    except Refused as error:
        return _say(error, EXIT_REFUSED)
    except DataError as error:
        return _say(error, EXIT_DATA)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        where = error.filename or "the output folder"
        return _say(f"{where}: {error.strerror} — free some space, or choose another output folder", EXIT_FAILED)
    return EXIT_KEPT


def _say(message: object, code: int) -> int:
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()
    return code
