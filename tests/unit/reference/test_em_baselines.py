"""Methods without training: what their scores are, where they come from, and the filters beside micrographs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cloud_twin import Exchange, on_ranks
from numpy_twin import NumpyBackend
from scipy.ndimage import gaussian_filter
from small_sets import EM_STATISTICS, em_files, em_images, run_of, write_set

from datasets.em_denoise import baseline
from reference.em_denoise import classical, metrics
from reference.em_denoise.noise import flat_field
from reference.em_denoise.task import DenoiseTask
from reference.runtime import runconfig
from reference.runtime.backend import Baseline

TESTS = 6
"""More than are scored at a time."""


@pytest.fixture
def task_of(write_run, tmp_path: Path):
    def make(known: dict[str, Any] | None = None, flat_field: str = "none") -> DenoiseTask:
        statistics = EM_STATISTICS | ({"baselines": known} if known else {})
        root = write_set(tmp_path / "data", em_files(train=1, test=TESTS), statistics)
        changes = run_of("em_denoise", flat_field=flat_field) | {"data.directory": str(root)}
        return DenoiseTask(runconfig.load(write_run(changes)))

    return make


def psnr(images: np.ndarray, clean: np.ndarray) -> float:
    """Return the mean over images of 10·log10(L² / mean squared error)."""
    errors = ((images.astype(np.float64) - clean) ** 2).mean((1, 2))
    return float(np.mean(10 * np.log10(0.4**2 / errors)))


def test_every_test_image_counts_once(task_of) -> None:
    found = {entry.name: entry for entry in task_of().baselines(NumpyBackend())}
    noisy, clean = (images[..., 0] for images in em_images("test", TESTS))
    assert list(found) == ["identity", "mean"]
    assert found["identity"].value == pytest.approx(psnr(noisy, clean), abs=1e-3)
    assert found["mean"].value == pytest.approx(psnr(np.ones_like(clean), clean), abs=1e-3)
    assert {(entry.metric, entry.kind) for entry in found.values()} == {("psnr", "trivial")}


def test_identity_is_the_image_as_it_enters_the_network(task_of) -> None:
    found = next(iter(task_of(flat_field="local_mean").baselines(NumpyBackend())))
    noisy, clean = (images[..., 0] for images in em_images("test", TESTS))
    assert found.value == pytest.approx(psnr(np.stack([flat_field(image) for image in noisy]), clean), abs=1e-3)
    assert found.value > psnr(noisy, clean) + 1, "uneven light is most of the error"


@pytest.mark.parametrize("ranks", [2, 7])
def test_every_rank_yields_the_same_as_one(ranks, task_of) -> None:
    task = task_of()
    expected = [entry.value for entry in task.baselines(NumpyBackend())]

    def work(rank: int, exchange: Exchange) -> list[Baseline]:
        backend = NumpyBackend()
        backend.rank = rank
        backend.facts = backend.facts.__class__(**{**backend.facts.__dict__, "ranks": ranks})
        backend.allreduce_sum = lambda values, name: exchange.sum(rank, values)
        return list(task.baselines(backend))

    for entries in on_ranks(ranks, work):
        assert [entry.value for entry in entries] == pytest.approx(expected)


def test_classical_methods_come_from_the_manifest_where_it_has_them(task_of) -> None:
    known = {"gaussian_filter": {"psnr": 21.5}, "non_local_means": {"psnr": 20.25}, "identity": {"psnr": 1.0}}
    classics = list(task_of(known).baselines(NumpyBackend()))[2:]
    assert all(entry.text.endswith(", levelled; scored when the data set was made") for entry in classics)
    assert [(entry.name, entry.value, entry.kind) for entry in classics] == [
        ("gaussian_filter", 21.5, "classical"), ("non_local_means", 20.25, "classical"),
    ]  # fmt: skip
    assert [entry.name for entry in task_of({"non_local_means": {"psnr": 1}}).baselines(NumpyBackend())][2:] == [
        "non_local_means"
    ]


def test_filters_beside_micrographs_are_set_as_those_that_the_manifest_scores() -> None:
    assert (classical.BLUR_PIXELS, classical.PATCH, classical.STRENGTH) == (
        baseline.BLUR, baseline.PATCH, baseline.STRENGTH,
    )  # fmt: skip


def test_the_gaussian_filter_is_that_of_scipy() -> None:
    image = em_images("test", 2)[0][0, ..., 0]
    found = classical.gaussian_filter(image)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, gaussian_filter(image, 1.5, mode="reflect", truncate=4), atol=1e-5)


def test_filters_take_noise_away_and_leave_an_image_without_noise() -> None:
    row, column = np.mgrid[:96, :96]
    clean = (1 + 0.1 * np.sin(row / 5) * np.sin(column / 6)).astype(np.float32)
    noisy = clean + np.random.default_rng(1).normal(0, 0.05, clean.shape).astype(np.float32)
    before = float(metrics.sample_losses(noisy[None], clean[None])[0])
    filtered = classical.filtered(noisy)
    assert list(filtered) == ["gaussian_filter", "non_local_means"]
    for image in filtered.values():
        assert image.dtype == np.float32
        assert metrics.sample_losses(image[None], clean[None])[0] < 0.4 * before
    flat = np.full((48, 48), 0.7, np.float32)
    for image in classical.filtered(flat).values():
        np.testing.assert_allclose(image, flat, rtol=1e-6)
