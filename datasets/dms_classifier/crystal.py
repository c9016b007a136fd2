"""Crystals: phases with their lattice parameters, ferroelastic domains, reflections and their strengths."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

PHASES = ("monoclinic", "tetragonal", "rhombohedral")
"""Phases in the order of their labels."""

LARGEST_INDEX = 5
"""Largest |h|, |k|, |l| of a reflection that is considered."""

WEAKEST = 0.05
"""Reflections below this share of the strongest structure factor are left out."""

TILT_DEG = 0.02
"""Standard deviation of a domain's misorientation, in degrees."""


@dataclass(frozen=True, kw_only=True)
class Lattice:
    """Lattice parameters."""

    lengths_ang: tuple[float, float, float]
    """a, b, c in Å."""

    angles_deg: tuple[float, float, float]
    """α, β, γ in degrees."""

    def reciprocal_basis(self) -> Float:
        """Return B, (3, 3), whose columns are a*, b*, c* in Å⁻¹ without 2π: G = B·(h, k, l).

        Busing and Levy 1967 (doi 10.1107/S0365110X67000970), equation 3.
        """
        (a, b, c), (alpha, beta, gamma) = self.lengths_ang, np.radians(self.angles_deg)
        across = (np.cos(alpha) - np.cos(beta) * np.cos(gamma)) / np.sin(gamma)
        up = np.sqrt(np.sin(beta) ** 2 - across**2)
        direct = np.array(
            [[a, b * np.cos(gamma), c * np.cos(beta)], [0, b * np.sin(gamma), c * across], [0, 0, c * up]]
        )
        return np.linalg.inv(direct).T


def draw_lattice(random: np.random.Generator, phase: str) -> Lattice:
    """Draw a crystal of a phase, near the morphotropic boundary of lead magnesium niobate–lead titanate."""
    if phase == "tetragonal":
        a = random.normal(4.000, 0.004)
        return Lattice(lengths_ang=(a, a, a * random.normal(1.011, 0.002)), angles_deg=(90.0, 90.0, 90.0))
    if phase == "monoclinic":
        lengths = (random.normal(4.018, 0.004), random.normal(4.004, 0.004), random.normal(4.032, 0.004))
        return Lattice(lengths_ang=lengths, angles_deg=(90.0, random.normal(90.15, 0.03), 90.0))
    a, angle = random.normal(4.017, 0.004), random.normal(89.90, 0.02)
    return Lattice(lengths_ang=(a, a, a), angles_deg=(angle, angle, angle))


def variants(phase: str, lattice: Lattice) -> list[Float]:
    """Return the ways in which a crystal of a phase can stand in its cubic parent; (3, 3) rotations of the laboratory.

    The long axis of a tetragonal crystal, and the three unlike axes of a monoclinic one, lie along the cube's edges:
    these are permuted. A rhombohedral crystal is longer along one of the cube's four body diagonals, and each
    permutation keeps [111]: its four variants are turned by 180° about the edges instead, which takes [111] to
    [1-1-1], [-11-1] and [-1-11]. There, the crystal's own [111] is exactly along the cube's.
    """
    if phase != "rhombohedral":
        return [_proper(np.eye(3)[list(order)]) for order in permutations(range(3))]
    # B = Q S with a rotation Q and a symmetric S, the crystal as it is strained out of the cube without being turned.
    left, _, right = np.linalg.svd(lattice.reciprocal_basis())
    return [np.diag(signs) @ (left @ right).T for signs in TWOFOLD]


TWOFOLD = ((1.0, 1.0, 1.0), (1.0, -1.0, -1.0), (-1.0, 1.0, -1.0), (-1.0, -1.0, 1.0))
"""Diagonals of the identity and of the rotations by 180° about the edges of a cube."""


def draw_domains(random: np.random.Generator, most: int, among: list[Float]) -> list[Float]:
    """Draw one to `most` domains of different variants, each slightly tilted; (3, 3) rotations."""
    count = int(random.integers(1, min(most, len(among)) + 1))
    chosen = random.permutation(len(among))[:count]
    return [rotation(random.normal(0.0, np.radians(TILT_DEG), 3)) @ among[index] for index in chosen]


def _proper(matrix: Float) -> Float:
    """Return a permutation of axes as a rotation: an odd one with an axis turned round."""
    return matrix if np.linalg.det(matrix) > 0 else -matrix


def rotation(vector: Float) -> Float:
    """Return the rotation about a vector by its length, in radians (Rodrigues)."""
    angle = float(np.linalg.norm(vector))
    if angle == 0.0:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def reflections(lattice: Lattice) -> tuple[Float, Float]:
    """Return the reciprocal vectors G of a crystal, (n, 3) in Å⁻¹, and their strengths |F| over the largest."""
    indices = np.array(list(product(range(-LARGEST_INDEX, LARGEST_INDEX + 1), repeat=3)), float)
    indices = indices[(indices != 0).any(axis=1)]
    vectors = indices @ lattice.reciprocal_basis().T
    strengths = np.abs(structure_factor(indices, np.linalg.norm(vectors, axis=1)))
    strengths /= strengths.max()
    strong = strengths >= WEAKEST
    return vectors[strong], strengths[strong]


def structure_factor(indices: Float, lengths: Float) -> NDArray[np.complex128]:
    """Return F of a perovskite ABO₃ for reflections hkl, (n, 3), of reciprocal lengths in Å⁻¹, in electrons.

    Lead, a transition metal and oxygen at their ideal places, with Gaussian form factors.
    """
    s2 = (lengths / 2) ** 2

    def phase(x: float, y: float, z: float) -> NDArray[np.complex128]:
        return np.exp(2j * np.pi * (indices @ np.array([x, y, z])))

    oxygen = phase(0.5, 0.5, 0) + phase(0.5, 0, 0.5) + phase(0, 0.5, 0.5)
    lead, metal = 82 * np.exp(-2.5 * s2), 34 * np.exp(-2.0 * s2) * phase(0.5, 0.5, 0.5)
    total: NDArray[np.complex128] = lead + metal + 8 * np.exp(-4.0 * s2) * oxygen
    return total
