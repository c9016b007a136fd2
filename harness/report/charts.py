"""Line charts as SVG text: no script, no outside file, colours from the page's style sheet.

Text sizes, margins and the plot area are in the units of the view box, which is 920 wide, or 440 where two charts stand
side by side: as many as pixels on a wide screen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from markupsafe import Markup, escape

WIDTH, HALF, HEIGHT = 920, 440, 260
LEFT, RIGHT, TOP, BOTTOM = 76, 128, 16, 40
UNNAMED = 16
"""Right margin of a chart whose only line needs no name, because the heading is it."""

FLAT = 1e-12
"""A line that varies by less than this share of its height is flat: digits of 64 bits end there."""

DRAWABLE = 1e100
"""Larger values are left out: the differences between them have no place in 64 bits."""

POINTS_DRAWN = 600
"""More points than this are thinned to the extremes of each bucket: a screen has no more columns."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """One line of a chart."""

    name: str
    """Written at the line's end."""

    points: Sequence[tuple[float, float]]
    """(x, y), sorted by x."""

    marks: bool = False
    """Whether each point gets a dot with its value as a tooltip."""


@dataclass(frozen=True, kw_only=True)
class Level:
    """A horizontal line: a target or a baseline."""

    name: str
    """Written at the right edge."""

    y: float
    """Where the line lies."""

    kind: str = "baseline"
    """Style class: `target` or `baseline`."""


@dataclass(frozen=True, kw_only=True)
class Band:
    """A shaded stretch of the x axis, such as an evaluation."""

    name: str
    """Shown as a tooltip."""

    start: float
    """Left end, in x units."""

    stop: float
    """Right end, in x units."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """What one chart shows."""

    title: str
    """Heading, and the accessible name of the picture."""

    x_label: str
    """Axis label with its unit."""

    y_label: str
    """Axis label with its unit."""

    series: Sequence[Series]
    """Lines, at most six, in the order of the palette."""

    levels: Sequence[Level] = ()
    """Horizontal lines."""

    bands: Sequence[Band] = ()
    """Shaded stretches."""

    y_from_zero: bool = False
    """Whether the y axis starts at zero."""

    note: str = ""
    """A sentence under the chart."""

    half: bool = False
    """Whether it takes half of the page's width."""

    @property
    def named(self) -> bool:
        """Whether lines need names at their ends: there are several."""
        return len(self.series) + len(self.levels) > 1

    @property
    def width(self) -> int:
        """Of the view box."""
        return HALF if self.half else WIDTH

    @property
    def edge(self) -> int:
        """Right end of the plot area."""
        return self.width - (RIGHT if self.named else UNNAMED)


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float
    start: float
    stop: float
    ticks: list[float] = field(default_factory=list)

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.stop - self.start)


def draw(chart: Chart) -> Markup:
    """Draw a chart as an SVG element; a chart without any point says so in words."""
    chart = _drawable(chart)
    points = [point for series in chart.series for point in series.points]
    if not points:
        return Markup('<p class="empty">{}: nothing was recorded.</p>').format(chart.title)
    x = _scale([p[0] for p in points], LEFT, chart.edge, from_zero=True)
    heights = [p[1] for p in points] + [level.y for level in chart.levels]
    y = _scale(heights, HEIGHT - BOTTOM, TOP, from_zero=chart.y_from_zero)
    parts = [_bands(chart, x), _axes(chart, x, y), _levels(chart, y), _lines(chart, x, y)]
    parts += [_labels(chart, y)] if chart.named else []
    head = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">').format(chart.width, HEIGHT, chart.title)
    return head + Markup("").join(parts) + Markup("</svg>")


def _drawable(chart: Chart) -> Chart:
    """The chart without what cannot be placed."""
    series = [
        replace(s, points=[p for p in s.points if abs(p[0]) < DRAWABLE and abs(p[1]) < DRAWABLE]) for s in chart.series
    ]
    levels = [level for level in chart.levels if abs(level.y) < DRAWABLE]
    return replace(chart, series=[s for s in series if s.points], levels=levels)


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers that divide [low, high] into about `count` steps of 1, 2 or 5 times a power of ten."""
    span = high - low
    if span <= 0:
        return [low]
    raw = span / count
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(m * magnitude for m in (1, 2, 5, 10) if m * magnitude >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]


def thin(points: Sequence[tuple[float, float]], limit: int = POINTS_DRAWN) -> list[tuple[float, float]]:
    """Keep the lowest and the highest point of each bucket, so that no spike is lost."""
    if len(points) <= limit:
        return list(points)
    size = math.ceil(2 * len(points) / limit)
    kept: list[tuple[float, float]] = []
    for start in range(0, len(points), size):
        bucket = points[start : start + size]
        kept += sorted({min(bucket, key=lambda p: p[1]), max(bucket, key=lambda p: p[1])})
    return kept


def _scale(values: Sequence[float], start: float, stop: float, *, from_zero: bool) -> _Scale:
    low, high = min(values), max(values)
    if from_zero:
        low = min(low, 0.0)
    largest = max(abs(low), abs(high))
    if high - low <= FLAT * max(largest, FLAT):
        room = 0.5 * largest if largest > FLAT else 0.5
        low, high = low - room, high + room
    margin = 0.04 * (high - low)
    low, high = (low if from_zero else low - margin), high + margin
    return _Scale(low, high, start, stop, ticks(low, high))


def _axes(chart: Chart, x: _Scale, y: _Scale) -> Markup:
    rows = [
        Markup('<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(LEFT, chart.edge, y(t), y(t))
        + Markup('<text class="tick" x="{}" y="{:.1f}" text-anchor="end">{}</text>').format(
            LEFT - 8, y(t) + 4, _text(t)
        )
        for t in y.ticks
    ]
    columns = [
        Markup('<text class="tick" x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
            x(t), HEIGHT - 22, _text(t)
        )
        for t in x.ticks
    ]
    middle = (LEFT + chart.edge) / 2
    names = Markup(
        '<text class="axis" x="{}" y="{}" text-anchor="middle">{}</text>'
        '<text class="axis" transform="translate(12 {}) rotate(-90)" text-anchor="middle">{}</text>'
    ).format(middle, HEIGHT - 4, chart.x_label, (TOP + HEIGHT - BOTTOM) / 2, chart.y_label)
    return Markup("").join([*rows, *columns, names])


def _bands(chart: Chart, x: _Scale) -> Markup:
    return Markup("").join(
        Markup('<rect class="band" x="{:.1f}" width="{:.1f}" y="{}" height="{}"><title>{}</title></rect>').format(
            x(band.start), max(x(band.stop) - x(band.start), 0.5), TOP, HEIGHT - TOP - BOTTOM, band.name
        )
        for band in chart.bands
    )


def _levels(chart: Chart, y: _Scale) -> Markup:
    return Markup("").join(
        Markup('<line class="{}" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(
            level.kind, LEFT, chart.edge, y(level.y), y(level.y)
        )
        for level in chart.levels
    )


def _lines(chart: Chart, x: _Scale, y: _Scale) -> Markup:
    parts = []
    for number, series in enumerate(chart.series):
        drawn = thin(series.points)
        path = " ".join(f"{x(px):.1f},{y(py):.1f}" for px, py in drawn)
        parts.append(Markup('<polyline class="s{}" points="{}"/>').format(number, path))
        if series.marks:
            parts += [
                Markup('<circle class="s{}" cx="{:.1f}" cy="{:.1f}" r="3.5"><title>{}: {}</title></circle>').format(
                    number, x(px), y(py), series.name, _text(py)
                )
                for px, py in drawn
            ]
    return Markup("").join(parts)


def _labels(chart: Chart, y: _Scale) -> Markup:
    """Names at the right edge, pushed apart so that none covers another."""
    wanted = [(y(s.points[-1][1]), s.name, f"s{n}") for n, s in enumerate(chart.series) if s.points]
    wanted += [(y(level.y), level.name, level.kind) for level in chart.levels]
    parts, lowest = [], TOP - 2.0
    overflow = max(0.0, len(wanted) * 14 - (HEIGHT - TOP - BOTTOM))
    for height, name, kind in sorted(wanted):
        lowest = max(height, lowest + 14 - (overflow and 2))
        parts.append(
            Markup('<text class="name {}" x="{}" y="{:.1f}">{}</text>').format(
                kind, chart.edge + 8, lowest + 4, escape(name)
            )
        )
    return Markup("").join(parts)


def _text(value: float) -> str:
    return f"{value:.4g}"
