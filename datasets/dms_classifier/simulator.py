"""One pattern: a crystal of a phase, its domains, its orientation, the lines on the detector, counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.dms_classifier.crystal import PHASES, draw_domains, draw_lattice, reflections, rotation, variants
from datasets.dms_classifier.detector import TWO_THETA_DEG, background, lines, place

ORIENTATION_DEG = 0.05
"""Standard deviation of the crystal's orientation about each axis, in degrees."""

OFFSET_DEG = 0.03
"""Range, to both sides, by which the detector is off its angle, in degrees."""

WIDTH_PX = (1.0, 1.6)
"""Range of the standard deviation across a line, in pixels."""

PEAK_COUNTS = (15.0, 60.0)
"""Range of the strongest line's height, in counts."""


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """Counts and the truth behind them."""

    counts: NDArray[np.float32]
    """(487, 195)."""

    lattice: NDArray[np.float32]
    """(6,): a, b, c in Å and α, β, γ in degrees."""

    domains: int
    """Domains in the beam."""


def simulate_pattern(seed: np.random.SeedSequence, label: int, most_domains: int, spread: float) -> Pattern:
    """Simulate a pattern; equal arguments give equal patterns.

    Args:
        seed: source of all random numbers.
        label: phase.
        most_domains: most ferroelastic domains in the beam.
        spread: factor on the spread of crystal and detector: 0 puts both always into the same place.
    """
    random = np.random.default_rng(seed)
    lattice = draw_lattice(random, PHASES[label])
    vectors, strengths = reflections(lattice)
    turn = rotation(random.normal(0.0, spread * np.radians(ORIENTATION_DEG), 3))
    domains = draw_domains(random, most_domains, variants(PHASES[label], lattice))
    shares = random.dirichlet(np.full(len(domains), 2.0))
    detector = place(TWO_THETA_DEG + spread * random.uniform(-OFFSET_DEG, OFFSET_DEG))
    width, peak = random.uniform(*WIDTH_PX), random.uniform(*PEAK_COUNTS)
    expected = background(random)
    for domain, share in zip(domains, shares, strict=True):
        expected += peak * share * lines(detector, vectors @ (turn @ domain).T, strengths, width)
    counts = random.poisson(expected).astype(np.float32)
    parameters = np.array([*lattice.lengths_ang, *lattice.angles_deg], np.float32)
    return Pattern(counts=counts, lattice=parameters, domains=len(domains))
