"""The one place where these programs turn an error into a line for people and an exit code."""

from __future__ import annotations

import errno
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

EXIT_USAGE = 2
EXIT_DATA = 3


_ACCOUNT = re.compile(r"(?<=://)[^/\s@]*@")
_TOKEN = re.compile(r"(https?://[^\s?'\"]*\?)[^\s'\"]*?(?=:?(?:[\s'\"]|$))")


class UsageError(Exception):
    """The command line asks for something that cannot be; exit code 2."""


class DataError(Exception):
    """Data is missing or bad; exit code 3."""


def say(message: str) -> None:
    """Print one line of progress at once."""
    print(message, flush=True)  # noqa: T201 - the one door to the terminal


def one_line(text: str) -> str:
    """Return words of others in one line of text that a terminal may show, without accounts and tokens of addresses.

    >>> one_line("no answer of https://al:word@host/set?sig=1\\n\\x1b[31m")
    'no answer of https://host/set?… \\\\x1b[31m'
    """
    shown = "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in " ".join(text.split())
    )
    return _TOKEN.sub(r"\1…", _ACCOUNT.sub("", shown))


@contextmanager
def failing_politely() -> Iterator[None]:
    """Run the body; end the program with one line on stderr where it fails in a way that a user can mend."""
    try:
        yield
    except UsageError as fault:
        _leave(str(fault), EXIT_USAGE)
    except DataError as fault:
        _leave(str(fault), EXIT_DATA)
    except KeyboardInterrupt:
        _leave(
            "interrupted; nothing half-written has its name, run the same command again to go on",
            130,
        )
    except OSError as error:
        _leave(explain_os_error(error), EXIT_DATA)


def explain_os_error(error: OSError) -> str:
    """Return one line for an operating system error, with what to do where that is known."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error):
        return f"{error}: the disk is full — free some space and run the same command again"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            f"{error}: expected a folder that may be written, found one that may not — name another or change its mode"
        )
    if error.errno in (errno.EEXIST, errno.ENOTDIR, errno.EISDIR):
        return f"{error}: expected to make a file or a folder here, found the other one in its place — move it away"
    return str(error)


def _leave(message: str, code: int) -> None:
    sys.stderr.write(message + "\n")
    raise SystemExit(code) from None
