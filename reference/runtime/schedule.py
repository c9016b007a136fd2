"""The learning rate of each step: scaling with the number of ranks, then a linear warm-up."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Scaling = Literal["none", "sqrt", "linear"]


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A constant learning rate after a linear warm-up from zero (Goyal et al. 2017, arXiv:1706.02677, section 2.2)."""

    learning_rate: float
    """Learning rate of one rank."""

    scaling: Scaling = "none"
    """How it grows with the number of ranks: `linear` is the rule of Goyal et al., `sqrt` keeps the variance of a step
    (Krizhevsky 2014, arXiv:1404.5997). Both speak of a batch that grows with the ranks; a global batch that stays as it
    is wants `none`."""

    ranks: int
    """Number of ranks."""

    warmup_steps: int
    """Steps over which the rate rises; 0 starts at `base`."""

    @property
    def base(self) -> float:
        """Learning rate after scaling and warm-up."""
        factors = {"none": 1.0, "sqrt": math.sqrt(self.ranks), "linear": float(self.ranks)}
        return self.learning_rate * factors[self.scaling]

    def at(self, step: int) -> float:
        """Return the learning rate of `step`, counted from 0 over the whole run."""
        return self.base * min(1.0, (step + 1) / max(1, self.warmup_steps))
