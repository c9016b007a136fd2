"""Convert one Sentinel-3 SLSTR level-1 product to the layout of the data set.

    python -m datasets.slstr_cloud.convert_sen3 S3A_SL_1_RBT____….SEN3 OUT.hdf

Reflectance is pi L / (E0 mu0), with the solar irradiance E0 and the cosine of the solar zenith mu0 of the product,
after averaging the 500 m pixels two by two. A product without the radiances of S1 to S6 becomes a scene without
`rads` and `refs`; the attribute `reflectances` says so. `valid` tells what was seen from what was never filled.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from datasets.common.failures import DataError, failing_politely, say
from datasets.common.files import require_writable
from datasets.slstr_cloud import sen3
from datasets.slstr_cloud.archive import PRODUCT_NAME, Product, open_product, product_name
from datasets.slstr_cloud.scene import Scene, write_scene

LABEL_BITS = 0b1111
UNFILLED_LABEL = 255
ABSENT = "absent: the product holds no S1 to S6 radiances"
CALIBRATION = {"S1": 0.97, "S2": 0.98, "S3": 0.98, "S4": 1.0, "S5": 1.11, "S6": 1.13}
"""Vicarious factors on the nadir radiances of products before baseline 005 (notice S3.PN-SLSTR-L1.10)."""

CALIBRATED_BASELINE = 5


def convert(folder: Product, *, calibrate: bool = False) -> Scene:
    """Return the scene of a product; `calibrate` applies the vicarious factors to old baselines.

    Raises DataError where a file is missing or damaged, or the label plane cannot be used.
    """
    bts, cosmetic = sen3.read_temperatures(folder)
    bayes, confidence = sen3.read_flags(folder)
    if not bayes.shape == confidence.shape == bts.shape[:2]:
        raise DataError(
            f"{folder}: expected flags of shape {bts.shape[:2]}, found {bayes.shape}, {confidence.shape} — "
            "fetch the product again"
        )
    valid = valid_pixels(bts, bayes, confidence, where=f"{folder}/flags_in.nc")
    night = float((confidence[valid] & sen3.DAY > 0).mean()) < 0.5
    name = name_of(folder)
    attributes = describe(name)
    old = calibrate and baseline(name, where=str(folder)) < CALIBRATED_BASELINE
    dark = confidence & (sen3.DAY if night else sen3.DAY | sen3.UNFILLED) == 0
    rads, refs = sunlight(folder, dark, night=night, factors=CALIBRATION if old else None)
    if refs is None:
        attributes["reflectances"] = ABSENT
    attributes["cosmetic_share"] = float(cosmetic.mean())
    attributes["illumination"] = "night" if night else "day"
    return Scene(
        bts=bts,
        rads=rads,
        refs=refs,
        bayes=np.where(valid, bayes, 0).astype(np.uint8)[..., None],
        summary=((confidence & sen3.SUMMARY_CLOUD > 0) & valid).astype(np.int64)[..., None],
        valid=valid.astype(np.uint8)[..., None],
        quality=quality(bts, bayes, confidence, cosmetic)[..., None],
        attributes=attributes,
    )


def quality(
    bts: NDArray[np.float32], bayes: NDArray[np.uint8], confidence: NDArray[np.uint16], cosmetic: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Return quality_HW: 1 fill, 2 cosmetic (copied from a neighbour), 4 duplicate, 8 a label with spare bits."""
    fill = ~np.isfinite(bts).all(-1) | (confidence & sen3.UNFILLED > 0)
    copied = cosmetic | (confidence & sen3.COSMETIC_FILL > 0)
    planes = (fill, copied, confidence & sen3.DUPLICATE > 0, bayes > LABEL_BITS)
    return np.sum([flag.astype(np.uint8) << bit for bit, flag in enumerate(planes)], axis=0, dtype=np.uint8)


def sunlight(
    folder: Product, dark: NDArray[np.bool_], *, night: bool, factors: dict[str, float] | None
) -> tuple[NDArray[np.float32] | None, NDArray[np.float64] | None]:
    """Return rads_HWC and refs_HWC; (None, None) by day without radiances.

    A frame may cross the terminator: what is missing where it is dark reflects 0, and NaN where there is sun, whichever
    of the two most of the frame is.

    Args:
        folder: the product.
        dark: dark_HW, where the sun is down.
        night: whether most of the frame is dark.
        factors: by band, on the radiances; None for 1.

    Raises DataError where the radiances of a day hold no number.
    """
    if not sen3.has_radiances(folder, night=night):
        return None, np.where(dark[..., None], np.zeros(len(sen3.SOLAR)), np.nan) if night else None
    rads, refs = reflectances(folder, dark.shape, factors or dict.fromkeys(sen3.SOLAR, 1.0))
    empty = [band for band, seen in zip(sen3.SOLAR, np.isfinite(rads).any((0, 1)), strict=True) if not seen]
    if empty and not night:
        raise DataError(f"{folder}: {', '.join(empty)}: expected radiances by day, found fill only — fetch it again")
    refs[dark[..., None] & np.isnan(refs)] = 0.0
    return None if empty else rads, refs


def valid_pixels(
    bts: NDArray[np.float32], bayes: NDArray[np.uint8], confidence: NDArray[np.uint16], *, where: str
) -> NDArray[np.bool_]:
    """Return valid_HW: filled, finite in S7 to S9, and with a label that can be one.

    A byte above 15 sets spare bits and is no label. Raises DataError where no pixel has a label.
    """
    if (bayes == UNFILLED_LABEL).all():
        raise DataError(
            f"{where}: bayes_in: expected cloud flags, found 255 in every pixel — the plane was never filled, "
            "so the product has no labels; use another processing of it"
        )
    label = bayes <= LABEL_BITS
    finite = np.isfinite(bts)
    seen = finite.all(-1) & (confidence & sen3.UNFILLED == 0)
    if not (label & seen).any():
        empty = [band for band, any_seen in zip(sen3.THERMAL, finite.any((0, 1)), strict=True) if not any_seen]
        of = f" ({', '.join(empty)}: fill only)" if empty else ""
        raise DataError(
            f"{where}: expected labelled pixels, found none that is filled and has a label{of} — use another scene"
        )
    return label & seen


def reflectances(
    folder: Product, shape: tuple[int, int], factors: dict[str, float]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return rads_HWC in mW m-2 sr-1 nm-1 and refs_HWC of S1 to S6, NaN where fill."""
    rads, refs = np.empty((*shape, 6), np.float32), np.empty((*shape, 6), np.float64)
    for channel, band in enumerate(sen3.SOLAR):
        radiance, relative, grid = sen3.read_radiance(folder, band)
        if radiance.shape != shape:
            raise DataError(
                f"{folder}: {band}: expected {shape} pixels of 1 km, found {radiance.shape} — fetch the product again"
            )
        mu0 = sen3.read_solar_cosine(folder, grid, shape)
        rads[..., channel] = radiance * factors[band]
        refs[..., channel] = np.pi * factors[band] * relative / mu0
    return rads, refs


def name_of(folder: Product) -> str:
    """Return the product's name with `.SEN3`: what it is called, else what its files call it, else the folder's."""
    stated = PRODUCT_NAME.match(sen3.read_name(folder))
    found = product_name(folder) or (stated and stated[0])
    return f"{found}.SEN3" if found else folder.name


def baseline(name: str, *, where: str) -> int:
    """Return the processing baseline, the last number of the product's name.

    Raises DataError where the name has none: factors must not be applied twice.
    """
    found = re.search(r"_(\d{3})(?:\.SEN3)?$", name)
    if not found:
        raise DataError(f"{where}: expected a name that ends in the baseline, found {name} — rename it back")
    return int(found[1])


def describe(name: str) -> dict[str, object]:
    """Return the attributes of the scene of a product: where it comes from and whom to thank."""
    year = re.search(r"_(20\d\d)\d{4}T", name)
    attribution = "Contains modified Copernicus Sentinel data" + (f" {year[1]}" if year else "")
    return {"simulated": 0, "source": name, "attribution": attribution}


def main(argv: Sequence[str] | None = None) -> int:
    """Convert one product. Exit codes: 0 written, 2 usage, 3 the product or the disk is at fault."""
    parser = argparse.ArgumentParser(prog="python -m datasets.slstr_cloud.convert_sen3", description=main.__doc__)
    parser.add_argument("product", type=Path, help="folder whose name ends in .SEN3, or a zip of one")
    parser.add_argument("out", type=Path, help="file to write, for example S3A….hdf")
    parser.add_argument(
        "--calibrate", action="store_true", help="apply the S1-S6 factors that baselines before 005 lack"
    )
    options = parser.parse_args(argv)
    with failing_politely():
        require_writable(options.out, is_scene, "a scene", option="")
        with open_product(options.product.absolute()) as folder:
            scene = convert(folder, calibrate=options.calibrate)
        write_scene(options.out, scene)
        report(options.out, scene)
    return 0


def is_scene(path: Path) -> bool:
    """Tell whether a file is a scene, and neither a product's own file nor a zip of one."""
    try:
        with h5py.File(path, "r") as file:
            return "bts" in file
    except OSError:
        return False


def report(path: Path, scene: Scene) -> None:
    """Say what was written."""
    assert scene.valid is not None
    seen = scene.valid[..., 0] > 0
    shares = (
        f"bayes {np.mean(scene.bayes[seen] > 0):.2%}, summary {np.mean(scene.summary[seen] > 0):.2%} of valid pixels"
    )
    say(f"{path}: {seen.shape[0]}×{seen.shape[1]} pixels, {1 - seen.mean():.2%} fill; cloud: {shares}")
    if scene.refs is None:
        say(f"{path}: reflectances {ABSENT}; only a model of the three brightness temperatures can read the scene")
    say(str(scene.attributes["attribution"]))


if __name__ == "__main__":
    sys.exit(main())
