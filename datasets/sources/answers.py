"""An answer of a server: where in the file its bytes begin, and when the server wants to be asked again.

A server may know no ranges and send the whole file, may send another range than the one that was asked for, or may
refuse every range. Its own words say where its bytes belong; what was asked for does not.
"""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from datasets.sources.source import Changed, Unavailable
from datasets.transfer_part import RemoteFile

_NUMBER = "[0-9]{1,18}"
_RANGE = re.compile(rf"bytes ({_NUMBER})-{_NUMBER}/({_NUMBER}|\*)")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The body of an answer."""

    position: int | None
    """Position in the file of its first byte; None where it does not say."""

    read: Callable[[int], bytes]
    """Returns the next bytes, at most so many, and none at the end."""

    close: Callable[[], object]
    """Ends it."""


def position_of(file: RemoteFile, status: int, *, content_range: str, length: str) -> int | None:
    """Return the position in a file at which the body of an answer begins; None where the answer does not say.

    Args:
        file: as it is listed.
        status: of the answer.
        content_range: that header, or nothing.
        length: Content-Length, or nothing.

    Raises:
        Changed: the file has another size at the server.
    """
    position, total = 0, length.strip()
    if status == 206:
        stated = _RANGE.fullmatch(content_range.strip())
        if stated is None:
            return None
        position, total = int(stated[1]), stated[2]
    if re.fullmatch(_NUMBER, total) and int(total) != file.size:
        raise Changed(f"{file.path}: expected {file.size} bytes, found {total} at the server")
    return position


def rest_of(file: RemoteFile, start: int, ask: Callable[[int], Answer]) -> Iterator[bytes]:
    """Yield the bytes of a file from a position on, whatever of it comes.

    Args:
        file: as it is listed.
        start: first position that is wanted.
        ask: asks for the file from a position on; one of 0 asks for no range.

    Raises:
        SourceError: they do not come, or not to the end.
    """
    answer, position = _asked(file, start, ask)
    try:
        while position < file.size:
            block = answer.read(file.size - position)
            if not block:
                left = file.size - position
                raise Unavailable(f"{file.path}: expected {left} more bytes, found the end of the answer")
            position += len(block)
            if position > start:
                yield block[-(position - start) :]
    finally:
        answer.close()


def _asked(file: RemoteFile, start: int, ask: Callable[[int], Answer]) -> tuple[Answer, int]:
    """Return an answer that begins at a position or before it: to a range, or else to the whole."""
    if start:
        try:
            answer = ask(start)
        except Changed:  # 416 of a server that refuses ranges; of another file, the next answer says it again
            return _asked(file, 0, ask)
        if answer.position is not None and answer.position <= start:
            return answer, answer.position
        answer.close()
    answer = ask(0)
    if answer.position != 0:
        answer.close()
        raise Unavailable(
            f"{file.path}: expected the file from its first byte on, found an answer from elsewhere in it"
        )
    return answer, 0


def seconds_to_wait(retry_after: str | None) -> float:
    """Return what a header Retry-After says, as a number of seconds or a date; 0 where it says nothing."""
    if retry_after is None:
        return 0.0
    if re.fullmatch(_NUMBER, retry_after.strip()):
        return float(retry_after)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time())
    except (ValueError, OverflowError):
        return 0.0
