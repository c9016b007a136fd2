"""Read one Sentinel-3 SLSTR level-1 product (a `.SEN3` folder of netCDF-4 files) with plain h5py.

Traps of these files: numeric attributes are arrays of one element, text attributes are bytes, integers are packed with
scale and offset, `bayes_in` has no fill value, and a pixel that was never filled carries label 0, which reads as clear.

Shape suffixes: H rows and W columns at 1 km, T tie columns, C channels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from datasets.common.failures import DataError

THERMAL = ("S7", "S8", "S9")
SOLAR = ("S1", "S2", "S3", "S4", "S5", "S6")
UNFILLED = 1 << 5
SUMMARY_CLOUD = 1 << 14
"""Bits of `confidence_in`."""

COSMETIC = 1 << 1
"""Bit of `S?_exception_in`: the pixel was absent and copied from its neighbour."""

Real = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Where an image lies: its first row and its track column, in steps of its resolution from the orbit's start."""

    start: float
    """First row, in pixels from the ascending node."""

    track: float
    """Column of the ground track."""

    row_m: float
    """Size of a pixel along the track in metres."""

    column_m: float
    """Size of a pixel across the track in metres."""


@contextmanager
def opened(folder: Path, name: str) -> Iterator[h5py.File]:
    """Open one file of the product. Raises DataError where it is missing or damaged."""
    path = folder / name
    if not path.is_file():
        raise DataError(f"{path}: expected this file of the product, found none — fetch the whole product")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except OSError as error:
        raise DataError(f"{path}: expected a readable netCDF-4 file, found: {error} — fetch it again") from None
    except KeyError as error:
        raise DataError(f"{path}: expected a variable that is not there: {error.args[0]}") from None


def scalar(attribute: Any) -> float:
    """Return a numeric attribute, which netCDF writes as an array of one element."""
    return float(np.ravel(attribute)[0])


def text(attribute: Any) -> str:
    """Return a text attribute, which may be bytes."""
    value = np.ravel(attribute)[0] if isinstance(attribute, np.ndarray) else attribute
    return value.decode("ascii") if isinstance(value, bytes) else str(value)


def unpack(variable: h5py.Dataset) -> Real:
    """Return a packed variable in its unit: raw * scale_factor + add_offset, NaN where it is fill."""
    raw = variable[...]
    attributes = variable.attrs
    values = raw * scalar(attributes.get("scale_factor", 1.0)) + scalar(attributes.get("add_offset", 0.0))
    if "_FillValue" in attributes:
        values[raw == np.ravel(attributes["_FillValue"])[0]] = np.nan
    return values


def grid_of(file: h5py.File) -> Grid:
    """Return the grid of a file from its global attributes; `resolution` reads like "[ 500 500 ]", columns first."""
    column_m, row_m = (float(number) for number in re.findall(r"[\d.]+", text(file.attrs["resolution"])))
    start, track = scalar(file.attrs["start_offset"]), scalar(file.attrs["track_offset"])
    return Grid(start=start, track=track, row_m=row_m, column_m=column_m)


def read_temperatures(folder: Path) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return bts_HWC in kelvin, NaN where fill, and cosmetic_HW: pixels copied from a neighbour in any channel."""
    channels, cosmetic = [], []
    for band in THERMAL:
        with opened(folder, f"{band}_BT_in.nc") as file:
            channels.append(unpack(file[f"{band}_BT_in"]))
            cosmetic.append(file[f"{band}_exception_in"][...] & COSMETIC > 0)
    _require_one_shape(folder, dict(zip(THERMAL, channels, strict=True)))
    return np.stack(channels, axis=-1).astype(np.float32), np.any(cosmetic, axis=0)


def read_flags(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """Return bayes_HW and confidence_HW as they are in the product."""
    with opened(folder, "flags_in.nc") as file:
        return file["bayes_in"][...], file["confidence_in"][...]


def has_radiances(folder: Path) -> bool:
    """Tell whether the product holds S1 to S6. Raises DataError where it holds some of them only."""
    missing = [band for band in SOLAR if not (folder / f"{band}_radiance_an.nc").is_file()]
    if missing and len(missing) < len(SOLAR):
        raise DataError(f"{folder}: expected radiances of all of S1 to S6 or of none, {', '.join(missing)} are missing")
    return not missing


def read_radiance(folder: Path, band: str) -> tuple[Real, Grid]:
    """Return radiance_HW of one band in mW m-2 sr-1 nm-1 on the 1 km grid, and that grid.

    The 500 m pixels are averaged two by two over what is not fill. The 500 m and 1 km grids do not nest exactly, which
    costs up to half a pixel along the scan (Bulgin 2023, surftemp/slstr-preprocessor).
    """
    with opened(folder, f"{band}_radiance_an.nc") as file:
        fine, grid = unpack(file[f"{band}_radiance_an"]), grid_of(file)
    coarse = Grid(
        # A block's centre lies half a fine pixel beyond its first pixel.
        start=(grid.start + 0.5) / 2,
        track=(grid.track - 0.5) / 2,
        row_m=grid.row_m * 2,
        column_m=grid.column_m * 2,
    )
    return mean_two_by_two(fine), coarse


def mean_two_by_two(fine: Real) -> Real:
    """Return the mean over blocks of two by two pixels, NaN left out; an odd last row or column is dropped."""
    rows, columns = (size // 2 for size in fine.shape)
    blocks = (
        fine[: rows * 2, : columns * 2].reshape(rows, 2, columns, 2).transpose(0, 2, 1, 3).reshape(rows, columns, 4)
    )
    seen = np.isfinite(blocks)
    count = seen.sum(-1)
    total = np.where(seen, blocks, 0.0).sum(-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def read_irradiance(folder: Path, band: str) -> float:
    """Return the band's solar irradiance in mW m-2 nm-1: of its quality file, else of viscal.nc (detectors, views).

    Raises DataError where neither holds a positive number.
    """
    if (folder / f"{band}_quality_an.nc").is_file():
        with opened(folder, f"{band}_quality_an.nc") as file:
            values = file[f"{band}_solar_irradiance_an"][...]
    else:
        with opened(folder, "viscal.nc") as file:
            values = file[f"{band}_solar_irradiances"][:, 0]
    values = values[np.isfinite(values)]
    if not values.size or values.mean() <= 0:
        raise DataError(f"{folder}: expected a solar irradiance of {band} above 0, found none")
    return float(values.mean())


def read_solar_cosine(folder: Path, image: Grid, shape: tuple[int, int]) -> Real:
    """Return mu0_HW on an image's grid; 1 where the sun is below the horizon, as in the converters of the real set.

    The tie grid is NaN outside the swath; a row is interpolated linearly between its finite points.
    """
    with opened(folder, "geometry_tn.nc") as file:
        zenith, tie = unpack(file["solar_zenith_tn"]), grid_of(file)
    zenith_HW = interpolate(zenith, tie, image, shape)
    return np.where(zenith_HW < 90, np.cos(np.deg2rad(zenith_HW)), 1.0)


def interpolate(tie_values: Real, tie: Grid, image: Grid, shape: tuple[int, int]) -> Real:
    """Interpolate tie_values_HT linearly to an image of a shape.

    Across the track, the nearest finite tie point holds beyond the last; along it, the last slope goes on.
    """
    columns = (np.arange(shape[1]) - image.track) * image.column_m / tie.column_m + tie.track
    rows = (np.arange(shape[0]) + image.start) * image.row_m / tie.row_m - tie.start
    across = np.full((tie_values.shape[0], shape[1]), np.nan)
    ties = np.arange(tie_values.shape[1])
    for row, values in enumerate(tie_values):
        finite = np.isfinite(values)
        if finite.any():
            across[row] = np.interp(columns, ties[finite], values[finite])
    below = np.clip(np.floor(rows).astype(int), 0, tie_values.shape[0] - 2)
    part = (rows - below)[:, None]
    return across[below] * (1 - part) + across[below + 1] * part


def _require_one_shape(folder: Path, planes: dict[str, Real]) -> None:
    shapes = {name: plane.shape for name, plane in planes.items()}
    if len(set(shapes.values())) > 1:
        raise DataError(f"{folder}: expected one shape, found {shapes}")
