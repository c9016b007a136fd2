"""Aligned columns and readable times, for whatever is printed for people."""

from __future__ import annotations

from collections.abc import Sequence

GAP = "  "


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a line for each row, each column as wide as its widest cell; all rows have as many cells as the first."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def duration(seconds: float) -> str:
    """Render a time: in seconds below two minutes, in minutes below two hours, else in hours."""
    for limit_s, unit_s, unit in ((120, 1, "s"), (7200, 60, "min")):
        if seconds < limit_s:
            return f"{seconds / unit_s:.2f} {unit}"
    return f"{seconds / 3600:.2f} h"
