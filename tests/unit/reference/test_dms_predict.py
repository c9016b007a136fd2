"""Mode predict of the classifier, with a rule in place of a model: what is written, scored, drawn and refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray
from numpy_twin import NumpyBackend
from PIL import Image
from small_sets import DMS_STATISTICS, dms_files, dms_patterns, prediction_of, write_set

from reference.dms_classifier import facts, metrics, picture
from reference.dms_classifier.predict import classify, predict
from reference.dms_classifier.task import PhaseTask
from reference.runtime import runconfig
from reference.runtime.backend import Batch
from reference.runtime.errors import DataError, Refused


class BrightnessBackend(NumpyBackend):
    """Says tetragonal where a pattern is brighter than twelve counts: class 1 of the small sets."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Batch] = []

    def forward(self, batch: Batch) -> NDArray[Any]:
        self.seen.append(batch)
        return 10 * (batch["images_NHWC"].mean((1, 2, 3)) + 0.3)


@pytest.fixture
def predicted(write_run, tmp_path: Path):
    """Predict from some files and return the document, the folder of artifacts and the backend."""

    def do(*inputs: Path, **hyperparameters: Any) -> tuple[dict[str, Any], Path, BrightnessBackend]:
        run = runconfig.load(write_run(prediction_of("dms_classifier", *inputs, **hyperparameters)))
        task, backend = PhaseTask(run), BrightnessBackend()
        task.memory = {"mean": 4.0, "deviation": 2.0}
        predict(run, task, backend)
        folder = run.output.artifacts
        return json.loads((folder / "predictions.json").read_text(encoding="utf-8")), folder, backend

    return do


@pytest.fixture
def three_patterns(tmp_path: Path) -> Path:
    """Return a file of three patterns, of which the last two are of class 1."""
    return write_set(tmp_path / "data", dms_files(), DMS_STATISTICS) / "test" / "dms_phases.h5"


def logits_of(images: NDArray[np.float32]) -> NDArray[np.float64]:
    return 10 * (((np.sqrt(images[..., 0]) - 4) / 2).mean((1, 2)) + 0.3).astype(np.float64)


def test_classes_and_probabilities_of_every_pattern_are_written(predicted, three_patterns) -> None:
    document, folder, _ = predicted(three_patterns)
    (found,) = document["predictions"]
    assert found["summary"] == "3 patterns, 2 of them tetragonal"
    assert (found["input"], found["details"]) == (str(three_patterns), {"patterns": 3})
    assert found["files"] == {"classes": "000-dms_phases.classes.h5", "picture": "000-dms_phases.png"}
    assert document["model"] == {"checkpoint": "/model.npz", "model": "cnn"}
    images, labels = dms_patterns(3, 2)
    with h5py.File(folder / found["files"]["classes"]) as file:
        assert file["class"][:].tolist() == labels.tolist()
        np.testing.assert_allclose(file["probability"][:], 1 / (1 + np.exp(-logits_of(images))), atol=1e-5)
        assert dict(file.attrs) == {"class": "0 monoclinic, 1 tetragonal", "probability": "of tetragonal"}


def test_patterns_with_labels_are_scored_beside_the_commoner_class(predicted, three_patterns) -> None:
    with h5py.File(three_patterns, "a") as file:
        file["labels"][...] = [1, 1, 0]
    (found,) = predicted(three_patterns)[0]["predictions"]
    labels = np.array([1, 1, 0])
    assert found["scores"].keys() == {"labels"}
    model, rival = (found["scores"]["labels"][name] for name in ("model", "commoner class"))
    assert model == pytest.approx(metrics.scores(logits_of(dms_patterns(3, 2)[0]), labels), rel=1e-4)
    assert (rival["accuracy"], rival["balanced_accuracy"]) == (pytest.approx(2 / 3), 0.5)
    with h5py.File(three_patterns, "a") as file:
        file["labels"][...] = [1, 0, 0]
    (found,) = predicted(three_patterns)[0]["predictions"]
    assert found["scores"]["labels"]["commoner class"]["accuracy"] == pytest.approx(2 / 3)


def test_a_single_pattern_without_a_label_has_its_class_for_a_summary(predicted, tmp_path) -> None:
    images, _ = dms_patterns(3, 2)
    for number in range(2):
        np.save(tmp_path / f"one{number}.npy", images[number])
    document, *_ = predicted(tmp_path / "one1.npy", tmp_path / "one0.npy")
    probability = 1 / (1 + np.exp(-logits_of(images)))
    assert [entry["summary"] for entry in document["predictions"]] == [
        f"tetragonal {probability[1]:.2f}", f"monoclinic {1 - probability[0]:.2f}"
    ]  # fmt: skip
    assert [entry["scores"] for entry in document["predictions"]] == [{}, {}]
    assert document["predictions"][1]["files"]["picture"] == "001-one0.png"


def test_each_pattern_is_timed_after_one_to_warm_up(predicted, three_patterns) -> None:
    document, _, backend = predicted(three_patterns, three_patterns)
    assert len(backend.seen) == 1 + 3 + 3
    timing = document["timing"]
    assert (timing["items"], timing["unit"], timing["warmup"]) == (6, "patterns", 1)


def test_dmsnet_is_asked_with_all_its_units(predicted, three_patterns) -> None:
    _, _, backend = predicted(three_patterns, model="dmsnet")
    for number, units in enumerate(facts.HIDDEN, start=1):
        assert all(np.array_equal(batch[f"dropout{number}_NU"], np.ones((1, units))) for batch in backend.seen)


def test_a_pattern_enters_the_network_with_the_scale_of_the_training(write_run) -> None:
    run = runconfig.load(write_run(prediction_of("dms_classifier", "/in.h5")))
    task, backend = PhaseTask(run), BrightnessBackend()
    task.memory = {"mean": 4.0, "deviation": 2.0}
    assert classify(np.full((487, 195), 16), task, backend) == pytest.approx(3)
    assert backend.seen[0]["images_NHWC"].shape == (1, 487, 195, 1)
    task.memory = {"mean": 3.0, "deviation": 1.0}
    assert classify(np.full((487, 195), 16), task, backend) == pytest.approx(13)


def test_no_input_is_refused(predicted) -> None:
    with pytest.raises(
        Refused, match=r"\$\.data\.inputs: expected at least one file, .*, found none — name the files of patterns"
    ):
        predicted()


def test_a_label_that_is_no_class_is_refused_before_anything_is_computed(predicted, three_patterns) -> None:
    with h5py.File(three_patterns, "a") as file:
        file["labels"][1] = 2
    expected = f"{three_patterns}: labels: expected 0 monoclinic, 1 tetragonal, found 2"
    with pytest.raises(DataError, match=re.escape(expected)):
        predicted(three_patterns)


def test_the_picture_shows_the_first_patterns_each_with_its_own_white(tmp_path) -> None:
    counts = np.zeros((9, 30, 40))
    for number in range(9):
        counts[number, :, 20:] = 10.0**number
    shown = np.asarray(picture.draw(counts, [f"title {number}" for number in range(9)]))
    assert shown.shape == (30 + picture.HEADER, picture.MOST * (40 + picture.GAP) - picture.GAP)
    for number in range(picture.MOST):
        left = number * (40 + picture.GAP)
        panel = shown[picture.HEADER :, left : left + 40]
        assert (panel[:, :20] == 0).all()
        assert (panel[:, 20:] == 255).all()
        assert (shown[: picture.HEADER, left : left + 40] < 128).any(), "there is a title"
        assert (shown[:, left + 40 : left + 40 + picture.GAP] == 255).all()


def test_hot_pixels_do_not_darken_a_picture_and_darkness_is_drawn(predicted, three_patterns) -> None:
    _, folder, _ = predicted(three_patterns)
    with Image.open(folder / "000-dms_phases.png") as drawn:
        assert drawn.size == (3 * (195 + picture.GAP) - picture.GAP, 487 + picture.HEADER)
    counts = np.ones((1, 100, 100))
    counts[0, 0, 0] = 1e6
    panel = np.asarray(picture.draw(counts, ["hot"]))[picture.HEADER :]
    assert (panel == 255).all(), "one pixel of 10,000 is beyond the percentile"
    assert not np.asarray(picture.draw(0 * counts, ["dark"]))[picture.HEADER :].any()
