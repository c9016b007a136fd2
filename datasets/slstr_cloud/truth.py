"""What the simulator knows of a scene and no real file tells, kept in a file beside each scene.

`S3A….hdf` has `S3A…_truth.h5`; `layout_truth.json` states its planes. The files are not in the manifest, which
describes what a real set holds as well, and by whose hash results are compared: `truth.json` beside it lists them.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets.common.files import MANIFEST
from datasets.slstr_cloud.climate import Climate
from datasets.slstr_cloud.fields import Field, by_strips
from datasets.slstr_cloud.planes import Plane, write_planes
from datasets.slstr_cloud.sky import Sky
from logging_spec.whole import whole_file

HERE = Path(__file__).parent
LISTING = "truth.json"
SUFFIX = "_truth.h5"
BYTES_PER_PIXEL = 7
"""Of one file: cover 1, bayes 1, optical depth 4, surface 1."""

HAZE_BYTES_PER_PIXEL = 2
"""More of them where there is haze."""

MOST_DEPTH = float(np.finfo(np.float16).max)
FULL_COVER = 255


@dataclass(frozen=True, kw_only=True)
class Truth:
    """The truth of one scene in memory. Shape suffixes: H rows, W columns, L levels."""

    climate: Climate
    """What was drawn for the whole scene."""

    cover: NDArray[np.uint8]
    """Share_HW1 of the pixel under cloud in steps of 1/255, rounded up."""

    bayes: NDArray[np.uint8]
    """Bits_HW1 of the label before its errors."""

    optical_depth: Field
    """Optical depth_HWL of low and of high cloud in the visible, mean over the pixel."""

    surface: NDArray[np.uint8]
    """Kind_HW1 of the ground."""

    haze: Field | None = None
    """Optical depth_HW1 of haze; None where the scene has none."""


@functools.cache
def truth_layout() -> dict[str, Any]:
    """Return the layout of a file of truth."""
    layout: dict[str, Any] = json.loads((HERE / "layout_truth.json").read_text(encoding="utf-8"))
    return layout


def truth_of(sky: Sky, bayes: NDArray[np.uint8]) -> Truth:
    """Return the truth of a scene, given the label_HW before its errors."""
    hazes = [layer for layer in sky.layers if layer.aerosol]

    def of(rows: slice) -> tuple[NDArray[Any], ...]:
        part = sky.rows(rows)
        clouds = [layer for layer in part.layers if not layer.aerosol]
        share = functools.reduce(np.maximum, [layer.share() for layer in clouds])
        depth = np.empty((*share.shape, 2), np.float16)
        for level in (False, True):
            own = functools.reduce(np.add, [layer.cloud_depth() for layer in clouds if layer.high == level])
            depth[..., int(level)] = np.minimum(own, np.float32(MOST_DEPTH))
        return cover_of(share)[..., None], depth

    cover, optical_depth = by_strips(of, sky.mu0.shape)
    return Truth(
        climate=sky.climate,
        cover=cover,
        bayes=bayes[..., None],
        optical_depth=optical_depth,
        surface=sky.surface.kind[..., None],
        haze=np.minimum(hazes[0].optical_depth, np.float32(MOST_DEPTH))[..., None] if hazes else None,
    )


def cover_of(share: Field) -> NDArray[np.uint8]:
    """Return shares of pixels in steps of 1/255, rounded up: 0 is where there is no cloud, however thin."""
    return np.ceil(share * np.float32(FULL_COVER)).astype(np.uint8)


def truth_path(scene: Path) -> Path:
    """Return the file of truth that belongs to a scene's file."""
    return scene.with_name(scene.stem + SUFFIX)


def write_truth(path: Path, truth: Truth, scene: str) -> str:
    """Write the truth of a scene's file of that name whole, and return the SHA-256.

    The same truth gives the same bytes.

    Raises OSError where the disk refuses; no part of the file is left.
    """
    planes = {name: (getattr(truth, name), rule["dtype"]) for name, rule in truth_layout()["keys"].items()}
    held = {name: Plane(values=values, dtype=dtype) for name, (values, dtype) in planes.items() if values is not None}
    climate = {name: float(value) for name, value in asdict(truth.climate).items()}
    return write_planes(path, held, {"simulated": 1, "scene": scene, **climate})


def listing(root: Path, scenes: Iterable[str], known: Mapping[str, str], made_by: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `truth.json` says of the truth beside scenes, by paths in the set.

    Args:
        root: folder of the set.
        scenes: paths of the scenes.
        known: SHA-256 of the files of truth by path.
        made_by: program, version and options of the set.
    """
    files = []
    for scene in sorted(scenes):
        path = str(truth_path(Path(scene)))
        size = (root / path).stat().st_size
        files.append({"path": path, "scene": scene, "size": size, "sha256": known[path]})
    return {"truth_version": 1, "made_by": made_by, "layout": truth_layout(), "files": files}


def write_listing(root: Path, stated: Mapping[str, Any]) -> None:
    """Write `truth.json` whole."""
    for left in root.glob(f".{LISTING}.*.part"):  # of a process that was killed
        left.unlink()
    with whole_file(root / LISTING) as file:
        file.write(json.dumps(stated, indent=1, allow_nan=False, ensure_ascii=False).encode() + b"\n")


def is_beside(root: Path, made_by: Mapping[str, Any]) -> bool:
    """Tell whether the truth of the very set is in its folder: the list agrees, and every file has its size."""
    try:
        stated = json.loads((root / LISTING).read_text(encoding="utf-8"))
        manifest = json.loads((root / MANIFEST).read_text(encoding="utf-8"))
        if stated["made_by"] != made_by or stated["layout"] != truth_layout():
            return False
        if {entry["scene"] for entry in stated["files"]} != {entry["path"] for entry in manifest["files"]}:
            return False
        return all((root / entry["path"]).stat().st_size == entry["size"] for entry in stated["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
