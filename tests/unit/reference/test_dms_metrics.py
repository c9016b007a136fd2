"""Scores of two classes against SciPy, NumPy and cases that are computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from reference.dms_classifier.metrics import auroc, matthews, sample_losses, scores


def random_case(seed: int, count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Return log-odds on a coarse grid, so that many are equal, and labels that they say something about."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    return np.round(rng.standard_normal(count) + 0.8 * labels, 1), labels


@pytest.mark.parametrize("seed", range(6))
def test_the_area_is_that_of_mann_and_whitney_ties_included(seed) -> None:
    logits, labels = random_case(seed)
    assert len(np.unique(logits)) < len(logits), "there are ties"
    statistic = mannwhitneyu(logits[labels == 1], logits[labels == 0]).statistic
    expected = statistic / ((labels == 1).sum() * (labels == 0).sum())
    assert auroc(logits, labels) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("values", "labels", "expected"),
    [
        ([1, 2, 3, 4], [0, 0, 1, 1], 1.0),
        ([4, 3, 2, 1], [0, 0, 1, 1], 0.0),
        ([1, 3, 2, 4], [0, 0, 1, 1], 0.75),
        ([5, 5, 5, 5], [0, 0, 1, 1], 0.5),
        ([1, 2, 2, 3], [0, 0, 1, 1], 0.875),
        ([1, 2, 3], [1, 1, 1], 0.5),
        ([1, 2, 3], [0, 0, 0], 0.5),
    ],
)
def test_the_area_of_small_cases(values, labels, expected) -> None:
    assert auroc(np.array(values), np.array(labels)) == expected


@pytest.mark.parametrize("seed", range(6))
def test_mcc_is_the_correlation_of_what_is_said_and_what_is_so(seed) -> None:
    logits, labels = random_case(seed)
    assert scores(logits, labels)["mcc"] == pytest.approx(np.corrcoef(logits >= 0, labels)[0, 1], rel=1e-12)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ((6, 1, 2, 3), (6 * 3 - 1 * 2) / math.sqrt(7 * 8 * 4 * 5)),
        ((5, 0, 0, 5), 1.0),
        ((0, 5, 5, 0), -1.0),
        ((7, 3, 0, 0), 0.0),
        ((0, 0, 7, 3), 0.0),
        ((7, 0, 3, 0), 0.0),
        ((0, 3, 0, 7), 0.0),
        ((10**9, 1, 1, 10**9), 1.0 - 2 / (10**9 + 1)),
    ],
    ids=["mixed", "right", "wrong", "always 1", "always 0", "no negative", "no positive", "large"],
)
def test_mcc_of_a_table_also_where_a_row_or_a_column_is_empty(table, expected) -> None:
    assert matthews(*table) == pytest.approx(expected, rel=1e-12)


def test_a_case_by_hand() -> None:
    """Of six positives four are found, of two negatives one."""
    logits = np.array([1.0, 2.0, 0.5, 0.0, -1.0, -2.0, -0.5, 3.0])
    labels = np.array([1, 1, 1, 1, 1, 1, 0, 0])
    found = scores(logits, labels)
    assert list(found) == ["accuracy", "balanced_accuracy", "mcc", "auroc", "loss"]
    assert found["accuracy"] == 5 / 8, "a log-odds of 0 says class 1"
    assert found["balanced_accuracy"] == pytest.approx((4 / 6 + 1 / 2) / 2)
    assert found["mcc"] == pytest.approx((4 * 1 - 1 * 2) / math.sqrt(5 * 6 * 2 * 3))
    assert found["auroc"] == 4 / 12, "-0.5 lies below four of the six, 3 below none"
    signed = np.where(labels == 1, logits, -logits)
    assert found["loss"] == pytest.approx(np.mean([math.log(1 + math.exp(-value)) for value in signed]))


def test_always_the_commoner_class_has_chance_scores() -> None:
    labels = np.array([1] * 7 + [0] * 3)
    found = scores(np.ones(10), labels)
    assert (found["accuracy"], found["balanced_accuracy"], found["mcc"], found["auroc"]) == (0.7, 0.5, 0.0, 0.5)


@pytest.mark.parametrize("label", [0, 1])
def test_where_a_class_is_absent_the_other_ones_recall_is_the_balanced_accuracy(label) -> None:
    found = scores(np.array([1.0, 1.0, 1.0, -1.0]), np.full(4, label))
    assert found["balanced_accuracy"] == found["accuracy"] == (0.75 if label else 0.25)
    assert (found["mcc"], found["auroc"]) == (0.0, 0.5)


def test_losses_do_not_overflow() -> None:
    logits, labels = np.array([800.0, -800.0, 800.0, 0.0], np.float32), np.array([1, 1, 0, 0])
    assert sample_losses(logits, labels).tolist() == [0.0, 800.0, 800.0, pytest.approx(math.log(2))]
    assert sample_losses(logits, labels).dtype == np.float64
