"""The patterns against Dans_Diffraction: spacings, angles, and where multiple scattering leaves the crystal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from datasets.dms_classifier import detector
from datasets.dms_classifier.crystal import LARGEST_INDEX, PHASES, Lattice, draw_lattice, variants

dans = pytest.importorskip("Dans_Diffraction", reason="Dans_Diffraction is in the oracles' environment: make oracles")

pytestmark = pytest.mark.filterwarnings("ignore")  # those of old array code

ENERGY_OF_CALCMS_KEV = detector.ENERGY_KEV * 12.398 / detector.HC_KEV_ANG
"""Gives the same wavelength with the rounded constant in its multiple scattering."""

PIXEL_RAD = detector.PIXEL_MM / detector.DISTANCE_MM
"""Angle of a pixel in the middle of the detector."""

PLANES = ((1, 2, 3), (-2, 1, 2), (2, 0, 1), (0, 2, 2), (3, -1, 1), (1, -2, 1))
"""Planes that scatter the second time."""

Float = np.ndarray


DRAWN = [(phase, seed, 0) for phase in PHASES for seed in range(2)]
VARIANTS = [("rhombohedral", 0, number) for number in (1, 2, 3)]


@pytest.fixture(params=DRAWN + VARIANTS, ids=lambda p: "-".join(map(str, p)))
def lattice(request: pytest.FixtureRequest) -> Lattice:
    """Return a crystal as the simulator draws it, or a further variant of it, described along the edges of the cube."""
    phase, seed, number = request.param
    drawn = draw_lattice(np.random.default_rng(seed), phase)
    return along_the_cube(drawn, number) if number else drawn


def along_the_cube(drawn: Lattice, number: int) -> Lattice:
    """Return a variant by the lengths of, and the angles between, its axes that are near to +x, +y and +z."""
    direct = variants("rhombohedral", drawn)[number] @ np.linalg.inv(drawn.reciprocal_basis()).T
    direct = direct * np.sign(np.diag(direct))
    lengths = np.linalg.norm(direct, axis=0)
    cosines = (direct.T @ direct) / np.outer(lengths, lengths)
    angles = [float(np.degrees(np.arccos(cosines[pair]))) for pair in ((1, 2), (0, 2), (0, 1))]
    slanted = round(180 - drawn.angles_deg[0], 6)  # two of three angles are obtuse
    assert sorted(round(angle, 6) for angle in angles) == sorted([round(drawn.angles_deg[0], 6), slanted, slanted])
    return Lattice(lengths_ang=tuple(lengths), angles_deg=tuple(angles))


@pytest.fixture
def parameters(lattice: Lattice) -> Float:
    """Return a, b, c in Å, α, β, γ in degrees."""
    return np.array([*lattice.lengths_ang, *lattice.angles_deg])


@pytest.fixture
def cell(parameters: Float) -> Any:
    """Return the same crystal there."""
    crystal = dans.Crystal()
    crystal.Cell.latt(list(parameters))
    return crystal.Cell


@pytest.fixture(scope="module")
def indices() -> Float:
    """Return all hkl that the simulator looks at."""
    grid = np.mgrid[[slice(-LARGEST_INDEX, LARGEST_INDEX + 1)] * 3].reshape(3, -1).T
    return grid[(grid != 0).any(axis=1)]


def second_scatterings(parameters: Float, plane: tuple[int, int, int]) -> list[tuple[Float, Float]]:
    """Return directions in which calcms lets what a plane scatters leave, (3,), and the crystal's bases, (3, 3).

    The columns of a basis are a*, b*, c* as the crystal stands at that moment. The first scattering is diffuse, so its
    indices are no integers: many of them, to go along the line.
    """
    found = []
    for first in np.random.default_rng(1).uniform((-1, -1, 1.5), (1, 1, 3.0), (12, 3)):
        vectors = np.array([plane, (1, 0, 0), (0, 1, 0), (0, 0, 1)])
        single = dans.multiple_scattering.Calcms(parameters, first, first, vectors[:1], ENERGY_OF_CALCMS_KEV, [0, 1, 0])
        aligned = dans.multiple_scattering.Calcms(parameters, first, first, vectors, ENERGY_OF_CALCMS_KEV, [0, 1, 0])
        for beam, azimuth_deg in zip(single.bvects(), single.ewpsi(), strict=True):
            turn = dans.multiple_scattering.Rotxyz([0, 0, 1], float(azimuth_deg[0, 0])).rmat()
            leaving = np.asarray(beam).ravel()
            if np.isfinite(leaving).all():  # else the first scattering is out of reach at this energy
                found.append((leaving / np.linalg.norm(leaving), np.asarray(turn @ aligned.tv()[1:].T)))
    return found


def to_the_detector(direction: Float) -> Float:
    """Return the rotation that puts a direction into the middle of the detector."""
    middle = detector.place(detector.TWO_THETA_DEG).centre
    axis, cosine = np.cross(direction, middle), direction @ middle
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.eye(3) + cross + cross @ cross / (1 + cosine)


def test_spacings_and_bragg_angles_agree(lattice: Lattice, cell: Any, indices: Float) -> None:
    lengths = np.linalg.norm(indices @ lattice.reciprocal_basis().T, axis=1)
    np.testing.assert_allclose(1 / lengths, cell.dspace(indices), rtol=1e-12)
    wavelength_ang = detector.wavelength_ang()
    reachable = wavelength_ang * lengths < 2
    ours_deg = 2 * np.degrees(np.arcsin(wavelength_ang * lengths[reachable] / 2))
    np.testing.assert_allclose(ours_deg, cell.tth(indices[reachable], wavelength_a=wavelength_ang), atol=1e-9)


def test_wavelengths_agree() -> None:
    # 12.3984198 keV·Å by the SI's exact constants; the charge that Dans_Diffraction takes is that of 1986.
    theirs = dans.fc.energy2wave(detector.ENERGY_KEV)
    assert detector.wavelength_ang() == pytest.approx(theirs, rel=2e-6)


def test_angles_between_planes_agree(lattice: Lattice, cell: Any) -> None:
    ours, theirs = lattice.reciprocal_basis(), np.asarray(cell.Bmatrix())
    # The axes of the two frames differ by a rotation; lengths and angles are those of the crystal.
    np.testing.assert_allclose(ours.T @ ours, theirs.T @ theirs, rtol=0, atol=1e-14)
    assert np.linalg.det(ours) == pytest.approx(np.linalg.det(theirs))


def drawn_away_from_the_middle_px(vector: Float) -> float:
    """Return how far from the detector's middle our line of G, in Å⁻¹, is drawn that ought to run through it."""
    drawn = detector.lines(detector.place(detector.TWO_THETA_DEG), vector[None], np.ones(1), 1.5)
    rows, columns = np.mgrid[: detector.ROWS, : detector.COLUMNS]
    down, right = rows - detector.ROWS // 2, columns - detector.COLUMNS // 2
    weights = drawn * (np.hypot(down, right) < 8)
    return float(np.hypot((weights * down).sum(), (weights * right).sum()) / weights.sum())


@pytest.mark.parametrize("plane", PLANES)
def test_lines_are_where_multiple_scattering_leaves_the_crystal(
    lattice: Lattice, parameters: Float, plane: tuple[int, int, int]
) -> None:
    basis = lattice.reciprocal_basis()
    vector = basis @ plane
    bragg = np.arcsin(detector.wavelength_ang() * np.linalg.norm(vector) / 2)
    cone_px, line_px = [], []
    for leaving, theirs in second_scatterings(parameters, plane):
        into_ours = basis @ np.linalg.inv(theirs)
        np.testing.assert_allclose(into_ours @ into_ours.T, np.eye(3), atol=1e-12)  # the same crystal, turned
        direction = into_ours @ leaving
        cone_px.append(abs(np.arcsin(direction @ vector / np.linalg.norm(vector)) - bragg) / PIXEL_RAD)
        line_px.append(drawn_away_from_the_middle_px(to_the_detector(direction) @ vector))
    print(f"{plane}: {len(line_px)} places, cone {max(cone_px):.1g} and drawn line {max(line_px):.2g} pixels off")
    assert len(line_px) >= 6
    assert max(cone_px) < 1e-6
    assert max(line_px) < 0.1
