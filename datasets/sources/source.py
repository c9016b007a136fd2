"""What every source of files is: it lists them, and brings one into a part file. Its faults, by what helps."""

from __future__ import annotations

from typing import Protocol

from datasets.transfer_part import At, Part, RemoteFile


class SourceError(Exception):
    """A source did not give what it was asked for; the message says what was expected, and what was found."""


class Unavailable(SourceError):  # noqa: N818 - what the source is, not what we did
    """No answer, or half of one: the same question may be answered later, or by another mirror."""

    def __init__(self, message: str, *, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.wait_s = wait_s
        """Seconds for which the source wants to be left alone."""


class Refused(SourceError):  # noqa: N818 - what the source is, not what we did
    """The source answers, and says no: asking again does not help."""


class Missing(SourceError):  # noqa: N818 - what the source is, not what we did
    """The source answers, and has no such thing."""


class Changed(SourceError):  # noqa: N818 - what the source is, not what we did
    """The source has other bytes than those that it listed: list it again."""


class Source(Protocol):
    """A place that holds a data set."""

    @property
    def name(self) -> str:
        """What messages and records call it: an address."""

    def files(self) -> list[RemoteFile]:
        """List the files of the set.

        Raises:
            SourceError: it cannot be listed, or holds nothing.
        """

    def detail(self, file: RemoteFile) -> RemoteFile:
        """Add what only a question about this one file tells.

        Raises:
            SourceError: the question has no answer.
        """

    def fetch(self, file: RemoteFile, part: Part, at: At) -> None:
        """Bring a part file to its full length, from whatever of it is there.

        Raises:
            SourceError: the file did not come, or not to its end; what came is kept.
            OSError: the disk refuses.
        """
