"""A piece of graphene: where its atoms are, and which defects it has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CLASSES = ("pristine", "vacancy", "stone_wales", "substitution")
"""Kinds of defect; the class of an image is the kind that dominates."""

BOND_ANG = 1.42
"""Distance of neighbours in graphene, in Å."""

STRAIN_SD = 0.01
"""Standard deviation of each component of the strain."""

DISPLACEMENT_SD_ANG = 0.07
"""Standard deviation of an atom's displacement along each axis, in Å: thermal motion."""

DEFECTS_MEAN = 3.0
"""Mean number of the dominant defects beyond the first; silicon atoms are counted alike."""

OTHERS_MEAN = 0.4
"""Mean number of each other kind of defect in an image that has defects at all."""

CARBON, SILICON = 0, 1


@dataclass(frozen=True, kw_only=True)
class Specimen:
    """Atoms in a square field of view."""

    positions_ang: NDArray[np.float64]
    """(atoms, 2): row and column, in Å from the corner of the field."""

    species: NDArray[np.int64]
    """(atoms,): 0 for carbon, 1 for silicon."""

    vacancies: int
    """Atoms that are missing inside the field."""

    stone_wales: int
    """Bonds turned by 90° inside the field."""

    substitutions: int
    """Silicon atoms inside the field."""


def draw_specimen(random: np.random.Generator, side_ang: float, margin_ang: float, defect: str) -> Specimen:
    """Draw a specimen that covers a field of `side_ang` and a margin around it; defects lie in the field.

    Args:
        random: source of all random numbers.
        side_ang: side of the field of view, in Å.
        margin_ang: width of the margin, in Å.
        defect: one of `CLASSES`: the kind of defect that dominates.
    """
    positions = _lattice(random, side_ang + 2 * margin_ang)
    field = np.flatnonzero(((positions > margin_ang) & (positions < margin_ang + side_ang)).all(axis=1))
    numbers = _defect_numbers(random, defect)
    positions = _turn_bonds(random, positions, field, numbers["stone_wales"])
    species = np.zeros(len(positions), np.int64)
    chosen = random.permutation(field)
    species[chosen[: numbers["substitution"]]] = SILICON
    gone = chosen[numbers["substitution"] : numbers["substitution"] + numbers["vacancy"]]
    kept = np.setdiff1d(np.arange(len(positions)), gone)
    positions = positions + random.normal(0.0, DISPLACEMENT_SD_ANG, positions.shape)
    return Specimen(
        positions_ang=positions[kept],
        species=species[kept],
        vacancies=numbers["vacancy"],
        stone_wales=numbers["stone_wales"],
        substitutions=numbers["substitution"],
    )


def _lattice(random: np.random.Generator, side_ang: float) -> NDArray[np.float64]:
    """Honeycomb lattice, turned, strained and shifted at random, cut to a square."""
    a1 = BOND_ANG * np.array([1.5, np.sqrt(3) / 2])
    a2 = BOND_ANG * np.array([1.5, -np.sqrt(3) / 2])
    reach = int(np.ceil(side_ang / BOND_ANG)) + 2
    i, j = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, -1, 1)
    cells = i * a1 + j * a2
    atoms = np.concatenate([cells, cells + np.array([BOND_ANG, 0.0])])
    angle = random.uniform(0.0, np.pi / 3)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    s0, s1, s2 = random.normal(0.0, STRAIN_SD, 3)
    strain = np.array([[1 + s0, s2], [s2, 1 + s1]])
    atoms = atoms @ (strain @ turn).T + side_ang / 2 + random.uniform(-BOND_ANG, BOND_ANG, 2)
    return atoms[((atoms >= 0) & (atoms < side_ang)).all(axis=1)]


def _defect_numbers(random: np.random.Generator, defect: str) -> dict[str, int]:
    """Numbers of each kind of defect, so that the dominant one is the most frequent."""
    numbers = {kind: int(random.poisson(OTHERS_MEAN)) for kind in CLASSES[1:]}
    if defect == "pristine":
        return dict.fromkeys(numbers, 0)
    numbers[defect] = max(numbers.values()) + 1 + int(random.poisson(DEFECTS_MEAN))
    return numbers


def _turn_bonds(
    random: np.random.Generator, positions: NDArray[np.float64], field: NDArray[np.int64], count: int
) -> NDArray[np.float64]:
    """Turn bonds by 90° about their middles: Stone and Wales 1986, Chem. Phys. Lett. 128, 501."""
    positions, used = positions.copy(), np.zeros(len(positions), bool)
    turned = 0
    for atom in random.permutation(field):
        if turned == count:
            break
        others = field[~used[field] & (field != atom)]
        neighbour = others[np.argmin(((positions[others] - positions[atom]) ** 2).sum(axis=1))]
        bond = positions[neighbour] - positions[atom]
        if used[atom] or np.hypot(*bond) > 1.2 * BOND_ANG:
            continue
        middle, half = (positions[atom] + positions[neighbour]) / 2, np.array([-bond[1], bond[0]]) / 2
        positions[atom], positions[neighbour] = middle - half, middle + half
        used[[atom, neighbour]] = True
        turned += 1
    return positions
