"""Draw scenes of a set, one scene, or a product: `python -m datasets.slstr_cloud.show FOLDER|SCENE|SEN3 [--out PNG]`.

A product, a `.SEN3` folder or a zip of one, is converted in memory; nothing of it is written but the picture.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from datasets.common.failures import DataError
from datasets.common.files import reading
from datasets.common.page import FILL_KEY, RAMP_WIDTH, Panel, Ramp, Row, nice_bar
from datasets.common.pictures import MOST_PIXELS, below, holds
from datasets.common.sheet import Samples, manifest_of, show, so_many
from datasets.common.tones import FILL, enlarged, grey, limits, means, mixed, short, step_to_fit
from datasets.slstr_cloud.archive import open_product, product_name
from datasets.slstr_cloud.convert_sen3 import convert
from datasets.slstr_cloud.decoding import decode
from datasets.slstr_cloud.manifest import TESTING_FOLDERS, TRAINING_FOLDERS

HERE = Path(__file__).parent
USUAL = 2
WIDTH, LEAST = 216, 128
"""Pixels of the longer side of a picture, at most and at least."""

PIXEL_KM = 1
SCENES = "*.hdf"
LABELS = ("bayes", "summary")
SEN3, ZIP = ".SEN3", ".zip"

LEVELS = 48
"""Levels of grey of a temperature, whose means are too smooth for the few that noise needs."""

RAMP = grey(np.linspace(0, 1, RAMP_WIDTH)[None], 0, 1, LEVELS)[0]

S7, S8 = 0, 1
"""Places in `bts`."""

RED, GREEN, BLUE = 4, 2, 1
"""Places of S5, S3 and S2 in `refs`: land is green to brown, snow and ice cloud cyan, water cloud white."""

GAMMA = 0.7
FALSE_COLOUR = f"False colour: reflectances of S5, S3, S2 as red, green, blue, from 0 to 1, to the power of {GAMMA}."

CLEAR, CLOUD = (40, 66, 98), (244, 246, 248)
"""Colours of the labels."""

FOLDERS = {"train": TRAINING_FOLDERS, "test": TESTING_FOLDERS}


class Planes(NamedTuple):
    """What is drawn of a scene."""

    kelvin: NDArray[Any]
    """Brightness temperatures_HWC."""

    refs: NDArray[Any] | None
    """Reflectances_HWC."""

    labels: dict[str, NDArray[Any]]
    """Label planes_HW by name."""

    attributes: dict[str, Any]
    """Of the scene's file."""


def fits(path: Path) -> bool:
    """Tell by names and keys whether a folder or file is of this data set, or a product."""
    if _is_product(path) or (path.name.startswith("S3") and path.suffix == ".hdf"):
        return True
    if path.is_file():
        return holds(path, "bts", *LABELS)
    return bool(below(path, "S3*.hdf") or _products(path))


def samples(root: Path, count: int, split: str) -> Samples:
    """Return a row for each of the first scenes: false colour, temperature, and both labels.

    Raises:
        DataError: there is no scene and no product.
    """
    paths, named = _scenes(root, split)
    scenes = [(path, _planes(path)) for path in paths[:count]]
    attributes = [scene.attributes for _, scene in scenes]
    said = {_text(held["simulated"]) for held in attributes if "simulated" in held}
    sizes = sorted({f"{scene.kelvin.shape[1]} × {scene.kelvin.shape[0]} pixels" for _, scene in scenes})
    facts = [
        f"{so_many(len(scenes), len(paths), 'scene')}{named}: {', '.join(sizes)} of 1 km, means over blocks of pixels.",
        *([FALSE_COLOUR] if any(scene.refs is not None for _, scene in scenes) else []),
        "S7, S8: brightness temperature, 1st to 99th percentile. bayes, summary: labels; shares are of what was seen.",
    ]
    thanks = sorted({_text(held["attribution"]) for held in attributes if "attribution" in held})
    names = ["" if path == root else path.name.removesuffix(".hdf") for path, _ in scenes]
    rows = [Row(_panels(scene), name) for (_, scene), name in zip(scenes, names, strict=True)]
    return Samples(
        "Sentinel-3 SLSTR scenes with cloud masks, 1 km nadir grid",
        facts,
        rows,
        foot=tuple(f"{sentence}." for sentence in thanks),
        simulated=said == {"1"} if len(said) == 1 else None,
        colours=112,
    )


def _scenes(root: Path, split: str) -> tuple[list[Path], str]:
    """Return the scenes or products to draw, and which they are of."""
    if root.is_file() or _is_product(root):
        return [root], ""
    paths = below(root, SCENES) or _products(root)
    if not paths:
        raise DataError(f"{root}: expected scenes ({SCENES}) or products, found none — simulate or convert some first")
    found = manifest_of(HERE.name, root)
    listed = found[1].get("splits", {}) if found else {}
    names = {(found[0] / name).resolve() for name in listed.get(split, ())} if found else set()
    chosen = [path for path in paths if path.resolve() in names or FOLDERS[split] & set(path.parts[len(root.parts) :])]
    return (chosen, f" of the split {split}") if chosen else (paths, "")


def _products(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if _is_product(path))


def _is_product(path: Path) -> bool:
    """Tell whether a folder or a zip has the name of a product, or leads to one."""
    if path.suffix.lower() == ZIP:
        return path.is_file() and product_name(path) is not None
    return path.is_dir() and (path.suffix == SEN3 or product_name(path) is not None)


def _planes(path: Path) -> Planes:
    if path.is_dir() or path.suffix.lower() == ZIP:
        with open_product(path.absolute()) as product:
            scene = convert(product)
        labels = {"bayes": scene.bayes[..., 0], "summary": scene.summary[..., 0]}
        seen = scene.valid[..., 0] > 0 if scene.valid is not None else True
        kelvin = np.where(np.broadcast_to(seen, scene.bts.shape[:2])[..., None], scene.bts, np.nan)
        return Planes(kelvin, scene.refs, labels, scene.attributes)
    with reading(path) as file:
        kelvin = _plane(file, "bts", 3)
        if "valid" in file:
            kelvin[_plane(file, "valid", 1)[..., 0] == 0] = np.nan
        labels = {name: _stored(file, name, 1)[..., 0] for name in LABELS}
        refs = _plane(file, "refs", 6) if "refs" in file else None
        shapes = {values.shape[:2] for values in (kelvin, *labels.values(), *([] if refs is None else [refs]))}
        if len(shapes) > 1:
            raise ValueError(f"{path.name}: expected planes of one shape, found {sorted(shapes)}")
        return Planes(kelvin, refs, labels, dict(file.attrs))


def _plane(file: h5py.File, key: str, channels: int) -> NDArray[np.float64]:
    """Return planes_HWC; 0 in a temperature is fill in some sets.

    Raises:
        ValueError: they are none.
    """
    values = np.asarray(_stored(file, key, channels), np.float64)
    if key == "bts":
        values[values <= 0] = np.nan
    return values


def _stored(file: h5py.File, key: str, channels: int) -> NDArray[Any]:
    """Return planes_HWC as they are in the file.

    Raises:
        ValueError: they are none.
    """
    if key not in file:
        raise ValueError(f"expected the key {key}, found {', '.join(sorted(file)[:9]) or 'no key'}")
    held = file[key]
    shape = getattr(held, "shape", None)
    if shape is None or len(shape) != 3 or shape[2] != channels or 0 in shape or shape[0] * shape[1] > MOST_PIXELS:
        raise ValueError(f"{key}: expected rows × columns × {channels}, found {shape or 'a group'}")
    if held.dtype.kind not in "biuf":
        raise ValueError(f"{key}: expected numbers, found {held.dtype}")
    return np.asarray(held[...])


def _panels(scene: Planes) -> list[Panel]:
    step = step_to_fit(scene.kelvin.shape, WIDTH)
    seen = np.isfinite(scene.kelvin[..., S8])
    if scene.refs is None:
        first = _temperature("S7, 3.74 micrometres", means(scene.kelvin[..., S7], step))
    else:
        first = Panel(_illuminated(scene.refs), _colour(means(scene.refs[..., [RED, GREEN, BLUE]], step)))
    second = _temperature("S8, 10.85 micrometres", means(scene.kelvin[..., S8], step))
    panels = [first, second, *(_label(name, plane, seen, step) for name, plane in scene.labels.items())]
    return [_scaled(panel, step) for panel in panels]


def _scaled(panel: Panel, step: int) -> Panel:
    """Enlarge a picture that is too small, and draw a bar of kilometres into it."""
    pixels, times = enlarged(panel.image, LEAST)
    keys = panel.keys + ((FILL_KEY,) if (panel.image == FILL).all(axis=-1).any() else ())
    return panel._replace(image=pixels, bar=nice_bar(PIXEL_KM * step / times, pixels.shape[1], "km"), keys=keys)


def _temperature(text: str, kelvin: NDArray[np.float64]) -> Panel:
    """Draw a temperature as people look at it: cold cloud is bright."""
    low, high = limits(kelvin, 1, 99)
    return Panel(text, grey(-kelvin, -high, -low, LEVELS), ramp=Ramp(RAMP[::-1], short(low), f"{short(high)} K"))


def _label(name: str, plane: NDArray[Any], seen: NDArray[np.bool_], step: int) -> Panel:
    """Draw a label by what the layout says of its values; what was not seen, or never labelled, is fill."""
    keys = ((CLOUD, "cloud"), (CLEAR, "clear"))
    cloud, labelled = decode(plane)
    if not labelled.any():
        return Panel(f"{name}: no label", mixed(means(np.full(plane.shape, np.nan), step), CLEAR, CLOUD))
    seen = seen & labelled
    share = f"{cloud[seen].mean():.0%} cloud" if seen.any() else "nothing seen"
    shares = means(np.where(seen, cloud.astype(float), np.nan), step)
    return Panel(f"{name}: {share}", mixed(shares, CLEAR, CLOUD), keys=keys)


def _illuminated(refs: NDArray[Any]) -> str:
    return "false colour" if np.nan_to_num(refs).any() else "false colour: night, no reflectance"


def _colour(refs: NDArray[np.float64]) -> NDArray[np.uint8]:
    pixels = (np.clip(np.nan_to_num(refs), 0, 1) ** GAMMA * 255).astype(np.uint8)
    pixels[~np.isfinite(refs).all(axis=-1)] = FILL
    return pixels


def _text(attribute: Any) -> str:
    value = np.ravel(attribute)[0]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def main(argv: Sequence[str] | None = None) -> int:
    """Draw. Exit codes: 0 drawn, 2 usage, 3 no such set, or the disk refused."""
    return show(HERE.name, samples, USUAL, argv)


if __name__ == "__main__":
    sys.exit(main())
