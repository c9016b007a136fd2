"""The simulated scattering patterns against closed forms, brute force and counting."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from datasets.dms_classifier import crystal, detector
from datasets.dms_classifier.crystal import (
    PHASES,
    Lattice,
    draw_domains,
    draw_lattice,
    reflections,
    structure_factor,
    variants,
)
from datasets.dms_classifier.simulate import Options, draw_labels, made_by
from datasets.dms_classifier.simulator import simulate_pattern

WAVELENGTH_ANG = 12.39842 / 8.0
PIXEL_RAD = 0.172 / 450.0


def lattice(a: float, b: float, c: float, *angles: float) -> Lattice:
    """Return a lattice; angles are 90° where none are given."""
    return Lattice(lengths_ang=(a, b, c), angles_deg=angles or (90.0, 90.0, 90.0))


# --- crystal ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hkl", [(1, 0, 0), (0, 2, 1), (1, -1, 3), (-2, 1, 1)])
def test_spacings_of_a_monoclinic_crystal_obey_the_textbook_formula(hkl: tuple[int, int, int]) -> None:
    h, k, l = hkl  # noqa: E741 - the names that everyone gives them
    a, b, c, beta = 4.02, 4.00, 4.03, np.radians(91.3)
    vector = lattice(a, b, c, 90.0, 91.3, 90.0).reciprocal_basis() @ np.array(hkl)
    sine = np.sin(beta) ** 2
    square = (h / a) ** 2 / sine + (k / b) ** 2 + (l / c) ** 2 / sine - 2 * h * l * np.cos(beta) / (a * c * sine)
    assert vector @ vector == pytest.approx(square)


def test_the_reciprocal_basis_of_a_slanted_crystal_has_the_inverse_volume() -> None:
    alpha = np.radians(80.0)
    volume = 4.0**3 * np.sqrt(1 - 3 * np.cos(alpha) ** 2 + 2 * np.cos(alpha) ** 3)
    basis = lattice(4.0, 4.0, 4.0, 80.0, 80.0, 80.0).reciprocal_basis()
    assert np.linalg.det(basis) == pytest.approx(1 / volume)


@pytest.mark.parametrize(
    ("hkl", "electrons"),
    [((1, 0, 0), 82 - 34 - 8), ((1, 1, 0), 82 + 34 - 8), ((1, 1, 1), 82 - 34 + 24), ((2, 0, 0), 140)],
)
def test_structure_factors_of_a_perovskite(hkl: tuple[int, int, int], electrons: int) -> None:
    found = structure_factor(np.array([hkl], float), np.zeros(1))
    assert found[0] == pytest.approx(electrons)


def test_reflections_come_in_opposite_pairs_of_equal_strength() -> None:
    vectors, strengths = reflections(lattice(4.0, 4.0, 4.04))
    assert strengths.max() == 1
    assert strengths.min() >= crystal.WEAKEST
    opposite = np.abs(vectors[:, None] + vectors[None]).sum(-1).argmin(axis=1)
    np.testing.assert_allclose(vectors[opposite], -vectors, atol=1e-12)
    np.testing.assert_allclose(strengths[opposite], strengths)


def test_phases_have_the_symmetry_of_their_names() -> None:
    drawn = {phase: [draw_lattice(np.random.default_rng(s), phase) for s in range(200)] for phase in PHASES}
    for found in drawn["tetragonal"]:
        assert found.lengths_ang[0] == found.lengths_ang[1]
        assert found.angles_deg == (90.0, 90.0, 90.0)
    ratios = [found.lengths_ang[2] / found.lengths_ang[0] for found in drawn["tetragonal"]]
    assert np.mean(ratios) == pytest.approx(1.011, abs=5e-4)
    for found in drawn["monoclinic"]:
        assert found.angles_deg[0] == found.angles_deg[2] == 90.0
        assert len(set(found.lengths_ang)) == 3
    assert np.mean([found.angles_deg[1] for found in drawn["monoclinic"]]) == pytest.approx(90.15, abs=0.01)
    for found in drawn["rhombohedral"]:
        assert len(set(found.lengths_ang)) == len(set(found.angles_deg)) == 1


def test_domains_are_rotations_that_put_each_axis_everywhere() -> None:
    places = set()
    for seed in range(30):
        for turn in draw_domains(np.random.default_rng(seed), 6, variants("tetragonal", lattice(4.0, 4.0, 4.04))):
            np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
            assert np.linalg.det(turn) == pytest.approx(1)
            places.add(int(np.abs(turn[:, 2]).argmax()))
            assert np.degrees(np.arccos(np.abs(turn[:, 2]).max())) < 6 * crystal.TILT_DEG
    assert places == {0, 1, 2}


DIAGONALS = np.array([(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)]) / np.sqrt(3)
"""Body diagonals of the cube, one of each pair of opposite ones, as unit vectors."""


def longer_diagonals(turn: np.ndarray, crystal_lattice: Lattice) -> np.ndarray:
    """Return which body diagonals of a turned crystal are longer than their mean, (4,), in the order of the cube's."""
    direct = turn @ np.linalg.inv(crystal_lattice.reciprocal_basis()).T
    corners = np.array(np.meshgrid([1], [1, -1], [1, -1])).reshape(3, -1)
    ends = (direct @ corners).T
    lengths = np.linalg.norm(ends, axis=1)
    nearest = np.abs(DIAGONALS @ ends.T).argmax(axis=0)
    found = np.zeros(4, bool)
    found[nearest[lengths > lengths.mean()]] = True
    return found


def test_each_rhombohedral_variant_is_longer_along_another_body_diagonal() -> None:
    crystal_lattice = lattice(4.017, 4.017, 4.017, 89.9, 89.9, 89.9)
    found = variants("rhombohedral", crystal_lattice)
    assert len(found) == 4
    np.testing.assert_array_equal([longer_diagonals(turn, crystal_lattice) for turn in found], np.eye(4, dtype=bool))
    for turn, diagonal in zip(found, DIAGONALS, strict=True):
        np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(turn) == pytest.approx(1)
        longest = turn @ np.linalg.inv(crystal_lattice.reciprocal_basis()).T @ np.ones(3)
        np.testing.assert_allclose(longest / np.linalg.norm(longest), diagonal, atol=1e-12)
        assert np.linalg.norm(longest) == pytest.approx(4.017 * np.sqrt(3 * (1 + 2 * np.cos(np.radians(89.9)))))
    permuted = variants("monoclinic", crystal_lattice)
    assert len({tuple(longer_diagonals(turn, crystal_lattice)) for turn in permuted}) == 1  # what these cannot give


@pytest.mark.parametrize("number", range(4))
def test_the_reciprocal_metric_of_a_rhombohedral_variant_is_that_of_its_signs(number: int) -> None:
    """The product of two edges of the cube's frame has the sign that the variant's diagonal gives both together."""
    a, cosine = 4.017, np.cos(np.radians(89.9))
    crystal_lattice = lattice(a, a, a, 89.9, 89.9, 89.9)
    turned = variants("rhombohedral", crystal_lattice)[number] @ crystal_lattice.reciprocal_basis()
    places = np.abs(turned).argmax(axis=0)
    assert places.tolist() == [0, 1, 2]
    along = turned * np.sign(np.diag(turned))  # a*, b*, c* towards +x, +y, +z
    volume = 1 - 3 * cosine**2 + 2 * cosine**3
    signs = np.sign(DIAGONALS[number])
    expected = np.outer(signs, signs) * (cosine**2 - cosine) / (a**2 * volume)
    np.fill_diagonal(expected, (1 - cosine**2) / (a**2 * volume))
    np.testing.assert_allclose(along.T @ along, expected, atol=1e-14)


def test_domains_of_a_rhombohedral_crystal_differ_and_all_variants_are_drawn() -> None:
    crystal_lattice = draw_lattice(np.random.default_rng(0), "rhombohedral")
    among, seen = variants("rhombohedral", crystal_lattice), set()
    for seed in range(40):
        domains = draw_domains(np.random.default_rng(seed), 6, among)
        drawn = [int(longer_diagonals(turn, crystal_lattice).argmax()) for turn in domains]
        assert len(set(drawn)) == len(drawn)
        seen.add((len(drawn), drawn[0]))
    assert {count for count, _ in seen} == {1, 2, 3, 4}
    assert {first for _, first in seen} == {0, 1, 2, 3}


def test_variants_of_a_rhombohedral_crystal_draw_other_lines() -> None:
    crystal_lattice = lattice(4.017, 4.017, 4.017, 89.9, 89.9, 89.9)
    vectors, strengths = reflections(crystal_lattice)
    seen = detector.place(60.0)
    drawn = [
        detector.lines(seen, vectors @ turn.T, strengths, 1.3) for turn in variants("rhombohedral", crystal_lattice)
    ]
    for number, one in enumerate(drawn):
        for other in drawn[:number]:
            assert np.corrcoef(one.ravel(), other.ravel())[0, 1] < 0.9


@pytest.mark.parametrize("phase", ["monoclinic", "tetragonal"])
@pytest.mark.parametrize("most", [1, 6])
def test_the_other_phases_draw_what_they_drew(phase: str, most: int) -> None:
    """Sets of two phases have published hashes: their domains take the same numbers in the same order."""
    for seed in range(20):
        random = np.random.default_rng(seed)
        count = int(random.integers(1, most + 1))
        orders = [np.eye(3)[list(order)] for order in permutations(range(3))]
        expected = []
        for index in random.permutation(6)[:count]:
            turn = crystal.rotation(random.normal(0.0, np.radians(0.02), 3))
            expected.append(turn @ (orders[index] if np.linalg.det(orders[index]) > 0 else -orders[index]))
        among = variants(phase, draw_lattice(np.random.default_rng(seed), phase))
        found = draw_domains(np.random.default_rng(seed), most, among)
        np.testing.assert_array_equal(np.array(found), np.array(expected))


def test_sets_with_the_rhombohedral_phase_have_a_version_of_their_own() -> None:
    def version(phases: int) -> str:
        options = Options(
            dataset_id="x", train_patterns=2, test_patterns=2, seed=0, tetragonal_share=0.5,
            phases=phases, most_domains=1, spread=1.0, generation="A",
        )  # fmt: skip
        return str(made_by(options)["version"])

    assert (version(2), version(3)) == ("1.0", "1.1")


def test_a_rotation_turns_by_its_length() -> None:
    quarter = crystal.rotation(np.array([0.0, 0.0, np.pi / 2]))
    np.testing.assert_allclose(quarter @ np.array([1.0, 0.0, 0.0]), [0.0, 1.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(crystal.rotation(np.zeros(3)), np.eye(3))


# --- detector ---------------------------------------------------------------------------------------------------------


def test_the_detector_is_where_it_is_said_to_be() -> None:
    seen = detector.place(60.0)
    assert seen.directions.shape == (487, 195, 3)
    np.testing.assert_allclose(seen.centre, [0.5, 0.0, np.sqrt(0.75)], atol=1e-12)
    edges = np.degrees(np.arctan2(seen.directions[[0, -1], 97, 2], seen.directions[[0, -1], 97, 0]))
    np.testing.assert_allclose(edges, 60 + np.degrees(np.arctan(np.array([-243, 243]) * PIXEL_RAD)))


def test_every_line_is_where_bragg_says() -> None:
    seen = detector.place(60.0)
    vectors, _ = reflections(lattice(4.0, 4.0, 4.04))
    on = 0
    for vector in vectors:
        line = detector.lines(seen, vector[None], np.ones(1), 1.0)
        if line.max() < 0.9:
            continue
        bright = seen.directions[line > 0.9]
        away = np.arccos(bright @ vector / np.linalg.norm(vector))  # from the normal of the planes
        bragg = np.arcsin(WAVELENGTH_ANG * np.linalg.norm(vector) / 2)
        assert np.abs(away + bragg - np.pi / 2).max() < 0.6 * PIXEL_RAD
        on += 1
    assert on >= 10


def test_a_line_moves_with_the_spacing_and_has_its_width() -> None:
    rows = []
    for stretched in (1.0, 1.011):
        length = 0.6 / stretched
        towards = np.radians(60.0) + np.arccos(WAVELENGTH_ANG * 0.6 / 2)  # the unstretched line crosses the middle
        vector = length * np.array([[np.cos(towards), 0.0, np.sin(towards)]])
        profile = detector.lines(detector.place(60.0), vector, np.ones(1), 1.5)[:, 97]
        row = (np.arange(487) * profile).sum() / profile.sum()
        assert np.sqrt(((np.arange(487) - row) ** 2 * profile).sum() / profile.sum()) == pytest.approx(1.5, rel=0.02)
        rows.append(row)
    moved = np.arccos(WAVELENGTH_ANG * 0.6 / 2) - np.arccos(WAVELENGTH_ANG * 0.6 / 1.011 / 2)
    assert rows[0] == pytest.approx(243, abs=0.01)
    assert rows[1] - rows[0] == pytest.approx(np.tan(moved) / PIXEL_RAD, abs=0.1)
    assert abs(rows[1] - rows[0]) > 10


def crossing(basis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return G of 200, 002 and 202 in Å⁻¹, (3, 3), and the direction in which the lines of the first two cross."""
    vectors = np.array([(2, 0, 0), (0, 0, 2), (2, 0, 2)]) @ basis.T
    in_plane = np.linalg.lstsq(vectors[:2], WAVELENGTH_ANG * (vectors[:2] ** 2).sum(axis=1) / 2, rcond=None)[0]
    across = np.cross(vectors[0], vectors[1])
    return vectors, in_plane + across / np.linalg.norm(across) * np.sqrt(1 - in_plane @ in_plane)


def brightest(vectors: np.ndarray, direction: np.ndarray) -> float:
    """Return the height of lines of height 1 in the middle of the detector, into which a direction is turned."""
    middle = detector.place(60.0).centre
    axis = np.cross(direction, middle)
    turn = crystal.rotation(axis / np.linalg.norm(axis) * np.arccos(direction @ middle))
    drawn = detector.lines(detector.place(60.0), vectors @ turn.T, np.ones(len(vectors)), 1.5)
    return float(drawn[detector.ROWS // 2, detector.COLUMNS // 2])


def test_a_triple_intersection_moves_with_the_axes_and_comes_apart_where_they_slant() -> None:
    """Four corners of a rectangle of the reciprocal lattice lie on a circle: their lines have a point in common."""
    cubic, tetragonal = (lattice(4.0, 4.0, c).reciprocal_basis() for c in (4.0, 4.0 * 1.011))
    (cubic_lines, cubic_point), (lines, point) = crossing(cubic), crossing(tetragonal)
    assert brightest(cubic_lines, cubic_point) == pytest.approx(3, abs=0.01)
    assert brightest(lines, point) == pytest.approx(3, abs=0.01)
    assert np.arccos(cubic_point @ point) / PIXEL_RAD > 10
    slanted_lines, slanted_point = crossing(lattice(4.0, 4.0, 4.0, 90.0, 90.15, 90.0).reciprocal_basis())
    assert brightest(slanted_lines[:2], slanted_point) == pytest.approx(2, abs=0.01)
    assert brightest(slanted_lines, slanted_point) < 2.8


def test_planes_too_narrow_for_the_wavelength_scatter_nothing() -> None:
    out_of_reach = 2.1 / WAVELENGTH_ANG * detector.place(60.0).centre
    assert not detector.lines(detector.place(60.0), out_of_reach[None], np.ones(1), 1.0).any()


# --- patterns ---------------------------------------------------------------------------------------------------------


def pattern(seed: int, label: int = 1, spread: float = 1.0, most_domains: int = 1) -> np.ndarray:
    """Return the counts of a pattern."""
    return simulate_pattern(np.random.SeedSequence(seed), label, most_domains, spread).counts


@pytest.mark.parametrize("label", range(3))
def test_counts_are_whole_and_vary_as_poisson_says(label: int) -> None:
    counts = pattern(label, label)
    assert (counts >= 0).all()
    assert (counts == np.rint(counts)).all()
    steps = np.diff(np.sqrt(counts.astype(float) + 3 / 8), axis=1)  # Anscombe 1948: variance 1/4 at every mean
    spread = 1.4826 * np.median(np.abs(steps - np.median(steps)))
    assert spread == pytest.approx(np.sqrt(2 / 4), rel=0.08)


def test_shares_are_exact_and_both_phases_are_always_there() -> None:
    def labels(count: int, share: float, phases: int = 2) -> np.ndarray:
        options = Options(
            dataset_id="x", train_patterns=count, test_patterns=count, seed=3, tetragonal_share=share,
            phases=phases, most_domains=1, spread=1.0, generation="A",
        )  # fmt: skip
        return draw_labels(options, "train", count)

    assert np.bincount(labels(128, 0.71)).tolist() == [37, 91]
    assert np.bincount(labels(2, 0.99)).tolist() == [1, 1]
    assert np.bincount(labels(100, 0.5, phases=3)).tolist() == [25, 50, 25]
    assert (np.diff(labels(128, 0.5)) != 0).sum() > 30  # in no order that a reader could learn


def test_more_spread_scatters_the_lines() -> None:
    def sharpness(spread: float) -> float:
        mean = np.mean([np.sqrt(pattern(seed, 1, spread)) for seed in range(6)], axis=0)
        smooth = (mean[:-2] + mean[1:-1] + mean[2:]) / 3
        return float(np.quantile(smooth, 0.995) - np.median(smooth))

    still, usual, wide = (sharpness(spread) for spread in (0.0, 1.0, 20.0))
    assert still > usual > wide
    assert still > 1.3 * wide


def test_equal_seeds_give_equal_patterns_and_others_differ() -> None:
    first, second = (pattern(seed, 1, 0.0) for seed in (1, 1))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, pattern(2, 1, 0.0))


def test_more_domains_draw_more_lines() -> None:
    found = [simulate_pattern(np.random.SeedSequence(s), 0, 4, 1.0) for s in range(8)]
    assert {one.domains for one in found} > {1}
    assert max(one.domains for one in found) <= 4
    np.testing.assert_array_equal(found[0].lattice[3::2], [90.0, 90.0])
