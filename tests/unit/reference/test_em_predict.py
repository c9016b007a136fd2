"""Mode predict of the denoisers, with arithmetic in place of a model: sizes, units, scores, pictures, refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray
from numpy_twin import NumpyBackend
from PIL import Image
from small_sets import EM_STATISTICS, em_files, em_images, prediction_of, write_set

from reference.em_denoise import classical, metrics, micrographs, picture
from reference.em_denoise.data import Scale
from reference.em_denoise.inputs import read
from reference.em_denoise.noise import flat_field, noise_level
from reference.em_denoise.predict import denoise, predict
from reference.em_denoise.task import DenoiseTask
from reference.runtime import runconfig
from reference.runtime.backend import Batch
from reference.runtime.errors import DataError, Refused

MEMORY = {"mean": 1.0, "deviation": 0.05, "data_range": 0.4}


class LowerBackend(NumpyBackend):
    """Takes one unit of the network away from every pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Batch] = []

    def forward(self, batch: Batch) -> NDArray[Any]:
        self.seen.append(batch)
        return batch["noisy_NHWC"][..., 0] - np.float32(1)


@pytest.fixture
def ready(write_run) -> Callable[..., tuple[runconfig.RunConfig, DenoiseTask, LowerBackend]]:
    def make(*inputs: Path, **hyperparameters: Any) -> tuple[runconfig.RunConfig, DenoiseTask, LowerBackend]:
        settings = {"flat_field": "none"} | hyperparameters
        run = runconfig.load(write_run(prediction_of("em_denoise", *inputs, **settings)))
        task = DenoiseTask(run)
        task.memory = MEMORY
        return run, task, LowerBackend()

    return make


@pytest.fixture
def predicted(ready) -> Callable[..., tuple[dict[str, Any], Path, LowerBackend]]:
    """Predict from some files and return the document, the folder of artifacts and the backend."""

    def do(*inputs: Path, **hyperparameters: Any) -> tuple[dict[str, Any], Path, LowerBackend]:
        run, task, backend = ready(*inputs, **hyperparameters)
        predict(run, task, backend)
        folder = run.output.artifacts
        return json.loads((folder / "predictions.json").read_text(encoding="utf-8")), folder, backend

    return do


@pytest.fixture
def noisy_file(tmp_path: Path) -> Path:
    return write_set(tmp_path / "data", em_files(), EM_STATISTICS) / "test" / "graphene_img_noise.h5"


@pytest.fixture
def micrograph(tmp_path: Path) -> Path:
    """Return an image that is no multiple of eight in size."""
    Image.fromarray((900 * em_images("train", 1)[0][0, :61, :90, 0]).astype(np.uint16)).save(tmp_path / "a.tif")
    return tmp_path / "a.tif"


@pytest.mark.parametrize(("shape", "inside"), [((64, 40), (64, 40)), ((33, 47), (40, 48)), ((39, 32), (40, 32))])
def test_an_image_of_any_size_is_reflected_at_its_end_and_cut_again(shape, inside, ready) -> None:
    _, task, backend = ready("/in.h5")
    image = np.random.default_rng(1).uniform(0.5, 1.5, shape).astype(np.float32)
    found = denoise(image, task, backend)
    np.testing.assert_allclose(found, image - 0.05, atol=1e-6, err_msg="one unit of the network is the deviation")
    seen = backend.seen[0]["noisy_NHWC"]
    assert (seen.shape, seen.dtype) == ((1, *inside, 1), np.float32)
    rows, columns = shape
    np.testing.assert_allclose(seen[0, :rows, :columns, 0], (image - 1) / 0.05, atol=1e-4)
    np.testing.assert_array_equal(seen[0, rows:], seen[0, rows - 2 : 2 * rows - inside[0] - 2 : -1])
    assert set(backend.seen[0]) == {"noisy_NHWC"}


def test_models_are_told_what_they_ask_for(ready) -> None:
    image = em_images("test", 2)[0][0, :64, :64, 0]
    _, task, backend = ready("/in.h5", model="ffdnet")
    denoise(image, task, backend)
    (level,) = backend.seen[0]["noise_level_N"]
    assert level == pytest.approx(noise_level(image) / 0.05, rel=1e-4), "in the network's unit"
    _, task, backend = ready("/in.h5", model="class_aware")
    denoise(image, task, backend)
    assert backend.seen[0]["class_NK"].tolist() == [[0.25] * 4], "the class is not known"


def test_illumination_is_evened_out_where_the_model_was_trained_so(ready) -> None:
    image = em_images("test", 2)[0][0, ..., 0]
    _, task, backend = ready("/in.h5", flat_field="local_mean")
    np.testing.assert_allclose(denoise(image, task, backend), flat_field(image) - 0.05, atol=1e-5)


def test_images_with_clean_neighbours_are_scored_beside_doing_nothing(predicted, noisy_file) -> None:
    document, folder, _ = predicted(noisy_file)
    (found,) = document["predictions"]
    noisy, clean = (images[..., 0] for images in em_images("test", 2))
    expected = metrics.means(metrics.sums(noisy - np.float32(0.05), clean, 0.4))
    assert found["scores"].keys() == {"clean"}
    assert found["scores"]["clean"]["model"] == pytest.approx(expected, rel=1e-4)
    assert found["scores"]["clean"]["identity"] == pytest.approx(metrics.means(metrics.sums(noisy, clean, 0.4)))
    assert found["summary"] == f"2 images denoised, PSNR {expected['psnr']:.2f} dB"
    assert found["details"] == {"brought": None, "rows": 256, "columns": 256}
    assert document["model"] == {"checkpoint": "/model.npz", "model": "unet"}
    assert found["files"] == {"images": "000-graphene_img_noise.denoised.h5", "picture": "000-graphene_img_noise.png"}
    with h5py.File(folder / found["files"]["images"]) as file:
        np.testing.assert_allclose(file["images"], noisy[..., None] - 0.05, atol=1e-6)
        assert file.attrs["source"] == "graphene_img_noise.h5"
    with Image.open(folder / found["files"]["picture"]) as drawn:
        assert drawn.size == (4 * (256 + picture.GAP) - picture.GAP, 256 + picture.HEADER)


def test_what_is_written_can_be_read_again(predicted, noisy_file) -> None:
    _, folder, _ = predicted(noisy_file)
    found = read(folder / "000-graphene_img_noise.denoised.h5", Scale(**MEMORY))
    np.testing.assert_allclose(found.noisy, em_images("test", 2)[0][..., 0] - 0.05, atol=1e-6)


def test_a_micrograph_without_truth_is_measured_beside_classical_filters(predicted, ready, micrograph) -> None:
    document, folder, _ = predicted(micrograph)
    (found,) = document["predictions"]
    _, task, _ = ready(micrograph)
    noisy = read(micrograph, task.scale).noisy[0]
    assert found["summary"] == "1 image denoised"
    assert found["scores"].keys() == {"no truth"}
    rows = found["scores"]["no truth"]
    assert list(rows) == ["model", "gaussian_filter", "non_local_means"]
    assert rows["model"] == pytest.approx(micrographs.measure(noisy, noisy - np.float32(0.05)), rel=1e-3, abs=1e-4)
    blurred = micrographs.measure(noisy, classical.gaussian_filter(noisy))
    assert rows["gaussian_filter"] == pytest.approx(blurred, rel=1e-6)
    assert (found["details"]["rows"], found["details"]["columns"]) == (61, 90)
    assert found["details"]["brought"].startswith("median and")
    with Image.open(folder / "000-a.png") as drawn:
        assert drawn.size == (3 * (90 + picture.GAP) - picture.GAP, 61 + picture.HEADER)


def test_each_image_is_timed_after_one_to_warm_up(predicted, noisy_file, micrograph) -> None:
    document, _, backend = predicted(noisy_file, micrograph)
    assert [batch["noisy_NHWC"].shape[1] for batch in backend.seen] == [256, 256, 256, 64]
    timing = document["timing"]
    assert (timing["items"], timing["unit"], timing["warmup"]) == (3, "images", 1)
    assert [Path(entry["input"]).name for entry in document["predictions"]] == [noisy_file.name, "a.tif"]


def test_no_input_is_refused(predicted) -> None:
    with pytest.raises(
        Refused, match=r"\$\.data\.inputs: expected at least one file, .*, found none — name the files to denoise"
    ):
        predicted()


def test_an_input_that_is_no_image_is_refused(predicted, tmp_path) -> None:
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(DataError, match=r"a\.png: expected a picture"):
        predicted(tmp_path / "a.png")


def test_a_picture_shows_each_panel_on_its_own_grey_scale() -> None:
    ramp = np.linspace(0, 1, 100)[None, :].repeat(50, 0).astype(np.float32)
    for clean, panels in ((None, 3), (ramp, 4)):
        drawn = np.asarray(picture.draw(ramp, 5 * ramp, 0 * ramp, clean))
        assert drawn.shape == (50 + picture.HEADER, panels * (100 + picture.GAP) - picture.GAP)
        first, second, third = (drawn[picture.HEADER :, k * 104 : k * 104 + 100] for k in range(3))
        assert (first[:, 0] == 0).all()
        assert (first[:, -1] == 255).all()
        np.testing.assert_array_equal(first, second)
        assert not third.any(), "nothing was taken away"


def test_of_a_large_image_the_middle_is_shown() -> None:
    image = np.zeros((700, 530), np.float32)
    image[94:606, 9:521] = 1
    drawn = np.asarray(picture.draw(image, image, image, None))[picture.HEADER :]
    assert drawn.shape == (512, 3 * (512 + picture.GAP) - picture.GAP)
    assert np.ptp(drawn[:, :512]) == 0, "all of it is of one grey"
