"""The simulated micrographs against closed forms, published constants and counting."""

from __future__ import annotations

import numpy as np
import pytest

from datasets.em_denoise import detector, optics, specimen
from datasets.em_denoise.simulator import PAD, SIDE, simulate_pair
from datasets.em_denoise.specimen import BOND_ANG, CARBON, CLASSES, SILICON, draw_specimen

LATTICE_CONSTANT_ANG = 2.46
MICROSCOPE = optics.Microscope(overfocus_ang=70.0, spherical_ang=-15e4, focal_spread_ang=35.0, convergence_rad=0.2e-3)


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Freeze the atoms on an unstrained lattice."""
    monkeypatch.setattr(specimen, "DISPLACEMENT_SD_ANG", 0.0)
    monkeypatch.setattr(specimen, "STRAIN_SD", 0.0)


def draw(seed: int, defect: str, side_ang: float = 40.0, margin_ang: float = 5.0) -> specimen.Specimen:
    """Draw a specimen."""
    return draw_specimen(np.random.default_rng(seed), side_ang, margin_ang, defect)


def distances(positions: np.ndarray) -> np.ndarray:
    """Return all distances of atoms, with infinity on the diagonal."""
    found = np.hypot(*(positions[:, None] - positions[None]).transpose(2, 0, 1))
    np.fill_diagonal(found, np.inf)
    return found


# --- specimen ---------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("still")
def test_the_lattice_is_that_of_graphene() -> None:
    positions = draw(1, "pristine").positions_ang
    inner = ((positions > 5) & (positions < 45)).all(axis=1)
    near = np.sort(distances(positions)[inner], axis=1)[:, :9]
    np.testing.assert_allclose(near[:, :3], 1.42, atol=1e-9)
    np.testing.assert_allclose(near[:, 3:], LATTICE_CONSTANT_ANG, atol=1e-3)
    per_area = 4 / (np.sqrt(3) * LATTICE_CONSTANT_ANG**2)  # two atoms in a cell of a²·√3/2
    assert len(positions) / 50**2 == pytest.approx(per_area, rel=0.02)


def test_atoms_are_displaced_and_the_lattice_is_strained() -> None:
    bonds = np.concatenate([distances(draw(seed, "pristine").positions_ang).min(axis=1) for seed in range(3)])
    assert 0.03 < bonds.std() < 0.12
    assert bonds.mean() == pytest.approx(BOND_ANG, abs=0.12)


@pytest.mark.usefixtures("still")
@pytest.mark.parametrize("seed", range(3))
def test_defects_are_as_many_as_the_truth_says(seed: int) -> None:
    sites = draw(seed, "pristine").positions_ang
    for defect in CLASSES[1:]:
        found = draw(seed, defect)
        assert len(sites) - len(found.positions_ang) == found.vacancies
        silicon = found.positions_ang[found.species == SILICON]
        assert len(silicon) == found.substitutions
        assert ((silicon > 4) & (silicon < 46)).all()
        apart = np.hypot(*(found.positions_ang[:, None] - sites[None]).transpose(2, 0, 1)).min(axis=1)
        moved = int((apart > 1e-6).sum())
        # A turned bond moves two atoms off the lattice; a vacancy may take one of them away.
        assert 2 * found.stone_wales - found.vacancies <= moved <= 2 * found.stone_wales


@pytest.mark.usefixtures("still")
def test_a_turned_bond_keeps_its_length_and_its_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(specimen, "OTHERS_MEAN", 0.0)
    sites, found = draw(4, "pristine").positions_ang, draw(4, "stone_wales")
    moved = np.flatnonzero(np.hypot(*(found.positions_ang - sites).T) > 1e-6)
    assert len(moved) == 2 * found.stone_wales >= 2
    pairs = distances(sites[moved])
    for atom, other in enumerate(pairs.argmin(axis=1)):
        before, after = sites[moved[[atom, other]]], found.positions_ang[moved[[atom, other]]]
        np.testing.assert_allclose(before.mean(0), after.mean(0), atol=1e-9)
        assert np.hypot(*(after[1] - after[0])) == pytest.approx(BOND_ANG)
        assert (before[1] - before[0]) @ (after[1] - after[0]) == pytest.approx(0, abs=1e-9)


def test_the_class_is_the_most_frequent_defect_and_pristine_has_none() -> None:
    for seed in range(40):
        for defect in CLASSES:
            found = draw(seed, defect, side_ang=25.0, margin_ang=2.0)
            numbers = {
                "vacancy": found.vacancies,
                "stone_wales": found.stone_wales,
                "substitution": found.substitutions,
            }
            own = numbers.pop(defect, 0)
            if defect == "pristine":
                assert not any(numbers.values())
            else:
                assert own > max(numbers.values())


# --- optics -----------------------------------------------------------------------------------------------------------


def test_wavelength_and_interaction_are_the_published_ones() -> None:
    # Kirkland 2010, table 5.1 and page 64: 0.0370 Å and 0.924e-3 rad/(V·Å) at 100 kV, 0.0197 Å at 300 kV.
    assert optics.wavelength_ang(100e3) == pytest.approx(0.0370, abs=5e-5)
    assert optics.wavelength_ang(300e3) == pytest.approx(0.0197, abs=5e-5)
    assert optics.interaction_per_v_ang(100e3) == pytest.approx(0.924e-3, rel=2e-3)


def test_scattering_factors_begin_at_the_published_values() -> None:
    # Forward scattering of neutral atoms, Doyle and Turner 1968: carbon 2.509 Å, silicon 5.828 Å.
    zero = np.zeros((1, 1))
    assert float(optics.scattering_factor_ang(zero, CARBON)[0, 0]) == pytest.approx(2.509, rel=0.01)
    assert float(optics.scattering_factor_ang(zero, SILICON)[0, 0]) == pytest.approx(5.828, rel=0.01)


def test_the_potential_of_atoms_adds_up_wherever_they_are() -> None:
    random = np.random.default_rng(0)
    species = np.array([CARBON] * 5 + [SILICON] * 2)
    potential = optics.projected_potential_v_ang(random.uniform(0, 9.6, (7, 2)), species, 64, 0.15)
    carbon, silicon = (float(optics.scattering_factor_ang(np.zeros(1), kind)[0]) for kind in (CARBON, SILICON))
    forward = 5 * carbon + 2 * silicon
    assert potential.sum() * 0.15**2 == pytest.approx(47.878 * forward, rel=1e-9)
    single = optics.projected_potential_v_ang(np.array([[4.5, 3.0]]), np.array([CARBON]), 64, 0.15)
    assert np.unravel_index(single.argmax(), single.shape) == (30, 20)


def test_the_intensity_of_the_vacuum_is_one_and_atoms_keep_the_mean_near_it() -> None:
    np.testing.assert_allclose(optics.image(np.zeros((64, 64)), 0.15, MICROSCOPE), 1.0, atol=1e-12)
    clean = simulate_pair(np.random.SeedSequence(3), (1e5, 1e5)).clean
    assert clean.mean() == pytest.approx(1.0, abs=0.005)
    assert 0.005 < clean.std() < 0.08


def test_a_perfect_lens_at_no_defocus_shows_no_phase() -> None:
    lens = optics.Microscope(overfocus_ang=0.0, spherical_ang=0.0, focal_spread_ang=0.0, convergence_rad=0.0)
    atoms = optics.projected_potential_v_ang(np.array([[4.8, 4.8]]), np.array([CARBON]), 64, 0.15)
    np.testing.assert_allclose(optics.image(atoms, 0.15, lens), 1.0, atol=1e-9)


def test_weak_contrast_is_twice_the_sine_of_the_aberration() -> None:
    # Kirkland 2010, section 3.1: I = 1 + 2 σ v sin χ for a weak phase v, here one cosine wave, with envelopes.
    pixels, pixel, cycles = 128, 0.15, 9
    q = cycles / (pixels * pixel)
    weak = 0.01 * np.cos(2 * np.pi * cycles * np.arange(pixels) / pixels)[None, :] * np.ones((pixels, 1))
    found = optics.image(weak, pixel, MICROSCOPE) - 1
    wavelength = optics.wavelength_ang(80e3)
    chi = np.pi * wavelength * 70.0 * q**2 - 0.5 * np.pi * 15e4 * wavelength**3 * q**4
    temporal = np.exp(-0.5 * (np.pi * wavelength * 35.0) ** 2 * q**4)
    gradient = 70.0 * wavelength * q - 15e4 * wavelength**3 * q**3
    spatial = np.exp(-((np.pi * 0.2e-3 / wavelength * gradient) ** 2))
    expected = 2 * optics.interaction_per_v_ang(80e3) * np.sin(chi) * temporal * spatial * weak
    np.testing.assert_allclose(found, expected, atol=2e-3 * np.abs(expected).max())
    assert np.sin(chi) > 0.5  # atoms are bright at the first ring of graphene, 0.47 per Å


def test_the_power_spectrum_has_the_lattice_constant_of_graphene() -> None:
    found = []
    for seed in range(4):
        pair = simulate_pair(np.random.SeedSequence(seed), (1e5, 1e5))
        window = np.hanning(SIDE)[:, None] * np.hanning(SIDE)[None, :]
        power = np.abs(np.fft.fft2((pair.clean - pair.clean.mean()) * window)) ** 2
        f = np.fft.fftfreq(SIDE, pair.truth["pixel"])
        radius = np.hypot(f[:, None], f[None, :])
        ring = (radius > 0.35) & (radius < 0.60)
        spacing = 1 / (radius[ring] * power[ring]).sum() * power[ring].sum()  # of the {10} rows, a·√3/2
        found.append(spacing * 2 / np.sqrt(3))
        assert power[ring].sum() > 0.8 * power[radius > 0.1].sum()
    assert np.mean(found) == pytest.approx(LATTICE_CONSTANT_ANG, rel=0.015)


# --- detector ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no dead pixels."""
    monkeypatch.setattr(detector, "DEAD_SHARES", (0.0,))


@pytest.mark.usefixtures("alive")
@pytest.mark.parametrize("dose", [50.0, 3e3, 1e5])
def test_the_noise_obeys_the_law_of_the_dose(dose: float) -> None:
    pixel = 0.15
    clean = np.linspace(0.5, 1.5, SIDE)[:, None] * np.ones((1, SIDE))
    noisy = detector.record(np.random.default_rng(7), clean, dose, pixel)
    lit = clean * detector.beam_profile(np.random.default_rng(7), SIDE)  # the profile is what is drawn first
    law = lit / (dose * pixel**2)
    assert ((noisy - lit) ** 2 / law).mean() == pytest.approx(1, abs=0.05)
    for part in np.array_split(np.argsort(lit.ravel()), 4):  # dark to bright
        assert ((noisy - lit).ravel()[part] ** 2 / law.ravel()[part]).mean() == pytest.approx(1, abs=0.08)
    counts = noisy * dose * pixel**2
    np.testing.assert_allclose(counts, np.rint(counts), atol=1e-6)


@pytest.mark.usefixtures("alive")
def test_few_electrons_are_distributed_as_poisson_says() -> None:
    dose, pixel = 50.0, 0.2
    clean = np.ones((SIDE, SIDE))
    noisy = detector.record(np.random.default_rng(3), clean, dose, pixel)
    rate = detector.beam_profile(np.random.default_rng(3), SIDE) * dose * pixel**2
    for count, factorial in ((0, 1), (1, 1), (4, 24)):
        share = (np.rint(noisy * dose * pixel**2) == count).mean()
        assert share == pytest.approx((np.exp(-rate) * rate**count / factorial).mean(), abs=0.008)


def test_the_beam_has_a_mean_of_one_and_one_hill() -> None:
    for seed in range(5):
        beam = detector.beam_profile(np.random.default_rng(seed), 64)
        assert beam.mean() == pytest.approx(1)
        assert 0.2 < beam.min() < beam.max() < 2.0
        assert (np.diff(np.sign(np.diff(beam[32]))) > 0).sum() == 0  # no valley


def test_dead_pixels_are_as_many_as_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detector, "DEAD_SHARES", (0.002,))
    records = [detector.record(np.random.default_rng(s), np.ones((SIDE, SIDE)), 1e5, 0.15) for s in range(4)]
    assert (np.stack(records) == 0).mean() == pytest.approx(0.002, rel=0.2)


# --- pairs ------------------------------------------------------------------------------------------------------------


def test_noisy_and_clean_are_the_same_specimen_on_the_same_scale() -> None:
    for seed in range(3):
        pair, other = (simulate_pair(np.random.SeedSequence(s), (1e5, 1e5)) for s in (seed, seed + 50))
        own, strange = (np.corrcoef(pair.noisy.ravel(), clean.ravel())[0, 1] for clean in (pair.clean, other.clean))
        assert own > 0.1
        assert abs(strange) < own / 2
        assert pair.noisy.mean() == pytest.approx(pair.clean.mean(), rel=0.02)


def test_the_margin_is_wide_enough_that_edges_do_not_wrap() -> None:
    clean = simulate_pair(np.random.SeedSequence(9), (1e5, 1e5)).clean
    step = np.abs(np.diff(clean, axis=0)).mean()
    assert np.abs(clean[0] - clean[-1]).mean() > 1.5 * step
    border = np.concatenate([clean[:8].ravel(), clean[-8:].ravel(), clean[:, :8].ravel(), clean[:, -8:].ravel()])
    assert border.std() == pytest.approx(clean[64:-64, 64:-64].std(), rel=0.25)
    assert PAD * 0.12 > 3  # in Å: further than the image of an atom reaches


def test_doses_are_even_in_their_logarithm_and_inside_the_range() -> None:
    doses = np.array([simulate_pair(np.random.SeedSequence(s), (1e4, 1e6)).truth["dose"] for s in range(24)])
    assert ((doses >= 1e4) & (doses <= 1e6)).all()
    assert np.log10(doses).mean() == pytest.approx(5, abs=0.4)
