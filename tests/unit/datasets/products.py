"""A small synthetic level-1 product with the form, the packing and the attribute traps of a real one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

NAME = "S3A_SL_1_RBT____20210827T074336_20210827T074636_20210827T094954_0179_075_320_3060_LN2_O_NR_004.SEN3"
ROWS, COLUMNS = 40, 96
TRACK, START = 60, 20437
IRRADIANCE = (1800.0, 1490.0, 940.0, 360.0, 240.0, 76.0)
RADIANCE_STEP = (0.02, 0.02, 0.015, 0.005, 0.003, 0.001)
"""Scale factors of the packed radiances in mW m-2 sr-1 nm-1."""


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What the product was made from. Shape suffixes: H rows, W columns, C channels."""

    refs: NDArray[np.float64]
    """Reflectances_HWC on the 1 km grid."""

    bts: NDArray[np.float64]
    """Brightness temperatures_HWC in kelvin; NaN where fill."""

    mu0: NDArray[np.float64]
    """Cosine of the solar zenith_HW on the 1 km grid."""

    bayes: NDArray[np.uint8]
    """Label bytes_HW."""

    confidence: NDArray[np.uint16]
    """Confidence words_HW."""


def zenith_deg(row: NDArray[np.float64], column_km: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the solar zenith of a row from the scene's first and of a distance from the track: a plane."""
    return 35 + 0.02 * row - 0.02 * column_km


def make_product(
    folder: Path, *, radiances: bool = True, seed: int = 0, rows: int = ROWS, columns: int = COLUMNS
) -> Truth:
    """Write a product into a new folder and return what it was made from."""
    folder.mkdir(parents=True)
    truth = _truth(np.random.default_rng(seed), rows, columns)
    for channel, band in enumerate(("S7", "S8", "S9")):
        with _file(folder / f"{band}_BT_in.nc", 1000, TRACK, START) as file:
            _packed(file, f"{band}_BT_in", truth.bts[..., channel], 0.01, 283.73)
            file[f"{band}_exception_in"] = np.where(np.isnan(truth.bts[..., channel]), 128, 0).astype("u1")
    with _file(folder / "flags_in.nc", 1000, TRACK, START) as file:
        file["bayes_in"], file["confidence_in"] = truth.bayes, truth.confidence
    _write_geometry(folder, rows, columns)
    for channel in range(6):
        _write_solar(folder, channel, truth, radiances=radiances)
    return truth


def _truth(rng: np.random.Generator, height: int, width: int) -> Truth:
    rows, columns = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    bts = rng.uniform(220, 310, (height, width, 3))
    bts[:, :4] = np.nan
    confidence = rng.choice([0, 1 << 14], (height, width)).astype("u2") | np.uint16(1 << 10)
    confidence[:, :4] = 1 << 5
    bayes = rng.choice([0, 1, 2, 3], (height, width)).astype("u1")
    bayes[:, :4] = 0
    # The centre of a two-by-two block of 500 m pixels, against 1 km columns and rows.
    mu0 = np.cos(np.deg2rad(zenith_deg(rows + (START * 2 - 1 + 0.5) / 2 - START, columns - TRACK + 0.25)))
    refs = rng.uniform(0.02, 0.9, (height, width, 6))
    return Truth(refs=refs, bts=bts, mu0=mu0, bayes=bayes, confidence=confidence)


def _file(path: Path, metres: int, track: int, start: int, across_m: int | None = None) -> h5py.File:
    file = h5py.File(path, "w")
    file.attrs["resolution"] = np.bytes_(f"[ {across_m or metres} {metres} ]")
    file.attrs["track_offset"] = np.array([track], "i4")
    file.attrs["start_offset"] = np.array([start], "i4")
    return file


def _packed(file: h5py.File, name: str, values: NDArray[np.float64], scale: float, offset: float) -> None:
    raw = np.where(np.isnan(values), -32768, np.round((values - offset) / scale)).astype("i2")
    variable = file.create_dataset(name, data=raw, compression="gzip", shuffle=True)
    variable.attrs["scale_factor"] = np.array([scale])
    variable.attrs["add_offset"] = np.array([offset])
    variable.attrs["_FillValue"] = np.array([-32768], "i2")


def _write_geometry(folder: Path, height: int, width: int) -> None:
    ties, track = max(12, 8 + width // 16), 5
    rows, columns = np.meshgrid(np.arange(height, dtype=float), np.arange(ties), indexing="ij")
    zenith = zenith_deg(rows, (columns - track) * 16.0)
    zenith[:, :1] = np.nan
    with _file(folder / "geometry_tn.nc", 1000, track, START, across_m=16000) as file:
        file["solar_zenith_tn"] = zenith
        file["solar_zenith_tn"].attrs["_FillValue"] = np.array([np.nan])


def _write_solar(folder: Path, channel: int, truth: Truth, *, radiances: bool) -> None:
    band = f"S{channel + 1}"
    with _file(folder / f"{band}_quality_an.nc", 500, TRACK * 2, START * 2 - 1) as file:
        file[f"{band}_solar_irradiance_an"] = np.full(4, IRRADIANCE[channel])
    if not radiances:
        return
    radiance = truth.refs[..., channel] * IRRADIANCE[channel] * truth.mu0 / np.pi
    # Four pixels of 500 m whose mean is the pixel of 1 km.
    fine = (
        np.kron(radiance, np.ones((2, 2)))
        + np.kron(np.ones(radiance.shape), [[0.1, -0.1], [-0.1, 0.1]]) * radiance.mean()
    )
    fine[:, :8] = np.nan
    with _file(folder / f"{band}_radiance_an.nc", 500, TRACK * 2, START * 2 - 1) as file:
        _packed(file, f"{band}_radiance_an", fine, RADIANCE_STEP[channel], 0.0)
