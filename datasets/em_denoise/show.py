"""Draw pairs of a set of micrographs, or micrographs: `python -m datasets.em_denoise.show FOLDER|FILE [--out PNG]`.

FOLDER is a set, its `train` or `test`, or holds grey pictures; FILE is one of a set, or a picture. Pictures and lone
files have no clean image beside them, and are shown alone.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from datasets.common.failures import DataError
from datasets.common.files import reading
from datasets.common.page import FILL_KEY, GREY_RAMP, Bar, Panel, Ramp, Row, nice_bar
from datasets.common.pictures import HDF5, PICTURES, below, holds, image, read_picture, stack
from datasets.common.sheet import Samples, described, manifest_of, show, so_many
from datasets.common.tones import enlarged, grey, limits, means, short, step_to_fit
from datasets.em_denoise.specimen import CLASSES

HERE = Path(__file__).parent
USUAL = 2
NOISE, CLEAN, TRUTH = (f"graphene_{kind}.h5" for kind in ("img_noise", "img_clean", "truth"))
KEY = "images"
LARGEST, LEAST = 256, 128
"""Pixels of the longer side of a picture."""

IN_A_ROW = 3
NM_PER_ANG = 0.1
SPREAD = "white and black are at the 0.5th and 99.5th percentiles"

UNITS = {"of vacuum": "intensity over that of the vacuum", "grey levels": "grey levels from 0 to 255"}
"""Units of simulated sets, as below a picture and in a sentence."""

Image = NDArray[np.float64]


def fits(path: Path) -> bool:
    """Tell by names and keys whether a folder or file is of this data set."""
    if path.is_file():
        return path.name in (NOISE, CLEAN) or (holds(path, KEY) and not holds(path, "labels"))
    return bool(below(path, NOISE) or below(path, CLEAN))


def samples(root: Path, count: int, split: str) -> Samples:
    """Return rows of the first pairs: noisy, clean, and their difference; of micrographs alone where there is no pair.

    Raises:
        DataError: there is neither.
    """
    chosen = _chosen(root, split)
    if len(chosen) > 1 or chosen[0].suffix.lower() not in HDF5:
        return _micrographs(chosen, count)
    noise, clean = chosen[0].with_name(NOISE), chosen[0].with_name(CLEAN)
    return _pairs(noise, clean, count) if noise.is_file() and clean.is_file() else _stack(chosen[0], count)


def _chosen(root: Path, split: str) -> list[Path]:
    """Return the one file of images that is shown, or the pictures."""
    if root.is_file():
        if root.suffix.lower() not in HDF5 + PICTURES:
            known = ", ".join(HDF5 + PICTURES)
            raise DataError(f"{root}: expected a file of images ({known}), found another — name one, or a folder")
        if root.name == TRUTH:
            raise DataError(f"{root}: expected a file of images, found the truth behind them — name {NOISE} beside it")
        return [root]
    found = below(root, NOISE) or below(root, CLEAN)
    if found:
        return ([path for path in found if path.parent.name == split] or found)[:1]
    pictures = sorted(path for path in root.iterdir() if path.suffix.lower() in PICTURES and path.is_file())
    if pictures:
        return pictures
    expected = f"{NOISE} and {CLEAN} in train or test, or grey pictures"
    raise DataError(f"{root}: expected {expected}, found neither — simulate or download the set first")


def _pairs(noise: Path, clean: Path, count: int) -> Samples:
    unit, title = _unit(noise)
    with ExitStack() as files:  # each is looked into before the next is open, which else would get its faults
        noisy, true = (stack(files.enter_context(reading(path)), KEY) for path in (noise, clean))
        if noisy.shape[1:3] != true.shape[1:3]:
            raise ValueError(f"{KEY}: expected pairs of one shape, found {noisy.shape} and {true.shape}")
        total, truth = min(len(noisy), len(true)), _truth(noise.with_name(TRUTH), min(len(noisy), len(true)))
        rows = [
            _pair(image(noisy, index), image(true, index), index, _of(truth, index), unit)
            for index in range(min(count, total))
        ]
        size = f"{noisy.shape[2]} × {noisy.shape[1]} pixels, {noisy.dtype}"
    named = f"of the split {noise.parent.name}" if noise.parent.name in ("test", "train") else f"in {noise.parent.name}"
    scale = f"Values are {UNITS[unit]}" if unit else "The unit of the values is not published"
    facts = [
        f"{so_many(len(rows), total, 'pair')} {named}: {size}.",
        f"{scale}; {SPREAD}.",
        "PSNR is over the range of the clean image; beam profile and dead pixels are part of the error.",
        *([f"Defects: {', '.join(map(_spelt, CLASSES))}; the one that dominates, and the dose."] if truth else []),
    ]
    return Samples(title, facts, rows)


def _pair(noisy: Image, true: Image, index: int, truth: dict[str, Any], unit: str) -> Row:
    off = noisy - true
    most = limits(np.abs(off), 0, 99)[1]
    seen = np.isfinite(off)
    span = float(np.ptp(true[seen])) if seen.any() else 0.0
    psnr = 10 * np.log10(span**2 / max(float(np.mean(off[seen] ** 2)), 1e-12)) if span > 0 else np.nan
    said = f"PSNR {psnr:.1f} dB" if np.isfinite(psnr) else "no PSNR: no number, or all values alike"
    pixel = truth.pop("pixel", None)
    panels = [
        _panel("noisy", noisy, limits(noisy, 0.5, 99.5), unit, pixel, said),
        _panel("clean", true, limits(true, 0.5, 99.5), unit, pixel),
        _panel("noisy - clean", off, (-most, most), unit, pixel),
    ]
    return Row(panels, ", ".join([f"pair {index}", *truth.values()]))


def _panel(
    text: str, values: Image, ends: tuple[float, float], unit: str, pixel: float | None, note: str = ""
) -> Panel:
    step = step_to_fit(values.shape, LARGEST)
    pixels, times = enlarged(grey(means(values, step), *ends), LEAST)
    low, high = (short(end) for end in ends)
    side = step / times
    bar = nice_bar(pixel * NM_PER_ANG * side, pixels.shape[1], "nm") if pixel else _bar_in_pixels(side, pixels.shape[1])
    keys = () if np.isfinite(values).all() else (FILL_KEY,)
    return Panel(text, pixels, note, bar, Ramp(GREY_RAMP, low, f"{high} {unit}".strip()), keys)


def _bar_in_pixels(side: float, width: int) -> Bar | None:
    return nice_bar(side, width, "px") if 0.3 * side * width >= 1 else None


def _stack(path: Path, count: int) -> Samples:
    """Show the images of a file that has no partner."""
    unit, title = _unit(path)
    with reading(path) as file:
        images = stack(file, KEY)
        shown = [(f"image {index}", image(images, index)) for index in range(min(count * IN_A_ROW, len(images)))]
        facts = f"{so_many(len(shown), len(images), 'image')} of {path.name}"
        size = f"{images.shape[2]} × {images.shape[1]} pixels, {images.dtype}"
    return Samples(title, [f"{facts}, {size}, without partners to compare them with; {SPREAD}."], _alone(shown, unit))


def _micrographs(paths: list[Path], count: int) -> Samples:
    shown = [(path.name, read_picture(path)) for path in paths[: count * IN_A_ROW]]
    facts = f"{so_many(len(shown), len(paths), 'picture')}, as they are; pixels of unknown size, grey levels; {SPREAD}."
    return Samples("micrographs without clean partners", [facts], _alone(shown, ""))


def _alone(shown: Sequence[tuple[str, Image]], unit: str) -> list[Row]:
    panels = [
        _panel(text, values, limits(values, 0.5, 99.5), unit, None, f"{values.shape[1]} × {values.shape[0]} pixels")
        for text, values in shown
    ]
    across = 2 if len(panels) == 4 else IN_A_ROW
    return [Row(panels[first : first + across]) for first in range(0, len(panels), across)]


def _unit(path: Path) -> tuple[str, str]:
    """Return the unit of the values, and what they are images of, by the manifest of the set."""
    found = manifest_of(HERE.name, path)
    made = found[1].get("made_by") if found else None
    if not isinstance(made, dict):
        return "", described(HERE)
    if made["options"].get("mode") == "stem":
        return "grey levels", "pairs of noisy and clean dark-field STEM images of graphene"
    return "of vacuum", described(HERE)


def _truth(path: Path, total: int) -> dict[str, NDArray[Any]]:
    """Return class, dose and pixel of every pair; nothing where the set has no truth, as the published one."""
    if not path.is_file():
        return {}
    with reading(path) as file:
        return {
            key: file[key][...]
            for key in ("class", "dose", "pixel")
            if isinstance(file.get(key), h5py.Dataset) and file[key].shape == (total,)
        }


def _of(truth: dict[str, NDArray[Any]], index: int) -> dict[str, Any]:
    """Return what is known of one pair: class and dose as text, the pixel's side in Å."""
    known: dict[str, Any] = {}
    if "class" in truth:
        number = int(truth["class"][index])
        known["class"] = _spelt(CLASSES[number]) if number < len(CLASSES) else f"class {number}"
    if "dose" in truth:
        known["dose"] = f"{short(float(truth['dose'][index]))} e/Å^2"
    if "pixel" in truth and np.isfinite(truth["pixel"][index]) and truth["pixel"][index] > 0:
        known["pixel"] = float(truth["pixel"][index])
    return known


def _spelt(name: str) -> str:
    return {"stone_wales": "Stone-Wales"}.get(name, name)


def main(argv: Sequence[str] | None = None) -> int:
    """Draw. Exit codes: 0 drawn, 2 usage, 3 no such set, or the disk refused."""
    return show(HERE.name, samples, USUAL, argv)


if __name__ == "__main__":
    sys.exit(main())
