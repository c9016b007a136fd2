"""Read one Sentinel-3 SLSTR level-1 product (a `.SEN3` folder of netCDF-4 files) with plain h5py.

Traps of these files: numeric attributes are arrays of one element, text attributes are bytes, integers are packed with
scale and offset, `bayes_in` has no fill value, and a pixel that was never filled carries label 0, which reads as clear.

Shape suffixes: H rows and W columns at 1 km, T tie columns, C channels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from datasets.common.failures import DataError
from datasets.slstr_cloud.archive import Product, stream

THERMAL = ("S7", "S8", "S9")
SOLAR = ("S1", "S2", "S3", "S4", "S5", "S6")
UNFILLED = 1 << 5
COSMETIC_FILL = 1 << 8
DUPLICATE = 1 << 9
DAY = 1 << 10
SUMMARY_CLOUD = 1 << 14
"""Bits of `confidence_in`."""

COSMETIC = 1 << 1
"""Bit of `S?_exception_in`: the pixel was absent and copied from its neighbour."""

PLANE_LIMIT = 512 << 20
"""Bytes of one plane at most; 2400 by 3000 pixels of 500 m take 14 MB, and a small file can claim any number."""

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
def opened(folder: Product, name: str) -> Iterator[h5py.File]:
    """Open one file of the product, a folder or a zip, whose path every fault of the body names, too.

    Raises DataError where it is missing or damaged, or what is read in the body is.
    """
    path = folder / name
    if not path.is_file():
        raise DataError(f"{path}: expected this file of the product, found none — fetch the whole product")
    try:
        with h5py.File(path if isinstance(path, Path) else stream(path), "r") as file:
            yield file
    except DataError as fault:
        raise DataError(f"{path}: {fault}") from None
    except (OSError, RuntimeError) as error:
        raise DataError(f"{path}: expected a readable netCDF-4 file, found: {error} — fetch it again") from None
    except KeyError as error:
        missing = error.args[0]
        raise DataError(f"{path}: expected a variable that is not there: {missing} — fetch it again") from None
    except (IndexError, TypeError, ValueError) as error:
        # A group for a variable, text for a number, fewer axes: h5py and NumPy have a word of their own for each.
        raise DataError(
            f"{path}: expected the variables of a level-1 product, found: {error} — fetch it again"
        ) from None


def plane(file: h5py.File, name: str, kind: str) -> h5py.Dataset:
    """Return a variable after a look at its form: two axes and a dtype such as "u1", in any order of bytes.

    Raises DataError where it is absent, has another form, or claims more pixels than an orbit has.
    """
    if name not in file:
        found = ", ".join(sorted(file)) or "nothing"
        raise DataError(f"{name}: expected this variable, found {found} — fetch the product again")
    variable = file[name]
    if not isinstance(variable, h5py.Dataset):
        raise DataError(f"{name}: expected a variable, found a group — fetch the product again")
    if variable.dtype.newbyteorder("=") != np.dtype(kind) or variable.ndim != 2:
        raise DataError(
            f"{name}: expected {np.dtype(kind)} with two axes, found {variable.dtype} of shape {variable.shape} — "
            "this is no variable of a level-1 product; fetch it again"
        )
    if variable.nbytes > PLANE_LIMIT:
        raise DataError(
            f"{name}: expected at most {PLANE_LIMIT >> 20} MiB, found shape {variable.shape} — fetch the product again"
        )
    return variable


def packed(file: h5py.File, name: str) -> Real:
    """Return a packed plane in its unit, NaN where it is fill.

    Raises DataError where it is no plane of packed 16-bit integers, or lacks its scale, offset or fill value.
    """
    variable = plane(file, name, "i2")
    missing = [key for key in ("scale_factor", "add_offset", "_FillValue") if key not in variable.attrs]
    if missing:
        raise DataError(
            f"{name}: expected the attributes scale_factor, add_offset and _FillValue, {', '.join(missing)} missing — "
            "without them the integers have no unit; fetch the product again"
        )
    return unpack(variable)


def scalar(attribute: Any) -> float:
    """Return a numeric attribute, which netCDF writes as an array of one element."""
    return float(np.ravel(attribute)[0])


def text(attribute: Any) -> str:
    """Return a text attribute, which may be bytes."""
    value = np.ravel(attribute)[0] if isinstance(attribute, np.ndarray) else attribute
    return value.decode("ascii") if isinstance(value, bytes) else str(value)


def unpack(variable: h5py.Dataset) -> Real:
    """Return a packed variable in its unit: raw * scale_factor + add_offset, NaN where it is fill or out of its range.

    What is missing is told by any of `_FillValue`, `missing_value`, `valid_min`, `valid_max` and `valid_range`, which
    speak of the packed numbers; `_Unsigned` says of signed ones that they stand for unsigned ones. Source: the netCDF
    User's Guide, Attribute Conventions.
    """
    raw, attributes = variable[...], variable.attrs
    unsigned = raw.dtype.kind == "i" and text(attributes.get("_Unsigned", "")).lower() == "true"
    if unsigned:
        raw = raw.view(raw.dtype.str.replace("i", "u"))
    values = raw * scalar(attributes.get("scale_factor", 1.0)) + scalar(attributes.get("add_offset", 0.0))

    def stated(name: str) -> NDArray[Any]:
        numbers = np.ravel(attributes[name]) if name in attributes else np.zeros(0, raw.dtype)
        return numbers.astype(raw.dtype) if unsigned and numbers.dtype.kind == "i" else numbers

    for fill in (*stated("_FillValue"), *stated("missing_value")):
        values[raw == fill] = np.nan
    for least in (*stated("valid_min"), *stated("valid_range")[:1]):
        values[raw < least] = np.nan
    for most in (*stated("valid_max"), *stated("valid_range")[1:]):
        values[raw > most] = np.nan
    return values


def grid_of(file: h5py.File) -> Grid:
    """Return the grid of a file from its global attributes; `resolution` reads like "[ 500 500 ]", columns first."""
    stated = text(file.attrs["resolution"])
    numbers = [float(number) for number in re.findall(r"\d+(?:\.\d+)?", stated)]
    if len(numbers) != 2 or min(numbers) <= 0:
        raise DataError(f'resolution: expected two lengths like "[ 500 500 ]", found {stated!r} — fetch it again')
    column_m, row_m = numbers
    start, track = scalar(file.attrs["start_offset"]), scalar(file.attrs["track_offset"])
    return Grid(start=start, track=track, row_m=row_m, column_m=column_m)


def read_temperatures(folder: Product) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return bts_HWC in kelvin, NaN where fill, and cosmetic_HW: pixels copied from a neighbour in any channel."""
    channels, cosmetic = [], []
    for band in THERMAL:
        with opened(folder, f"{band}_BT_in.nc") as file:
            channels.append(packed(file, f"{band}_BT_in"))
            cosmetic.append(plane(file, f"{band}_exception_in", "u1")[...] & COSMETIC > 0)
    _require_one_shape(folder, dict(zip(THERMAL, channels, strict=True)))
    _require_one_shape(
        folder, {"S7_BT_in": channels[0], **{f"{b}_exception_in": c for b, c in zip(THERMAL, cosmetic, strict=True)}}
    )
    return np.stack(channels, axis=-1).astype(np.float32), np.any(cosmetic, axis=0)


def read_flags(folder: Product) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """Return bayes_HW and confidence_HW as they are in the product."""
    with opened(folder, "flags_in.nc") as file:
        return plane(file, "bayes_in", "u1")[...], plane(file, "confidence_in", "u2")[...]


def read_name(folder: Product) -> str:
    """Return what the files of the product call it; "" where they do not say."""
    with opened(folder, "flags_in.nc") as file:
        return text(file.attrs.get("product_name", ""))


def has_radiances(folder: Product, *, night: bool = False) -> bool:
    """Tell whether the product holds S1 to S6; by night, the processor leaves out some or all of them.

    Raises DataError where it holds some of them only, and it is day.
    """
    missing = [band for band in SOLAR if not (folder / f"{band}_radiance_an.nc").is_file()]
    if missing and len(missing) < len(SOLAR) and not night:
        raise DataError(f"{folder}: expected radiances of all of S1 to S6 or of none, {', '.join(missing)} are missing")
    return not missing


def read_radiance(folder: Product, band: str) -> tuple[Real, Real, Grid]:
    """Return radiance_HW of one band in mW m-2 sr-1 nm-1 on the 1 km grid, radiance_HW over irradiance, and that grid.

    The 500 m pixels are averaged two by two over what is not fill. The 500 m and 1 km grids do not nest exactly, which
    costs up to half a pixel along the scan (Bulgin 2023, surftemp/slstr-preprocessor). Where the irradiances of the
    detectors differ, each pixel is divided by that of its own detector before the mean.
    """
    with opened(folder, f"{band}_radiance_an.nc") as file:
        fine, grid = packed(file, f"{band}_radiance_an"), grid_of(file)
    irradiance = read_irradiance(folder, band)
    coarse = Grid(
        # A block's centre lies half a fine pixel beyond its first pixel.
        start=(grid.start + 0.5) / 2,
        track=(grid.track - 0.5) / 2,
        row_m=grid.row_m * 2,
        column_m=grid.column_m * 2,
    )
    radiance = mean_two_by_two(fine)
    if np.ptp(irradiance) == 0 or not (folder / "indices_an.nc").is_file():
        return radiance, radiance / irradiance.mean(), coarse
    return radiance, mean_two_by_two(fine / irradiance_of_pixels(folder, irradiance, fine.shape)), coarse


def irradiance_of_pixels(folder: Product, irradiance: Real, shape: tuple[int, ...]) -> Real:
    """Return the irradiance_HW of each 500 m pixel by its detector; the mean where no detector saw it.

    Raises DataError where the plane of detectors has another shape.
    """
    with opened(folder, "indices_an.nc") as file:
        detector = plane(file, "detector_an", "u1")[...]
    if detector.shape != shape:
        raise DataError(
            f"{folder}: detector_an: expected shape {shape}, found {detector.shape} — fetch the product again"
        )
    known = detector < len(irradiance)
    return np.where(known, irradiance[np.where(known, detector, 0)], irradiance.mean())


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


def read_irradiance(folder: Product, band: str) -> Real:
    """Return the band's solar irradiance by detector in mW m-2 nm-1: of its quality file, else of viscal.nc, nadir.

    Raises DataError where neither holds positive numbers.
    """
    if (folder / f"{band}_quality_an.nc").is_file():
        with opened(folder, f"{band}_quality_an.nc") as file:
            values = np.asarray(file[f"{band}_solar_irradiance_an"][...], np.float64).ravel()
    else:
        with opened(folder, "viscal.nc") as file:
            values = np.asarray(file[f"{band}_solar_irradiances"][:, 0], np.float64)
    finite = values[np.isfinite(values)]
    if not finite.size or finite.min() <= 0:
        raise DataError(f"{folder}: expected a solar irradiance of {band} above 0, found none — fetch it again")
    return np.where(np.isfinite(values), values, finite.mean())


def read_solar_cosine(folder: Product, image: Grid, shape: tuple[int, int]) -> Real:
    """Return mu0_HW on an image's grid; 1 where the sun is below the horizon, as in the converters of the real set.

    The tie grid is NaN outside the swath; a row is interpolated linearly between its finite points. Where a row has
    none, the sun is unknown, and mu0 is NaN: any number would make a reflectance that nobody can tell from a true one.

    Raises DataError where the tie grid holds no angle, is too small to interpolate in, or lies elsewhere.
    """
    with opened(folder, "geometry_tn.nc") as file:
        zenith, tie = unpack(plane(file, "solar_zenith_tn", "f8")), grid_of(file)
    zenith[~((zenith >= 0) & (zenith <= 180))] = np.nan  # what netCDF puts where nothing was written is no angle
    if min(zenith.shape) < 2 or not np.isfinite(zenith).any():
        raise DataError(
            f"{folder}: solar_zenith_tn: expected a tie grid of numbers, found "
            f"{np.isfinite(zenith).sum()} in a shape of {zenith.shape} — fetch geometry_tn.nc again"
        )
    _require_cover(folder, zenith.shape, tie, image, shape)
    zenith_HW = interpolate(zenith, tie, image, shape)
    return np.where(zenith_HW >= 90, 1.0, np.cos(np.deg2rad(zenith_HW)))


def interpolate(tie_values: Real, tie: Grid, image: Grid, shape: tuple[int, int]) -> Real:
    """Interpolate tie_values_HT linearly to an image of a shape.

    Across the track, the nearest finite tie point holds beyond the last; along it, the last slope goes on.
    """
    rows, columns = places(tie, image, shape)
    across = np.full((tie_values.shape[0], shape[1]), np.nan)
    ties = np.arange(tie_values.shape[1])
    for row, values in enumerate(tie_values):
        finite = np.isfinite(values)
        if finite.any():
            across[row] = np.interp(columns, ties[finite], values[finite])
    below = np.clip(np.floor(rows).astype(int), 0, tie_values.shape[0] - 2)
    part = (rows - below)[:, None]
    return across[below] * (1 - part) + across[below + 1] * part


def places(tie: Grid, image: Grid, shape: tuple[int, int]) -> tuple[Real, Real]:
    """Return where rows and columns of an image of a shape lie among those of a tie grid, whose first is 0."""
    rows = (np.arange(shape[0]) + image.start) * image.row_m / tie.row_m - tie.start
    return rows, (np.arange(shape[1]) - image.track) * image.column_m / tie.column_m + tie.track


def _require_cover(folder: Product, ties: tuple[int, ...], tie: Grid, image: Grid, shape: tuple[int, int]) -> None:
    """Raise DataError where an image reaches beyond the tie points by more than these lie apart at most."""
    most_m = max(tie.row_m, tie.column_m)
    steps = zip(("rows", "columns"), places(tie, image, shape), ties, (tie.row_m, tie.column_m), strict=True)
    for axis, where, count, step_m in steps:
        beyond = most_m / step_m
        if not (where[0] >= -beyond and where[-1] <= count - 1 + beyond):
            raise DataError(
                f"{folder}: solar_zenith_tn: expected tie points all over the image, found {count} {axis} of them, "
                f"of which it is at {where[0]:g} to {where[-1]:g} — geometry_tn.nc is of another product or a part of "
                "one; fetch it again"
            )


def _require_one_shape(folder: Product, planes: Mapping[str, NDArray[Any]]) -> None:
    shapes = {name: values.shape for name, values in planes.items()}
    if len(set(shapes.values())) > 1:
        raise DataError(f"{folder}: expected one shape, found {shapes} — fetch the product again")
