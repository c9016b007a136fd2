"""The checker's way out: to stdout whatever its encoding, to stderr without ever failing."""

from __future__ import annotations

import os
import sys
from typing import TextIO


class OutputError(Exception):
    """Nothing can be written to stdout; the message says what to do."""


def write(text: str) -> bool:
    """Write to stdout; what its encoding cannot show is escaped.

    Returns:
        Whether it was taken: a reader that has left is no fault, and nobody has to go on for it.

    Raises:
        OutputError: there is no stdout, or no room for more.
    """
    if sys.stdout is None:
        raise OutputError("stdout: expected a stream, found it closed — leave it open, or send it to a file")
    try:
        sys.stdout.write(_shown(text, sys.stdout))
        sys.stdout.flush()
    except BrokenPipeError:
        _silence(sys.stdout)
        return False
    except OSError as error:
        _silence(sys.stdout)
        raise OutputError(f"stdout: {error.strerror} — send it where there is room") from None
    return True


def complain(message: str) -> None:
    """Write a line to stderr, where there is one that takes it."""
    try:
        sys.stderr.write(_shown(f"compliance: {message}\n", sys.stderr))
        sys.stderr.flush()
    except AttributeError:
        return
    except OSError:
        _silence(sys.stderr)


def has_colour(stream: TextIO | None) -> bool:
    """Say whether colours belong on a stream: a terminal's, unless its user wants none."""
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return stream is not None and stream.isatty() and not plain


def _shown(text: str, stream: TextIO) -> str:
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _silence(stream: TextIO) -> None:
    """Send what is still to be written nowhere: Python would complain once more, and exit with 120, at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
