"""What the sampler reads: the shape of a source, and how a source says that it cannot be read."""

from __future__ import annotations

from typing import Any, Protocol

Item = dict[str, Any]
"""One reading of one thing: `id`, unique in its source, and metrics; one that could not be read is absent or null."""


class UnavailableError(Exception):
    """A source cannot be read on this machine.

    Attributes:
        code: a stable code in snake case, for programs.
        text: one sentence for people.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


class Source(Protocol):
    """A thing that is read again and again while a run goes on."""

    name: str
    """`host`, `ranks`, `nvml` or `rapl`."""

    def facts(self) -> dict[str, Any]:
        """Return what stays the same during a run: devices, limits, which metrics can be read and why others cannot."""

    def read(self) -> list[Item]:
        """Read everything once.

        Raises:
            UnavailableError: nothing of this source can be read any more; it is not read again.
        """

    def close(self) -> None:
        """Let go of what the source holds; a second call does nothing."""
