"""The simulator's parts against closed forms, brute force and published values."""

from __future__ import annotations

import numpy as np
import pytest

from datasets.slstr_cloud import radiative as rt
from datasets.slstr_cloud.fields import box_mean, correlated_field, point_spread, smooth_length, upper_quantile

ONES = np.ones((2, 2), np.float32)


@pytest.mark.parametrize("beta", [5 / 3, 3.0])
def test_a_field_has_the_spectrum_that_was_asked_for(beta: float) -> None:
    rng = np.random.default_rng(1)
    spectra = []
    for _ in range(6):
        field = correlated_field(rng, (512, 512), beta=beta, outer_px=200)
        assert field.dtype == np.float32
        assert abs(field.mean()) < 1e-3
        assert field.std() == pytest.approx(1, abs=1e-3)
        window = np.hanning(512)[None, :]
        spectra.append((np.abs(np.fft.rfft(field * window, axis=1)) ** 2).mean(0))
    k = np.arange(257)
    band = slice(12, 120)
    slope = np.polyfit(np.log(k[band]), np.log(np.mean(spectra, axis=0)[band]), 1)[0]
    assert slope == pytest.approx(-beta, abs=0.2)


def test_a_field_does_not_wrap_around() -> None:
    field = correlated_field(np.random.default_rng(2), (256, 256), beta=3.0, outer_px=200)
    step = np.abs(np.diff(field, axis=0)).mean()
    assert np.abs(field[0] - field[-1]).mean() > 10 * step


def test_lengths_are_even_and_have_small_prime_factors() -> None:
    assert [smooth_length(n) for n in (1, 7, 97, 1350, 1687)] == [2, 8, 100, 1350, 1728]


def test_means_agree_with_brute_force() -> None:
    image = np.random.default_rng(3).random((9, 11), dtype=np.float32)
    padded = np.pad(image, 2, mode="edge")
    expected = [[padded[i : i + 5, j : j + 5].mean() for j in range(11)] for i in range(9)]
    np.testing.assert_allclose(box_mean(image, 2), expected, rtol=1e-5)
    inner = sum(
        (0.7 if i == 0 else 0.15) * (0.7 if j == 0 else 0.15) * image[1 + i : 8 + i, 1 + j : 10 + j]
        for i in (-1, 0, 1)
        for j in (-1, 0, 1)
    )
    np.testing.assert_allclose(point_spread(image)[1:-1, 1:-1], inner, rtol=1e-5)


def test_a_quantile_leaves_its_share_above() -> None:
    field = correlated_field(np.random.default_rng(4), (256, 256), beta=2.0, outer_px=50)
    assert (field > upper_quantile(field, 0.3)).mean() == pytest.approx(0.3, abs=0.02)
    assert upper_quantile(field, 0) == np.inf
    assert upper_quantile(field, 1) == -np.inf


@pytest.mark.parametrize("wavelength_um", rt.THERMAL_UM)
def test_planck_and_its_inverse_undo_each_other(wavelength_um: float) -> None:
    kelvin = np.linspace(200, 320, 50, dtype=np.float32)
    np.testing.assert_allclose(rt.inverse_planck(rt.planck(kelvin, wavelength_um), wavelength_um), kelvin, atol=2e-3)


def test_planck_integrates_to_stefan_and_boltzmann() -> None:
    micrometres = np.geomspace(1, 1000, 4000)
    radiance = [float(rt.planck(np.float32([300.0]), w)[0]) for w in micrometres]
    assert np.pi * np.trapezoid(radiance, micrometres) == pytest.approx(5.670374e-8 * 300**4, rel=1e-3)


def reflectance_of_cloud(optical_depth: rt.Field, co_albedo: float, albedo_below: rt.Field) -> rt.Field:
    """Of a cloud over a surface, put together as the simulator does it for each layer and band."""
    return rt.add_layer(*rt.CloudOptics(optical_depth).at(co_albedo), albedo_below)


def test_a_cloud_without_absorption_loses_no_light() -> None:
    assert reflectance_of_cloud(ONES * 12, 0.0, ONES * 0.999) == pytest.approx(ONES, abs=2e-2)
    assert reflectance_of_cloud(ONES * 0, 0.0, ONES * 0.3) == pytest.approx(ONES * 0.3)
    assert reflectance_of_cloud(ONES * 1000, 0.0, ONES * 0) == pytest.approx(ONES, abs=0.02)


def test_absorption_darkens_a_cloud_and_ice_more_than_water() -> None:
    band = 4
    bright, water, ice = (
        float(reflectance_of_cloud(ONES * 20, w, ONES * 0)[0, 0])
        for w in (0.0, rt.WATER_CO_ALBEDO[band], rt.ICE_CO_ALBEDO[band])
    )
    assert bright > water > ice > 0


def test_rayleigh_scattering_has_the_published_optical_depth() -> None:
    reflectance = rt.Rayleigh(ONES, ONES, shielded=np.zeros((2, 2), bool)).add(ONES * 0, 0.55)
    depth = float(reflectance[0, 0]) / (0.75 * 2 / 4)
    assert depth == pytest.approx(0.0973, abs=0.002)  # Bodhaine et al. 1999, table 3: 0.0973 at 0.55 um


def test_the_glint_is_brightest_where_the_sea_mirrors_the_sun() -> None:
    mu0 = np.full((1, 61), np.cos(np.deg2rad(30)), np.float32)
    view = np.arange(61)
    glint = rt.sun_glint(np.cos(np.deg2rad(view))[None].astype(np.float32), mu0, np.pi, np.full((1, 61), 1, np.float32))
    assert abs(int(glint.argmax()) - 30) <= 2
