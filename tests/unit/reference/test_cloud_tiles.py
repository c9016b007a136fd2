"""Tile geometry of the original, and of every other size of scene."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.slstr_cloud.facts import STRIDE, TILE
from reference.slstr_cloud.tiles import Corner, cut, inference_windows, stitch, training_tiles


def test_a_scene_of_the_original_has_20_tiles() -> None:
    tiles = training_tiles(1200, 1500)
    assert len(tiles) == 20
    assert tiles[0] == Corner(row=88, column=110)
    assert tiles[-1] == Corner(row=88 + 3 * 256, column=110 + 4 * 256)


def test_a_scene_of_the_original_has_63_windows() -> None:
    windows = inference_windows(1200, 1500)
    assert len(windows) == 63
    assert windows[0] == Corner(row=-56, column=-82)
    assert windows[1] == Corner(row=-56, column=-82 + 176)
    assert windows[-1] == Corner(row=-56 + 6 * 176, column=-82 + 8 * 176)


@given(rows=st.integers(1, 1300), columns=st.integers(1, 1600))
def test_tiles_lie_side_by_side_inside_the_scene(rows: int, columns: int) -> None:
    tiles = training_tiles(rows, columns)
    assert len(tiles) == (rows // TILE) * (columns // TILE)
    assert len({(tile.row, tile.column) for tile in tiles}) == len(tiles)
    for tile in tiles:
        assert 0 <= tile.row <= rows - TILE
        assert 0 <= tile.column <= columns - TILE
        assert (tile.row - tiles[0].row) % TILE == (tile.column - tiles[0].column) % TILE == 0


@pytest.mark.parametrize(("rows", "columns"), [(1200, 1500), (1198, 1500), (1, 1), (176, 177), (255, 512), (700, 300)])
def test_windows_cut_and_stitched_give_the_scene_back(rows: int, columns: int) -> None:
    plane = np.random.default_rng(0).random((rows, columns))
    windows = np.stack([cut(plane, corner) for corner in inference_windows(rows, columns)])
    assert windows.shape[1:] == (TILE, TILE)
    assert np.array_equal(stitch(windows, rows, columns), plane)


def test_no_pixel_of_the_result_is_nearer_than_40_to_the_edge_of_its_window() -> None:
    distance = np.minimum(np.arange(TILE), np.arange(TILE)[::-1])
    windows = np.broadcast_to(np.minimum.outer(distance, distance), (63, TILE, TILE))
    assert stitch(windows, 1200, 1500).min() == (TILE - STRIDE) // 2


def test_outside_the_scene_is_zero() -> None:
    window = cut(np.ones((100, 300, 2)), Corner(row=-56, column=200))
    assert window.shape == (TILE, TILE, 2)
    assert window.sum() == 100 * 100 * 2
    assert window[56, 99, 1] == 1
    assert window[55, 99, 1] == window[56, 100, 1] == 0
