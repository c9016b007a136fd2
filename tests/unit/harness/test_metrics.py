"""How metrics are shown: labels and units of the registry, digits by unit and size, a dash for none."""

from __future__ import annotations

import pytest

from harness.documents import read_json
from harness.metrics import metric
from harness.paths import KEYS

SHARES = {"accuracy", "balanced_accuracy", "f1", "iou", "ssim", "mcc", "auroc"}
LESS_IS_BETTER = {"mse", "loss"}


def known() -> dict[str, dict]:
    keys = read_json(KEYS)["keys"]
    return {name.removeprefix("eval_"): entry for name, entry in keys.items() if "metric" in entry}


def test_every_metric_of_the_registry_has_its_label_and_its_direction():
    assert known().keys() == SHARES | LESS_IS_BETTER | {"psnr"}
    for name, entry in known().items():
        about = metric(name)
        assert (about.name, about.label) == (name, entry["metric"]["label"])
        assert about.better == ("min" if name in LESS_IS_BETTER else "max")
        assert about.share is (name in SHARES), "mean squared errors and losses have no upper end"


def test_labels_and_axes():
    assert [metric(name).label for name in ("psnr", "balanced_accuracy", "mcc")] == ["PSNR", "balanced accuracy", "MCC"]
    assert [metric(name).axis for name in ("psnr", "accuracy")] == ["PSNR in dB", "accuracy"]


@pytest.mark.parametrize(
    ("name", "value", "number", "text"),
    [
        ("psnr", 24.6349, "24.63", "24.63 dB"),
        ("psnr", 0.0004, "0.00", "0.00 dB"),
        ("psnr", -3.456, "-3.46", "-3.46 dB"),
        ("psnr", None, "–", "–"),
        ("accuracy", 0.93125, "0.9313", "0.9313"),
        ("accuracy", 1, "1.0000", "1.0000"),
        ("accuracy", 0.0, "0.0000", "0.0000"),
        ("mcc", -0.25, "-0.2500", "-0.2500"),
        ("mse", 0.000514, "5.14e-04", "5.14e-04"),
        ("mse", 0.001, "0.0010", "0.0010"),
        ("loss", -0.0005, "-5.00e-04", "-5.00e-04"),
        ("loss", 12.345, "12.35", "12.35"),
        ("loss", 999999.4, "999999.40", "999999.40"),
        ("loss", 1234567.0, "1.23e+06", "1.23e+06"),
        ("loss", None, "–", "–"),
    ],
)
def test_digits_go_by_unit_and_size(name, value, number, text):
    assert metric(name).number(value) == number
    assert metric(name).text(value) == text


def test_a_value_that_somebody_has_set_is_written_as_it_was_set():
    assert [metric("psnr").limit(value) for value in (24.0, 0.5)] == ["24 dB", "0.5 dB"]
    assert [metric("accuracy").limit(value) for value in (0.9, 0.0)] == ["0.9", "0"]


def test_of_a_metric_that_the_registry_does_not_know_only_the_name_is_said():
    about = metric("perceptual_distance")
    assert (about.label, about.unit, about.better, about.share) == ("perceptual distance", "", None, False)
    assert about.text(0.5) == "0.5000"
