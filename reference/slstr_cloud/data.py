"""The training tiles of some scenes as one numbered sequence."""

from __future__ import annotations

import numpy as np

from reference.runtime.backend import Batch
from reference.runtime.sharding import Indices

from .facts import TILE
from .normalisation import Normalisation
from .scene import Scene
from .tiles import Corner, training_tiles


class Tiles:
    """Tiles of scenes: scene by scene in the order given, row by row within a scene."""

    def __init__(self, scenes: list[Scene], plane: str, kind: Normalisation = "fixed") -> None:
        """Number the tiles; `plane` is the label plane to read, `kind` says how values are normalised."""
        self.scenes, self._plane, self._kind = scenes, plane, kind
        self._places: list[tuple[Scene, Corner]] = [
            (scene, corner) for scene in scenes for corner in training_tiles(scene.rows, scene.columns)
        ]
        self._channels = scenes[0].channels if scenes else 0
        self.complete = np.zeros(len(self._places), np.bool_)
        """Tiles that were looked through in this run, and lack no value: nobody looks for one again."""

    def __len__(self) -> int:
        return len(self._places)

    def in_fixed_units(self) -> Tiles:
        """Return the same tiles in units that mean the same in every scene."""
        return Tiles(self.scenes, self._plane)

    def batch(self, indices: Indices) -> Batch:
        """Read tiles: images_NHWC float32 and, as uint8 of 0 and 1, label_NHW and valid_NHW.

        Raises:
            DataError: a file is damaged, or its label plane was never filled.
        """
        batch: Batch = {
            "images_NHWC": np.empty((len(indices), TILE, TILE, self._channels), np.float32),
            "label_NHW": np.empty((len(indices), TILE, TILE), np.uint8),
            "valid_NHW": np.empty((len(indices), TILE, TILE), np.uint8),
        }
        for position, index in enumerate(indices):
            scene, corner = self._places[index]
            into = tuple(array[position] for array in batch.values())
            complete = bool(self.complete[index])
            self.complete[index] = scene.tile(self._plane, corner, kind=self._kind, into=into, complete=complete)
        return batch
