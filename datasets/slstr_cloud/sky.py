"""All that is in front of the instrument, for a scene or some rows of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from datasets.slstr_cloud.climate import Climate
from datasets.slstr_cloud.clouds import Layer
from datasets.slstr_cloud.fields import Field
from datasets.slstr_cloud.surface import Surface


@dataclass(frozen=True, kw_only=True)
class Sky:
    """Ground, cloud, air and sun; arrays have the shape HW."""

    climate: Climate
    """The numbers of the scene."""

    mu: Field
    """Cosine of the view's angle to the vertical, the same in every row."""

    mu0: Field
    """Cosine of the solar zenith angle."""

    surface: Surface
    """The ground."""

    layers: Sequence[Layer]
    """Layers of cloud and haze, from the lowest up."""

    def rows(self, rows: slice) -> Sky:
        """Return what is above and on some rows."""
        layers = [layer.rows(rows) for layer in self.layers]
        return replace(self, mu=self.mu[rows], mu0=self.mu0[rows], surface=self.surface.rows(rows), layers=layers)

    def cloud_depth(self) -> Field:
        """Return the optical depth_HW of the column's cloud."""
        return sum((layer.cloud_depth() for layer in self.layers[1:]), self.layers[0].cloud_depth())
