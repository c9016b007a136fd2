"""The micrographs against abTEM: form factors, potentials, and images of the same atoms by the same lens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from datasets.em_denoise import optics
from datasets.em_denoise.specimen import CARBON, SILICON, Specimen, draw_specimen

abtem = pytest.importorskip("abtem", reason="abTEM is in the oracles' environment alone: make oracles")
ase = pytest.importorskip("ase")

pytestmark = pytest.mark.filterwarnings("default")  # abTEM's own and dask's

PIXELS, SIDE_ANG, MARGIN_ANG = 320, 256, 32
"""Side of the computed field and, in pixels, the field of view and its margin: those of the simulator."""

THICKNESS_ANG = 4.0
"""Height of abTEM's cell; the atoms lie in its middle."""

SYMBOLS = ("C", "Si")

Float = np.ndarray


@pytest.fixture(scope="module", autouse=True)
def precise() -> Iterator[None]:
    """Let abTEM compute in double precision, and quietly."""
    with abtem.config.set({"precision": "float64", "diagnostics.progress_bar": False}):
        yield


@pytest.fixture(scope="module", params=[0.12, 0.15, 0.20])
def pixel_ang(request: pytest.FixtureRequest) -> float:
    """Return the side of a pixel: the finest, a middle one, the coarsest."""
    return float(request.param)


@pytest.fixture(scope="module")
def specimen(pixel_ang: float) -> Specimen:
    """Return graphene with silicon, vacancies and turned bonds."""
    random = np.random.default_rng(3)
    return draw_specimen(random, SIDE_ANG * pixel_ang, MARGIN_ANG * pixel_ang, "substitution")


@pytest.fixture(scope="module")
def ours_v_ang(specimen: Specimen, pixel_ang: float) -> Float:
    """Return our potential."""
    return optics.projected_potential_v_ang(specimen.positions_ang, specimen.species, PIXELS, pixel_ang)


def theirs(specimen: Specimen, pixel_ang: float, projection: str, slice_ang: float) -> Any:
    """Return abTEM's potential of the same atoms."""
    places = np.column_stack([specimen.positions_ang, np.full(len(specimen.species), THICKNESS_ANG / 2)])
    side = PIXELS * pixel_ang
    atoms = ase.Atoms([SYMBOLS[kind] for kind in specimen.species], places, cell=[side, side, THICKNESS_ANG], pbc=True)
    return abtem.Potential(
        atoms, gpts=PIXELS, projection=projection, parametrization="kirkland", slice_thickness=slice_ang
    )


def their_image(potential: Any, lens: optics.Microscope, from_atoms_ang: float) -> Float:
    """Return abTEM's image. Its wave leaves the cell this far below the atoms, which the lens has to look through."""
    transfer = abtem.CTF(
        energy=optics.ENERGY_EV,
        C10=lens.overfocus_ang - from_atoms_ang,
        C30=lens.spherical_ang,
        focal_spread=np.sqrt(2) * lens.focal_spread_ang,  # abTEM's is the width at 1/e, ours a standard deviation
        angular_spread=1e3 * lens.convergence_rad,
    )
    wave = abtem.PlaneWave(energy=optics.ENERGY_EV).multislice(potential)
    return np.asarray(wave.apply_ctf(transfer).intensity().compute(progress_bar=False).array)


def apart(found: Float, expected: Float) -> dict[str, float]:
    """Return how far two images differ: correlation, largest difference over the range, ratio of contrasts."""
    return {
        "correlation": float(np.corrcoef(found.ravel(), expected.ravel())[0, 1]),
        "largest": float(np.abs(found - expected).max() / np.ptp(expected)),
        "contrast": float(found.std() / expected.std()),
    }


@pytest.mark.parametrize("kind", [CARBON, SILICON])
def test_form_factors_are_kirklands(kind: int) -> None:
    q2 = np.linspace(0, 4, 401) ** 2
    expected = abtem.parametrizations.KirklandParametrization().scattering_factor(SYMBOLS[kind])(q2)
    np.testing.assert_allclose(optics.scattering_factor_ang(q2, kind), expected, rtol=1e-6)


@pytest.mark.parametrize("energy_ev", [60e3, 80e3, 300e3])
def test_wavelength_and_interaction_agree(energy_ev: float) -> None:
    assert optics.wavelength_ang(energy_ev) == pytest.approx(abtem.core.energy.energy2wavelength(energy_ev), rel=1e-5)
    assert optics.interaction_per_v_ang(energy_ev) == pytest.approx(abtem.core.energy.energy2sigma(energy_ev), rel=1e-5)


def test_the_projected_potential_is_the_same(specimen: Specimen, pixel_ang: float, ours_v_ang: Float) -> None:
    built = theirs(specimen, pixel_ang, "infinite", THICKNESS_ANG).build().compute(progress_bar=False)
    found = apart(ours_v_ang, np.asarray(built.array).sum(axis=0))
    print(f"potential, pixels of {pixel_ang} Å: {found}")
    assert found["correlation"] > 0.9999
    assert found["contrast"] == pytest.approx(1, abs=0.005)


@pytest.mark.parametrize("seed", range(2))
def test_an_image_of_one_slice_is_the_same(specimen: Specimen, pixel_ang: float, ours_v_ang: Float, seed: int) -> None:
    lens = optics.draw_microscope(np.random.default_rng(seed))
    potential = theirs(specimen, pixel_ang, "infinite", THICKNESS_ANG)
    found = apart(optics.image(ours_v_ang, pixel_ang, lens), their_image(potential, lens, THICKNESS_ANG))
    print(f"one slice, pixels of {pixel_ang} Å, lens {seed}: {found}")
    assert found["correlation"] > 0.999999
    assert found["largest"] < 0.0015


def test_an_image_by_multislice_is_nearly_the_same(specimen: Specimen, pixel_ang: float, ours_v_ang: Float) -> None:
    """abTEM integrates the potential in three dimensions here, atom by atom, and propagates from slice to slice."""
    lens = optics.draw_microscope(np.random.default_rng(0))
    expected = their_image(theirs(specimen, pixel_ang, "finite", 0.5), lens, THICKNESS_ANG / 2)
    found = apart(optics.image(ours_v_ang, pixel_ang, lens), expected)
    print(f"multislice, pixels of {pixel_ang} Å: {found}")
    assert found["correlation"] > 0.9995
    assert found["largest"] < 0.03
    assert found["contrast"] == pytest.approx(1, abs=0.015)
