"""Read one scene, `S3A*.hdf`, tolerantly: two generations of converters wrote different dtypes and label encodings.

`reference/runtime/hdf5.py` says how its bytes are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from reference.runtime.errors import DataError
from reference.runtime.hdf5 import Arrays, Place, items_of, open_file

from . import facts, normalisation
from .facts import TILE
from .labels import Encoding, decode, encoding_of
from .normalisation import Normalisation, Scaling
from .tiles import Corner, interleave

Bool = NDArray[np.bool_]
LABEL_PLANES = ("bayes", "summary")

BLOCK = 64
"""Rows of a scene that are read at once to measure it."""

BLOCK_PIXELS = 1 << 15
"""Pixels of a scene that are brought to the model's scale at once: enough to be worth the calls, few for the caches."""


class Scene:
    """One scene on disk. Making one reads the file's metadata, and no pixel."""

    def __init__(self, path: Path, *, channels: str, layout: dict[str, Any] | None = None) -> None:
        """Look at the file.

        Args:
            path: the file.
            channels: `all` or `thermal`, what will be read from it.
            layout: what the data set's manifest says of the keys; None where there is no manifest.

        Raises:
            DataError: it is no such scene, lacks what the channels need, or differs from the layout.
        """
        self.path = path
        self._thermal = channels == "thermal"
        self._names = facts.CHANNELS[channels]
        self._scalings: dict[Normalisation, Scaling] = {"fixed": normalisation.fixed(self._names)}
        try:
            with open_file(path) as file:
                items = items_of(file)
                self._places = {name: Place(item) for name, item in items.items() if isinstance(item, h5py.Dataset)}
                self._about_reflectances = str(file.attrs.get("reflectances", "the product lacked them"))
        except OSError as error:
            raise DataError(
                f"{path}: expected an HDF5 scene, found: {error} — the file is damaged; get it again"
            ) from None
        if "valid" in items and "valid" not in self._places:  # where there is none, every pixel that has values counts
            raise DataError(f"{path}: valid: expected an array, found none that can be opened — convert it anew")
        self._arrays = Arrays(path, self._places, keep_chunks=False)
        self._check_keys(layout)
        self.rows, self.columns = self._places["bts"].shape[:2]

    @property
    def channels(self) -> int:
        """Number of channels of `images`."""
        return len(self._names)

    def planes(self) -> list[str]:
        """Return the label planes that the scene has."""
        return [name for name in LABEL_PLANES if name in self._places]

    def require_labels(self, plane: str) -> None:
        """Look whether the scene has a label plane; reads no pixel.

        Raises:
            DataError: it has not.
        """
        if plane not in self._places:
            found = ", ".join(self.planes()) or "none"
            raise DataError(
                f"{self.path}: {plane}: expected this label plane, found {found} — "
                "choose another by --labels, or get the scene again"
            )

    def images(
        self,
        row: int,
        column: int,
        rows: int = TILE,
        columns: int = TILE,
        *,
        kind: Normalisation = "fixed",
        out: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """Read normalised images_HWC, channels as in `facts.CHANNELS`; what the instrument did not see becomes 0.

        A missing value turns into the middle of the channel's range, or its mean, which is what 0 stands for.

        Args:
            row: first row.
            column: first column.
            rows: number of rows.
            columns: number of columns.
            kind: how values are normalised.
            out: contiguous array to read into; a new one where there is none.
        """
        images = np.empty((rows, columns, self.channels), np.float32) if out is None else out
        self._read_values(np.s_[row : row + rows, column : column + columns], images, self.scaling(kind))
        return images

    def tile(
        self, plane: str, corner: Corner, *, kind: Normalisation, into: tuple[NDArray[Any], ...], complete: bool = False
    ) -> bool:
        """Read a tile's `images`, `label` and `valid`, and look at each value once for all three.

        Args:
            plane: the label plane.
            corner: its upper left pixel.
            kind: how values are normalised.
            into: contiguous arrays to read these three into.
            complete: whether it is known, from reading it before, that no value is missing; nothing looks for one then.

        Returns:
            Whether no value is missing.

        Raises:
            DataError: the file is damaged, or the label plane was never filled.
        """
        images_HWC, label_HW, valid_HW = into
        window = np.s_[corner.row : corner.row + TILE, corner.column : corner.column + TILE]
        complete = self._read_values(window, images_HWC, self.scaling(kind), complete=complete)
        values = np.ascontiguousarray(self._read(plane, window)[..., 0])
        label_HW[...], valid_HW[...] = decode(values, self._encoding(plane))
        if not complete or "valid" in self._places:
            valid_HW &= self.valid(None, corner.row, corner.column)
        return complete

    def scaling(self, kind: Normalisation) -> Scaling:
        """Return what brings the scene's values to the model's scale; other than `fixed`, it is measured once."""
        if kind not in self._scalings:
            self._scalings[kind] = normalisation.measured(self._seen_values(), self._names, kind)
        return self._scalings[kind]

    def _seen_values(self) -> Iterator[NDArray[np.float32]]:
        """Read the values_PC of the pixels that the instrument saw, some rows at a time."""
        for row in range(0, self.rows, BLOCK):
            block = (row, 0, min(BLOCK, self.rows - row), self.columns)
            images = np.empty((*block[2:], self.channels), np.float32)
            self._read_values(np.s_[row : row + block[2], :], images, None)
            yield images[self.valid(None, *block)]

    def _read_values(
        self, window: Any, images_HWC: NDArray[np.float32], scaling: Scaling | None, *, complete: bool = False
    ) -> bool:
        """Read pixels as `images` has them or, without a scaling, in the channels' own units, missing ones too.

        In their own units, a brightness temperature that was not seen is NaN. Some rows at a time go from the file to
        their place.

        Returns:
            Whether no value is missing: `complete`, where that is known.
        """
        planes = {key: self._read(key, window) for key in (("bts",) if self._thermal else ("refs", "bts"))}
        rows, columns = images_HWC.shape[:2]
        numbers = {} if scaling is None else _numbers_of_lines(scaling, columns)
        at_once, none_missing = max(1, BLOCK_PIXELS // columns), True
        for row in range(0, rows, at_once):
            block = np.s_[row : row + at_once]
            parts = []
            for key, plane in planes.items():
                part = images_HWC[block] if self._thermal else np.empty(plane[block].shape, np.float32)
                part[...] = plane[block]
                if not complete and key == "bts" and not part.min() > 0:
                    part[plane[block] <= 0] = np.nan
                none_missing &= _normalise(part, numbers.get(key), complete=complete)
                parts.append(part)
            if not self._thermal:
                interleave(parts, images_HWC[block])
        return none_missing

    def kelvins(self, channel: int) -> NDArray[np.float32]:
        """Read the brightness temperature of S7, S8 or S9 (0, 1, 2) of the whole scene, in kelvin."""
        return np.asarray(self._read("bts", np.s_[:, :])[..., channel], np.float32)

    def label(self, plane: str, row: int, column: int, rows: int = TILE, columns: int = TILE) -> Bool:
        """Read where the label plane says cloud.

        Raises:
            DataError: the plane was never filled, or holds what is no label.
        """
        window = np.s_[row : row + rows, column : column + columns]
        return decode(self._read(plane, window)[..., 0], self._encoding(plane))[0]

    def valid(self, plane: str | None, row: int, column: int, rows: int = TILE, columns: int = TILE) -> Bool:
        """Read where a pixel counts: the instrument saw it and, for a label plane, the label means something."""
        window = np.s_[row : row + rows, column : column + columns]
        raw = self._read("bts", window)
        valid: Bool = np.ones(raw.shape[:2], np.bool_)
        if not (raw.min() > 0 and raw.max() < np.inf):  # a NaN answers no, too
            seen = (raw > 0) & (raw < np.inf)
            valid = seen[..., 0] & seen[..., 1] & seen[..., 2]
        if "valid" in self._places:
            valid &= self._read("valid", window)[..., 0] != 0
        if plane is not None:
            valid &= decode(self._read(plane, window)[..., 0], self._encoding(plane))[1]
        return valid

    def _encoding(self, plane: str) -> Encoding:
        if plane not in self._encodings:
            self._encodings[plane] = encoding_of(self._read(plane, np.s_[:, :]), f"{self.path}: {plane}")
        return self._encodings[plane]

    @cached_property
    def _encodings(self) -> dict[str, Encoding]:
        return {}

    def _read(self, key: str, window: Any) -> NDArray[Any]:
        return self._arrays.read(key, window)

    def _check_keys(self, layout: dict[str, Any] | None) -> None:
        needed = ["bts"] if self._thermal else ["bts", "refs"]
        for key in needed:
            if key not in self._places:
                self._refuse_missing(key)
        shape = self._places["bts"].shape
        if len(shape or ()) != 3:
            raise DataError(f"{self.path}: bts: expected shape (rows, columns, 3), found {shape} — convert it anew")
        rows, columns = shape[:2]
        for key, place in self._places.items():
            last = {"bts": 3, "refs": 6, "rads": 6, **dict.fromkeys([*LABEL_PLANES, "valid"], 1)}.get(key)
            if last is None:
                continue
            if place.shape != (rows, columns, last):
                expected = (rows, columns, last)
                raise DataError(f"{self.path}: {key}: expected shape {expected}, found {place.shape} — convert it anew")
            self._check_dtype(key, place, layout)

    def _check_dtype(self, key: str, place: Place, layout: dict[str, Any] | None) -> None:
        if place.dtype.kind not in "biuf":
            raise DataError(f"{self.path}: {key}: expected numbers, found dtype {place.dtype} — convert it anew")
        declared = (layout or {}).get("keys", {}).get(key)
        if declared is None:
            self._check_unit(key, place)
            return
        accepted = {declared["dtype"], *declared.get("accept", {}).get("dtypes", ())}
        if not any(place.dtype == np.dtype(name) for name in accepted):
            raise DataError(
                f"{self.path}: {key}: expected dtype {' or '.join(sorted(accepted))}, found {place.dtype} — "
                "the file differs from the layout in the manifest"
            )

    def _check_unit(self, key: str, place: Place) -> None:
        """Refuse integers where nothing says of them that they are kelvins, and no hundredths above an offset."""
        if key in ("bts", "refs") and place.dtype.kind != "f":
            unit = "kelvins" if key == "bts" else "reflectances"
            raise DataError(
                f"{self.path}: {key}: expected {unit} in floating point, found dtype {place.dtype} — packed integers "
                "have a scale of their own; convert it anew"
            )

    def _refuse_missing(self, key: str) -> None:
        if key == "refs" and "bts" in self._places:
            raise DataError(
                f"{self.path}: refs: expected six reflectances, found none ({self._about_reflectances}) — "
                "use a model of the three brightness temperatures: --channels thermal"
            )
        keys = ", ".join(sorted(self._places)) or "no data set"
        raise DataError(f"{self.path}: expected the key {key}, found {keys} — this is no SLSTR scene of this layout")


def _numbers_of_lines(scaling: Scaling, columns: int) -> dict[str, tuple[Any, Any]]:
    """Return by key what is subtracted from a line of its values, and what the result is divided by.

    Where it is the same for all channels it is one number, which is faster; None stands for a division by 1.
    """
    temperatures = len(facts.TEMPERATURES)
    found = {}
    for key, channels in (("refs", np.s_[:-temperatures]), ("bts", np.s_[-temperatures:])):
        offsets, scales = scaling.offsets[channels], scaling.scales[channels]
        offset, scale = (each[0] if len(set(each)) == 1 else np.tile(each, columns) for each in (offsets, scales))
        found[key] = (offset, None if len(set(scales) | {1}) == 1 else scale)
    return found


def _normalise(part_HWC: NDArray[np.float32], numbers: tuple[Any, Any] | None, *, complete: bool) -> bool:
    """Bring contiguous values to the model's scale, those that are missing to 0; without numbers, leave them.

    Returns:
        Whether none is missing: `complete`, where that is known.
    """
    lines = part_HWC.reshape(len(part_HWC), -1)  # long rows, since NumPy is slow over an axis of six or three
    if numbers is not None:
        offset, scale = numbers
        lines -= offset
        if scale is not None:
            lines /= scale
    if complete:
        return True
    seen = np.isfinite(lines)
    if seen.all():
        return True
    if numbers is not None:
        lines[~seen] = 0.0
    return False
