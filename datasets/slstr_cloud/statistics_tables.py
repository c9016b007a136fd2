"""The statistics of scenes as Markdown tables, a column for each source."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from datasets.common.failures import UsageError
from datasets.slstr_cloud.measured import GROUNDS
from datasets.slstr_cloud.sen3 import SOLAR, THERMAL

MARKED = re.compile(r"(<!-- statistics -->\n).*?(<!-- /statistics -->)", re.DOTALL)
NOTHING = "–"

BY_GROUND = ("S8", "S2", "S5")
"""Channels whose values are told by kind of ground: heat, red light, and where snow and ice are dark."""

Result = Mapping[str, Any]
Row = tuple[str, Callable[[Result], str | None]]


def inserted(text: str, made: str, *, where: str) -> str:
    """Return a text with the tables between its markers. Raises UsageError where it has none."""
    if not MARKED.search(text):
        raise UsageError(f"{where}: expected <!-- statistics --> and <!-- /statistics -->, found no such lines")
    return MARKED.sub(lambda match: f"{match[1]}{made}\n{match[2]}", text)


def tables(results: Mapping[str, Result]) -> str:
    """Return all tables: shares, percentiles, structure."""
    parts = [
        _table("share of the pixels", results, list(_share_rows())),
        _table("percentiles 1 / 25 / 50 / 75 / 99", results, list(_percentile_rows())),
        _table("structure", results, list(_structure_rows())),
    ]
    return "\n\n".join(parts)


def _table(heading: str, results: Mapping[str, Result], rows: Sequence[Row]) -> str:
    """Return one table; a row that no source can fill is left out."""
    lines = [f"| {heading} | {' | '.join(results)} |", f"|{'---|' * (len(results) + 1)}"]
    for name, cell in rows:
        cells = [_or_none(cell, result) for result in results.values()]
        if any(cells):
            lines.append(f"| {name} | {' | '.join(found or NOTHING for found in cells)} |")
    return "\n".join(lines)


def _or_none(cell: Callable[[Result], str | None], result: Result) -> str | None:
    try:
        return cell(result)
    except KeyError:
        return None


def _share_rows() -> Iterator[Row]:
    yield "scenes", lambda r: str(r["scenes"])
    yield "fill", lambda r: f"{r['fill_share']:.3f}"
    for label in ("bayes", "summary"):
        yield f"cloud by `{label}`", lambda r, label=label: f"{r['groups']['all'][label]:.3f}"
    for ground in GROUNDS:
        yield f"{ground}", lambda r, ground=ground: f"{r['groups'][ground]['share']:.3f}"
        yield (
            f"cloud over {ground} by `bayes`, by `summary`",
            lambda r, g=ground: f"{r['groups'][g]['bayes']:.3f}, {r['groups'][g]['summary']:.3f}",
        )


def _percentile_rows() -> Iterator[Row]:
    for channel in (*THERMAL, *SOLAR):
        form = "{:.1f}" if channel in THERMAL else "{:.3f}"
        unit = ", K" if channel in THERMAL else ""
        grounds = [f"clear {ground}" for ground in GROUNDS if channel in BY_GROUND]
        for group in ("cloud", "clear", *grounds):
            yield (
                f"{channel}{unit}: {group}",
                lambda r, c=channel, g=group, f=form: " / ".join(map(f.format, r["channels"][c][g]["percentiles"])),
            )


def _structure_rows() -> Iterator[Row]:
    for channel in (*THERMAL, *SOLAR):
        yield f"slope of the spectrum, {channel}", lambda r, c=channel: _slopes(r["spectra"][c]["slopes"])
    for label in ("bayes", "summary"):
        yield (
            f"edges of `{label}` per 1000 pixels",
            lambda r, k=f"S8 {label}": f"{r['edges'][k]['per_1000_pixels']:.1f}",
        )
        for name, unit in (("S8", ", K"), ("S2", "")):
            key = f"{name} {label}"
            yield (
                f"{name}: step at an edge of `{label}`, median / 90 %{unit}",
                lambda r, k=key: _pair(r["edges"][k]["step_percentiles"]),
            )
            yield (
                f"{name}: share of the contrast in the step, `{label}`",
                lambda r, k=key: _number(r["edges"][k]["at_edge"]),
            )


def _slopes(slopes: Sequence[float | None]) -> str | None:
    """Return the mean of the scenes' slopes, and the smallest and largest of several."""
    found = [slope for slope in slopes if slope is not None]
    if not found:
        return None
    text = f"{sum(found) / len(found):.2f}"
    return text if len(found) == 1 else f"{text} ({min(found):.2f} to {max(found):.2f})"


def _pair(values: Sequence[float] | None) -> str | None:
    return None if values is None else " / ".join(f"{value:.3g}" for value in values)


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"
