"""The standard streams of the command line: there from the start, and no longer able to end what goes on.

A run takes hours, and its terminal, the reader behind a pipe, or the room for its output may go meanwhile.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast

READER_GONE = frozenset({errno.EPIPE, errno.EIO})
"""Error numbers of a stream that nobody reads any more: a pipe whose reader has left, a terminal that was closed."""


def prepare() -> None:
    """Make the standard streams fit for use: none closed, and none that fails at a character its encoding lacks.

    A closed descriptor is taken by the next file that is opened, which then holds whatever a library prints.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest free number, which is this one
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", closefd=False)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextlib.contextmanager
def lasting() -> Iterator[None]:
    """Within the block, stdout and stderr go silent where they fail, and raise nothing."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast(TextIO, _Lasting(stream)) for stream in before)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdout, sys.stderr = before


def silence(stream: TextIO) -> None:
    """Send what is still to be written nowhere: Python would fail once more while it flushes at exit."""
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


class _Lasting:
    """A stream that is silenced by its first failure. All but writing is the stream's own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or do nothing."""
        try:
            return self._stream.write(text)
        except OSError as error:
            self._fail(error)
            return len(text)

    def flush(self) -> None:
        """Hand on what is buffered, or drop it."""
        try:
            self._stream.flush()
        except OSError as error:
            self._fail(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _fail(self, error: OSError) -> None:
        """Say it on stderr where somebody may still be there to read it."""
        silence(self._stream)
        if error.errno not in READER_GONE and self is cast(object, sys.stdout):
            lost = "what it would have shown is in the run's folder"
            sys.stderr.write(f"sciml-bench: stdout: {error.strerror} — {lost}\n")
