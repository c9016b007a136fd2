"""The learning rate of each step: scaling with the number of ranks, then a linear warm-up."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Scaling = Literal["none", "sqrt", "linear"]


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A constant learning rate after a linear warm-up from zero (Goyal et al. 2017, arXiv:1706.02677, section 2.2)."""

    base: float
    """Learning rate after warm-up, scaled already."""

    warmup_steps: int
    """Steps over which the rate rises; 0 starts at `base`."""

    def at(self, step: int) -> float:
        """Return the learning rate of `step`, counted from 0 over the whole run."""
        return self.base * min(1.0, (step + 1) / max(1, self.warmup_steps))


def scaled(learning_rate: float, scaling: Scaling, ranks: int) -> float:
    """Scale one rank's learning rate to `ranks` ranks.

    `linear` is the rule of Goyal et al. 2017; `sqrt` keeps the variance of a step (Krizhevsky 2014, arXiv:1404.5997).
    Both speak of a batch that grows with the ranks; a global batch that stays as it is wants `none`.
    """
    factors = {"none": 1.0, "sqrt": math.sqrt(ranks), "linear": float(ranks)}
    return learning_rate * factors[scaling]
