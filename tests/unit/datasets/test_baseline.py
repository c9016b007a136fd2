"""The per-pixel baselines against closed forms and brute force."""

from __future__ import annotations

import numpy as np
import pytest

from datasets.slstr_cloud.baseline import fit_discriminant, fit_threshold, scores


def test_the_discriminant_is_the_best_classifier_of_two_gaussians() -> None:
    rng = np.random.default_rng(0)
    spread = np.array([[2.0, 0.6], [0.6, 0.5]])
    clear = rng.multivariate_normal([0, 0], spread, 30_000)
    cloud = rng.multivariate_normal([1, 1], spread, 10_000)
    pixels, labels = np.concatenate([clear, cloud]), np.repeat([False, True], [30_000, 10_000])
    found = fit_discriminant(pixels, labels)
    weights = np.linalg.solve(spread, [1, 1])
    np.testing.assert_allclose(found.weights, weights, rtol=0.05)
    assert found.offset == pytest.approx(-weights @ [0.5, 0.5] + np.log(1 / 3), abs=0.05)


def test_a_single_class_is_refused() -> None:
    with pytest.raises(ValueError, match=r"cloud share of 1\.000"):
        fit_discriminant(np.ones((5, 2)), np.ones(5, bool))


@pytest.mark.parametrize("sign", [1, -1])
def test_the_threshold_is_the_best_of_all(sign: int) -> None:
    rng = np.random.default_rng(1)
    pixels = rng.normal(size=(400, 3))
    labels = sign * pixels[:, 1] + rng.normal(scale=0.7, size=400) > 0.3
    found = fit_threshold(pixels, labels)
    best = max(
        ((pixels[:, c] > cut) == above).__eq__(labels).mean()
        for c in range(3)
        for cut in pixels[:, c]
        for above in (True, False)
    )
    assert found.channel == 1
    assert found.cloud_above == (sign > 0)
    assert (found.predict(pixels) == labels).mean() == pytest.approx(best)


def test_scores_of_a_known_table() -> None:
    predicted = np.repeat([True, True, False, False], [30, 10, 20, 40])
    cloud = np.repeat([True, False, True, False], [30, 10, 20, 40])
    expected = {"accuracy": 0.7, "balanced_accuracy": 0.7, "f1": 2 * 30 / 90, "iou": 0.5}
    assert scores(predicted, cloud) == pytest.approx(expected, abs=1e-4)


def test_a_score_that_is_not_defined_is_null() -> None:
    nothing = np.zeros(4, bool)
    assert scores(nothing, nothing) == {"accuracy": 1.0, "balanced_accuracy": None, "f1": None, "iou": None}
