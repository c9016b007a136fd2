"""The per-pixel baselines against closed forms and brute force."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from datasets.common.failures import DataError
from datasets.slstr_cloud.baseline import fit_discriminant, fit_threshold, scene_statistics, scores

SPLITS = {"train": ["a.hdf", "b.hdf"], "test": ["c.hdf"]}


def scenes(root: Path, **replaced: Any) -> Path:
    """Write scenes in which S8 tells cloud, with what replaces planes in all of them; None leaves one out."""
    for seed, name in enumerate(("a.hdf", "b.hdf", "c.hdf")):
        rng = np.random.default_rng(seed)
        cloud = rng.random((300, 256, 1)) < 0.4
        planes: dict[str, Any] = {
            "bts": (290 + rng.normal(size=(300, 256, 3)) - 40 * cloud * [0, 1, 0]).astype("f4"),
            "refs": rng.random((300, 256, 6)),
            "bayes": cloud.astype("u1"),
            "summary": cloud.astype("i8"),
        }
        with h5py.File(root / name, "w") as file:
            for key, plane in (planes | replaced).items():
                if plane is not None:
                    file[key] = plane(planes.get(key)) if callable(plane) else plane
    return root


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


def test_a_channel_that_is_constant_has_no_weight() -> None:
    rng = np.random.default_rng(3)
    cloud = rng.random(500) < 0.5
    pixels = rng.normal(size=(500, 2)) + cloud[:, None]
    night = np.concatenate([pixels, np.zeros((500, 3))], axis=1)
    by_day, by_night = fit_discriminant(pixels, cloud), fit_discriminant(night, cloud)
    np.testing.assert_allclose(by_night.weights, [*by_day.weights, 0, 0, 0], atol=1e-9)
    assert by_night.offset == pytest.approx(by_day.offset)


@pytest.mark.parametrize(
    ("bayes", "share"),
    [(lambda v: v * 255.0, 0.4), (lambda v: v * 10, 0.4), (lambda v: v * 0, 0), (lambda v: v | 1, 1)],
)
def test_statistics_are_of_the_labels_however_they_are_coded(tmp_path: Path, bayes: Any, share: float) -> None:
    found = scene_statistics(scenes(tmp_path, bayes=bayes), SPLITS)
    assert found["cloud_share"] == {"train": pytest.approx(share, abs=0.02), "test": pytest.approx(share, abs=0.02)}
    linear = found["baselines"]["linear_discriminant"]
    if 0 < share < 1:
        assert linear["accuracy"] == 1
    else:
        assert linear == {"reason": f"expected clear and cloudy pixels, found a cloud share of {share:.3f}"}


def test_what_is_no_label_and_what_is_not_valid_counts_nowhere(tmp_path: Path) -> None:
    def spoilt(plane: np.ndarray) -> np.ndarray:
        plane = plane.copy()
        plane[40:200] = 255
        return plane

    valid = np.ones((300, 256, 1), "u1")
    valid[200:] = 0
    found = scene_statistics(scenes(tmp_path, bayes=spoilt, valid=valid), SPLITS)
    assert found["cloud_share"]["test"] == pytest.approx(0.4, abs=0.02)
    assert found["baselines"]["linear_discriminant"]["accuracy"] == 1


def test_a_set_with_a_scene_without_reflectances_is_scored_by_its_temperatures(tmp_path: Path) -> None:
    expected = scene_statistics(scenes(tmp_path), SPLITS)["baselines"]["linear_discriminant_thermal"]
    with h5py.File(tmp_path / "b.hdf", "r+") as file:
        del file["refs"]
    found = scene_statistics(tmp_path, SPLITS)["baselines"]
    assert found["linear_discriminant"] == {"reason": "a scene has no reflectances"}
    assert found["linear_discriminant_thermal"] == expected


def test_a_set_without_a_valid_pixel_is_refused(tmp_path: Path) -> None:
    scenes(tmp_path, bts=lambda v: v * np.nan)
    with pytest.raises(DataError, match=r"split train: expected valid pixels in tiles of 256 × 256, found 0"):
        scene_statistics(tmp_path, SPLITS)
