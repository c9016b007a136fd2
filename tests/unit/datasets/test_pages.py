"""Pages of pictures: tones, bars, text, and that nothing on a page runs into another thing."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from datasets.common import page as pages
from datasets.common.page import Axis, Panel, Ramp, Row, few_colours, fitted, nice_bar, page, plain, width_of, wrapped
from datasets.common.tones import FILL, enlarged, grey, limits, means, mixed, short, step_to_fit

RED = np.array([200, 0, 0], np.uint8)


def test_grey_goes_from_low_to_high_and_marks_fill() -> None:
    pixels = grey(np.array([[0.0, 1.0, 2.0, -1.0, np.nan]]), 0.0, 1.0)
    assert pixels[0].tolist() == [[0] * 3, [255] * 3, [255] * 3, [0] * 3, list(FILL)]
    assert len(np.unique(grey(np.linspace(0, 1, 999)[None], 0, 1))) == 16


def test_shares_lie_between_two_colours() -> None:
    pixels = mixed(np.array([[0, 0.5, 1, np.nan]]), (0, 0, 0), (200, 100, 50))
    assert pixels[0].tolist() == [[0, 0, 0], [100, 50, 25], [200, 100, 50], list(FILL)]


def test_means_are_over_the_numbers_of_a_block() -> None:
    image = np.array([[1.0, 3, 5], [np.nan, np.nan, 7], [2, 4, np.nan]])
    np.testing.assert_array_equal(means(image, 2), [[2, 6], [3, np.nan]])
    np.testing.assert_array_equal(means(np.stack([image, image + 1], -1), 2)[..., 1], [[3, 7], [4, np.nan]])
    mostly_fill = np.array([[1.0, np.nan], [np.nan, np.nan]])
    assert np.isnan(means(mostly_fill, 2)).all()
    np.testing.assert_array_equal(means(image, 1), image)


def test_images_are_made_to_fit() -> None:
    assert [step_to_fit(shape, 100) for shape in ((50, 100), (101, 7), (7, 250, 3))] == [1, 2, 3]
    pixels, times = enlarged(np.zeros((10, 20, 3), np.uint8), 128)
    assert (pixels.shape, times) == ((60, 120, 3), 6)


def test_limits_are_of_the_numbers() -> None:
    assert limits(np.array([np.nan, 1.0, 3.0, np.inf]), 0, 100) == (1, 3)
    assert limits(np.array([np.nan]), 0, 100) == (0, 1)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.9381, "0.938"), (1.0512, "1.05"), (24.31, "24.3"), (299.6, "300"), (1250.4, "1,250"), (0, "0"),
        (-0.1129, "-0.113"), (1e-9, "1e-09"), (3.2e8, "3.2e+08"), (np.nan, "none"),
    ],
)  # fmt: skip
def test_numbers_are_short(number: float, text: str) -> None:
    assert short(number) == text


@pytest.mark.parametrize("pixel", [0.0123, 0.13, 1, 7, 999])
@pytest.mark.parametrize("width", [128, 256, 320])
def test_bars_have_a_round_length_that_fits(pixel: float, width: int) -> None:
    bar = nice_bar(pixel, width, "km")
    number, unit = bar.text.split()
    assert unit == "km"
    assert number.lstrip("0.").strip("0")[:1] in "125"
    assert bar.pixels * pixel == pytest.approx(float(number))
    assert 0.3 * width / 2.5 <= bar.pixels <= 0.3 * width


def test_text_has_what_the_type_knows() -> None:
    assert plain("données – 3 × 4 Å², 漢…") == "donnees - 3 x 4 Å^2, ?…"
    shapes = set()
    for text in ("A", "Å", "2", "^2"):
        canvas = Image.new("L", (40, 40))
        pages.write(ImageDraw.Draw(canvas), (10, 10), text, 15, 255)
        shapes.add(canvas.tobytes())
    assert len(shapes) == 4
    assert width_of("Å", 15) == width_of("A", 15)


def test_text_keeps_to_its_room() -> None:
    long = "a name that is by far too long for the picture below it"
    assert fitted(long, 13, 1000) == long
    assert fitted(long, 13, 100).endswith("…")
    assert width_of(fitted(long, 13, 100), 13) <= 100
    lines = wrapped(long + " " + "x" * 90, 13, 200)
    assert all(width_of(line, 13) <= 200 for line in lines)
    assert " ".join(lines[:2]) == long
    assert wrapped("", 13, 200) == [""]
    one, two = wrapped("six words that go on two lines", 13, width_of("six words that go on two", 13))
    assert f"{one} {two}" == "six words that go on two lines"
    assert len(two.split()) > 1


def test_pictures_lie_on_the_page_row_by_row() -> None:
    red = np.zeros((20, 30, 3), np.uint8) + RED
    sheet = page("title", ["note"], [Row([Panel("a", red), Panel("b", red)]), Row([Panel("c", red)], "last")], ["foot"])
    assert (np.asarray(sheet) == RED).all(axis=-1).sum() == 3 * 20 * 30


@pytest.mark.parametrize("width", [30, 150, 300])
def test_nothing_runs_into_a_picture_or_over_the_edge(width: int) -> None:
    """Everything is drawn over the paper alone: what is beside pictures changes none of their pixels."""
    red = np.zeros((100, width, 3), np.uint8) + RED
    long = "a caption that is far longer than its picture is wide, and goes on and on"
    ticks = [(0.5, "0"), (50.5, "50,000")]
    panel = Panel(
        long, red, long, ramp=Ramp(pages.GREY_RAMP, "0.123", "4.56 of vacuum"), keys=((FILL, "no value"),),
        left=Axis("row", ticks), right=Axis("two theta", ticks), below=Axis("column", [(0.5, "0"), (width - 1, "999")]),
    )  # fmt: skip
    sheet = np.asarray(page("t" * 200, [long * 5], [Row([panel] * 3, "r" * 200)] * 2, [long * 5]))
    assert (sheet == RED).all(axis=-1).sum() == 6 * 100 * width
    assert (sheet[0] == pages.EDGE).all()
    assert (sheet[1:-1, 1:20] == pages.PAPER).all()
    assert (sheet[1:-1, -20:-1] == pages.PAPER).all()
    assert (sheet[-20:-1, 1:-1] == pages.PAPER).all()


def test_a_bar_is_as_long_as_it_says() -> None:
    black = np.zeros((100, 200, 3), np.uint8)
    sheet = np.asarray(page("", [], [Row([Panel("", black, bar=nice_bar(1, 200, "px"))])], []))
    white = (sheet == 255).all(axis=-1)
    assert white.sum(axis=1).max() == 50


def test_rare_colours_that_mean_something_survive_a_small_palette() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (300, 300, 1), np.uint8).repeat(3, axis=-1)
    noise[7, 9] = FILL
    sheet = page("title", ["line"], [Row([Panel("a", noise)])], [])
    few = np.asarray(few_colours(sheet, 40, [FILL, pages.PAPER, FILL]).convert("RGB"))
    assert (few == FILL).all(axis=-1).sum() == 1
    assert (few[1, 1:-1] == pages.PAPER).all()
    assert len(np.unique(few.reshape(-1, 3), axis=0)) <= 42
