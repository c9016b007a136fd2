"""Energy over a window: laws that hold for any readings, and the readings that give none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.telemetry.integrate import (
    MAX_GAP_S,
    Series,
    UnmeasuredError,
    Window,
    counter_delta,
    integral,
    quality,
    unwrap,
)

STEPS_S = st.lists(st.floats(0.01, MAX_GAP_S - 0.01), min_size=3, max_size=30)


@st.composite
def recordings(draw: st.DrawFn) -> tuple[list[tuple[float, float]], float, float, float]:
    """Readings of a power (or the rises of a counter), and three times in order that they bracket."""
    time_s, points = draw(st.floats(0, 1e6)), []
    for step_s in draw(STEPS_S):
        time_s += step_s
        points.append((time_s, draw(st.floats(0, 1000))))
    shares = sorted(draw(st.tuples(*[st.floats(0, 1)] * 3)))
    first_s, last_s = points[0][0], points[-1][0]
    start_s, middle_s, stop_s = (min(first_s + share * (last_s - first_s), last_s) for share in shares)
    return points, start_s, middle_s, stop_s


def rising(points: list[tuple[float, float]], offset: float = 0.0) -> Series:
    total, counted = offset, []
    for time_s, rise in points:
        total += rise
        counted.append((time_s, total))
    return Series.of(counted)


@given(recordings())
def test_energy_is_additive_over_split_windows(
    recording: tuple[list[tuple[float, float]], float, float, float],
) -> None:
    points, start_s, middle_s, stop_s = recording
    for measure, series in ((integral, Series.of(points)), (counter_delta, rising(points))):
        whole = measure(series, Window(start_s=start_s, stop_s=stop_s))
        first = measure(series, Window(start_s=start_s, stop_s=middle_s))
        second = measure(series, Window(start_s=middle_s, stop_s=stop_s))
        assert first + second == pytest.approx(whole, rel=1e-9, abs=1e-5)


@given(recordings(), st.randoms(use_true_random=False))
def test_the_order_in_which_readings_arrive_does_not_matter(recording, random) -> None:
    points, start_s, _, stop_s = recording
    shuffled = random.sample(points, len(points))
    window = Window(start_s=start_s, stop_s=stop_s)
    assert integral(Series.of(shuffled), window) == integral(Series.of(points), window)


@given(recordings(), st.floats(0, 1e9))
def test_what_a_counter_showed_before_does_not_matter(recording, offset: float) -> None:
    points, start_s, _, stop_s = recording
    window = Window(start_s=start_s, stop_s=stop_s)
    assert counter_delta(rising(points, offset), window) == pytest.approx(
        counter_delta(rising(points), window), abs=1e-4
    )


@given(recordings(), st.floats(0, 500))
def test_more_power_throughout_is_more_energy_by_its_product_with_time(recording, more_w: float) -> None:
    points, start_s, _, stop_s = recording
    window = Window(start_s=start_s, stop_s=stop_s)
    raised = Series.of((time_s, power_w + more_w) for time_s, power_w in points)
    expected = integral(Series.of(points), window) + more_w * window.seconds
    assert integral(raised, window) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_edges_inside_a_straight_line_are_interpolated() -> None:
    ramp = Series.of([(0.0, 0.0), (2.0, 200.0), (4.0, 400.0)])
    assert integral(ramp, Window(start_s=0.5, stop_s=3.0)) == pytest.approx(50 * (3.0**2 - 0.5**2))
    assert counter_delta(ramp, Window(start_s=0.5, stop_s=3.0)) == pytest.approx(250.0)


@pytest.mark.parametrize(
    ("points", "code"),
    [
        ([], "window_not_bracketed"),
        ([(1.0, 5.0), (2.0, 6.0)], "window_not_bracketed"),
        ([(0.0, 5.0), (1.5, 6.0)], "window_not_bracketed"),
        ([(0.0, 5.0), (1.0, 3.0), (3.0, 9.0)], "counter_reset"),
        ([(-3.0, 5.0), (0.9, 6.0), (2.5, 9.0)], "sample_gap_exceeded"),
    ],
)
def test_a_counter_that_says_nothing_says_why(points: list[tuple[float, float]], code: str) -> None:
    with pytest.raises(UnmeasuredError) as raised:
        counter_delta(Series.of(points), Window(start_s=0.5, stop_s=2.0))
    assert raised.value.code == code


def test_a_stall_ruins_the_integral_and_not_the_counter() -> None:
    points = [(0.0, 100.0), (1.0, 200.0), (6.0, 700.0), (7.0, 800.0)]
    window = Window(start_s=0.5, stop_s=6.5)
    with pytest.raises(UnmeasuredError, match=r"sample_gap_exceeded: 5\.0 s"):
        integral(Series.of(points), window)
    assert counter_delta(Series.of(points), window) == pytest.approx(600.0)


def test_a_reset_before_the_window_does_no_harm() -> None:
    points = [(0.0, 900.0), (1.0, 0.0), (2.0, 10.0), (3.0, 20.0)]
    assert counter_delta(Series.of(points), Window(start_s=1.5, stop_s=2.5)) == pytest.approx(10.0)


def test_a_counter_that_wraps_twice_goes_on_rising() -> None:
    wrapped = Series.of([(0.0, 90.0), (1.0, 10.0), (2.0, 95.0), (3.0, 5.0)])
    assert unwrap(wrapped, 100.0).values == (90.0, 110.0, 195.0, 205.0)


def test_quality_counts_readings_gaps_and_the_covered_share() -> None:
    series = Series.of([(0.0, 1.0), (1.0, 1.0), (6.0, 1.0), (7.0, 1.0)])
    found = quality(series, Window(start_s=0.5, stop_s=8.5))
    assert found.n_samples == 3
    assert found.max_gap_s == 5.0
    assert found.coverage == pytest.approx((0.5 + 1.0) / 8.0)


def test_quality_of_nothing_is_no_coverage() -> None:
    found = quality(Series.of([]), Window(start_s=0.0, stop_s=2.0))
    assert (found.coverage, found.n_samples, found.max_gap_s) == (0.0, 0, 2.0)


def test_a_window_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match="expected stop at or after start"):
        Window(start_s=2.0, stop_s=1.0)
