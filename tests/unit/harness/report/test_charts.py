"""Charts: no spike is lost, ticks are round, and nothing of the data becomes markup."""

from __future__ import annotations

import itertools
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.report.charts import HEIGHT, WIDTH, Band, Chart, Level, Series, draw, thin, ticks

NUMBERS = st.floats(min_value=-1e9, max_value=1e9, allow_nan=False)
ANY_NUMBER = st.floats(allow_nan=False, allow_infinity=False)


def chart(points: list[tuple[float, float]], **more: object) -> Chart:
    return Chart(title="t", x_label="x", y_label="y", series=[Series(name="s", points=points, marks=True)], **more)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=3000).map(sorted))
def test_thinning_keeps_the_extremes_and_the_order(points: list[tuple[float, float]]) -> None:
    kept = thin(points, limit=60)
    assert len(kept) <= max(60, 2)
    assert kept == sorted(kept)
    assert {min(y for _, y in points), max(y for _, y in points)} <= {y for _, y in kept}


@given(NUMBERS, st.floats(min_value=1e-4, max_value=1e3))
def test_ticks_lie_inside_and_are_evenly_spaced(low: float, relative_span: float) -> None:
    span = relative_span * max(abs(low), 1.0)
    high = low + span
    found = ticks(low, high)
    assert all(low - 1e-6 * span <= t <= high + 1e-6 * span for t in found)
    steps = [b - a for a, b in itertools.pairwise(found)]
    assert all(step == pytest.approx(steps[0], rel=1e-3) for step in steps)
    assert len(found) <= 7


@given(st.lists(st.tuples(ANY_NUMBER, ANY_NUMBER), min_size=1, max_size=50).map(sorted), ANY_NUMBER)
@example([(5e-324, 0.0)], 0.0)
@example([(0.0, 5e-324)], 0.0)
@example([(0.0, -1.7e308), (1.0, 1.7e308)], 1.7e308)
@example([(0.0, 1e9), (1.0, 1e9 + 2e-7)], 1e9)
def test_every_point_lies_inside_the_picture(points: list[tuple[float, float]], level: float) -> None:
    drawing = draw(chart([(0.0, 0.0), *points], levels=[Level(name="level", y=level)]))
    root = ElementTree.fromstring(drawing)
    for circle in root.iter("circle"):
        assert 0 <= float(circle.attrib["cx"]) <= WIDTH
        assert 0 <= float(circle.attrib["cy"]) <= HEIGHT


def test_names_are_escaped() -> None:
    hostile = "<script>alert(1)</script>"
    drawn = draw(
        chart([(0, 1), (1, 2)], levels=[Level(name=hostile, y=1)], bands=[Band(name=hostile, start=0, stop=1)])
    )
    root = ElementTree.fromstring(drawn)
    assert root.find(".//script") is None
    assert [t.text for t in root.iter("text")].count(hostile) == 1


def test_labels_do_not_cover_each_other() -> None:
    levels = [Level(name=f"baseline {n}", y=1.0 + n / 1000) for n in range(6)]
    root = ElementTree.fromstring(draw(chart([(0, 1), (1, 2)], levels=levels)))
    heights = sorted(float(t.attrib["y"]) for t in root.iter("text") if "name" in t.attrib["class"].split())
    assert all(b - a >= 12 for a, b in itertools.pairwise(heights))


def test_a_chart_without_points_says_so() -> None:
    assert "nothing was recorded" in draw(chart([]))
