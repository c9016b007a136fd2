"""A log as it lies on disk or in an archive: plain, or compressed with gzip or Zstandard.

What is compressed is told by its first bytes, not by its name. How far a log may expand is bounded, so that a file of a
kilobyte cannot keep the checker busy for a day; it is expanded in pieces, so that memory is bounded too.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Protocol

from compliance.finding import clipped, name

GZIP, ZSTANDARD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
"""First bytes of what is compressed."""

PADDING = b"\0"
"""May follow what is compressed, on tapes and in blocks."""

PIECE_BYTES = 1 << 16
"""Bytes that are read, or expanded, at a time."""

MOST_EXPANDED = 1000
"""Times its compressed size to which a log may expand. Logs of long runs expand 10 to 40 times."""

ALWAYS_EXPANDED_BYTES = 1 << 26
"""Size to which any log may expand."""

LARGEST_WINDOW_BYTES = 1 << 23
"""Memory that expanding Zstandard may take: what the format asks every reader to offer."""


class ExpansionError(Exception):
    """A compressed log cannot be expanded to its end."""

    def __init__(self, rule: str, expected: str, found: str, advice: str) -> None:
        """Keep the parts of the finding."""
        super().__init__(found)
        self.rule, self.expected, self.found, self.advice = rule, expected, found, advice


class Expander(Protocol):
    """Expands one compressed stream; `compression.zstd` of newer Pythons has the same form."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Take in more of the stream, and return at most `max_length` bytes of what it holds."""

    @property
    def needs_input(self) -> bool:
        """Whether nothing more can be said before more is taken in."""

    @property
    def eof(self) -> bool:
        """Whether the stream has ended."""

    @property
    def unused_data(self) -> bytes:
        """What was taken in beyond its end."""


def pieces(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes of a log, expanded where they are compressed, in pieces of bounded size.

    Raises:
        ExpansionError: what is compressed is damaged, or expands too far.
        OSError: the stream cannot be read.
    """
    first = stream.read(PIECE_BYTES)
    while first and len(first) < len(ZSTANDARD) and (more := stream.read(PIECE_BYTES)):
        first += more
    if first.startswith(GZIP):
        yield from _expanded(first, stream, _Gzip)
    elif first.startswith(ZSTANDARD):
        yield from _expanded(first, stream, _zstandard)
    else:
        yield first
        while data := stream.read(PIECE_BYTES):
            yield data


def _expanded(data: bytes, stream: BinaryIO, make: Callable[[], Expander]) -> Iterator[bytes]:
    """Expand streams that follow each other, as they do where compressed files are put together."""
    taken, given = len(data), 0
    expander = make()
    while True:
        piece = _decompress(expander, data)
        given += len(piece)
        if given > max(ALWAYS_EXPANDED_BYTES, MOST_EXPANDED * taken):
            expected = f"at most {ALWAYS_EXPANDED_BYTES >> 20} MiB, or {MOST_EXPANDED} times its size"
            found = f"more than {given - len(piece)} bytes from {taken}"
            raise ExpansionError("file-006", expected, found, "give the log as it is, without compression")
        yield piece
        data = b""
        if expander.eof:
            data = expander.unused_data.lstrip(PADDING) or stream.read(PIECE_BYTES).lstrip(PADDING)
            if not data:
                return
            taken += len(data)
            expander = make()
        elif expander.needs_input:
            data = stream.read(PIECE_BYTES)
            if not data:
                raise _damaged("its end is missing")
            taken += len(data)


def _decompress(expander: Expander, data: bytes) -> bytes:
    try:
        return expander.decompress(data, PIECE_BYTES)
    except (OSError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - the libraries' errors have no base but this one
        raise _damaged(str(error)) from None


def _damaged(reason: str) -> ExpansionError:
    return ExpansionError("file-005", "a whole compressed file", clipped(name(reason)), "copy the file again")


class _Gzip:
    """zlib's expander in the form of the others."""

    def __init__(self) -> None:
        self._expander = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return self._expander.decompress(self._expander.unconsumed_tail + data, max_length)

    @property
    def needs_input(self) -> bool:
        return not self._expander.unconsumed_tail

    @property
    def eof(self) -> bool:
        return self._expander.eof

    @property
    def unused_data(self) -> bytes:
        return self._expander.unused_data


def _zstandard() -> Expander:
    from backports import zstd

    limit: dict[int, int] = {zstd.DecompressionParameter.window_log_max: LARGEST_WINDOW_BYTES.bit_length() - 1}
    return zstd.ZstdDecompressor(options=limit)
