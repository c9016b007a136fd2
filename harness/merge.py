"""Join the event files of a run into the log that is judged. Lines go over byte for byte: nothing is rewritten."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from pathlib import Path

from harness import eventfile
from harness.files import write_whole


def merge(sources: list[Path], target: Path) -> list[str]:
    """Write `target` from event files, by time; equal times keep the order of `sources`, and each file its own order.

    A line that is no event follows the line before it, so that the checker meets it where it was written. A last line
    that was cut short is left out.

    Returns:
        What was left out, a sentence each.

    Raises:
        OSError: `target` could not be written; it is then as it was before.
    """
    notes: list[str] = []
    streams = [_timed(path, index, notes) for index, path in enumerate(sources)]
    write_whole(target, b"".join(line for _, _, line in heapq.merge(*streams, key=lambda item: item[:2])))
    return notes


def _timed(path: Path, index: int, notes: list[str]) -> Iterator[tuple[int, int, bytes]]:
    """Lines of a file as (time in ms, index of the file, bytes), in times that never go back."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        notes.append(f"{path.name} is missing")
        return
    lines = data.splitlines(keepends=True)
    if lines and not lines[-1].endswith(b"\n"):
        notes.append(f"{path.name} ends in a line that was cut short; it was left out")
        lines.pop()
    latest = 0
    for line in lines:
        event = eventfile.parse(line)
        latest = max(latest, event.time_ms if event else 0)
        yield latest, index, line
