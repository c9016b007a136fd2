"""What is pinned: every model, with limits that can be missed, and a page that says the same."""

from __future__ import annotations

import math
from pathlib import Path

import measure
import numpy as np
import parity_pins
import pytest
from parity_comparison import QUANTITIES, RANK_QUANTITIES, angle, between_ranks, between_twins
from parity_pins import CEILING, FILE, OUTSIDE, Pin, limit, load
from parity_subjects import subjects


def test_every_model_of_the_checkout_is_pinned() -> None:
    pins = load()
    assert pins.keys() - {OUTSIDE} == {subject.name for subject in subjects() if not subject.outside}
    for name, pin in pins.items():
        wanted = QUANTITIES | (RANK_QUANTITIES if pin.ranks else {})
        assert wanted.keys() - pin.limits.keys() <= {"statistics", "ranks_statistics"}, name
        assert max(pin.limits.values()) <= CEILING
        assert all(value <= pin.limits[quantity] for quantity, value in pin.found.items())


def test_the_page_says_what_is_pinned() -> None:
    page = measure.PAGE.read_text(encoding="utf-8")
    assert page == measure.page(load()), (
        f"{measure.PAGE}: expected the numbers of {FILE} — make both with measure.py --pin"
    )


@pytest.mark.parametrize(
    ("quantity", "found", "expected"),
    [("all_steps", 1.2e-3, 2e-2), ("all_steps", 1e-3, 1e-2), ("all_steps", 0.0, 2e-6), ("metrics", 1e-6, 5e-4),
     ("gradient_angle", 0.0, 1e-11), ("bf16_angle", 0.13, CEILING)],
)  # fmt: skip
def test_a_limit_follows_from_what_was_found(quantity: str, found: float, expected: float) -> None:
    assert math.isclose(limit(quantity, found), expected)


def test_what_differs_altogether_is_not_pinned() -> None:
    with pytest.raises(AssertionError, match="a twin is wrong"):
        limit("gradient_norm", 0.5)


@pytest.mark.parametrize(
    ("afresh", "found", "limits"), [(False, (2e-4, 3e-4), (2e-3, 3e-3)), (True, (1e-4, 3e-4), (1e-3, 3e-3))]
)
def test_the_most_of_all_processors_is_pinned(
    afresh: bool, found: tuple[float, ...], limits: tuple[float, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parity_pins, "FILE", tmp_path / "tolerances.json")
    before = Pin(samples=8, found={"loss": 2e-4, "all_steps": 1e-4}, limits={"loss": 2e-3, "all_steps": 1e-3})
    parity_pins.save({"a": before})
    measure.pin({"a": {"loss": 1e-4, "all_steps": 3e-4}}, afresh=afresh)
    after = load()["a"]
    assert after.samples == 8
    assert (after.found["loss"], after.found["all_steps"]) == found
    assert (after.limits["loss"], after.limits["all_steps"]) == limits


def made(**changes: object) -> dict[str, np.ndarray]:
    """Return what a twin could find."""
    found = {
        "evaluation": [1.0, 2.0], "training": [1.0, -4.0], "referee": 2.0, "tested": 2.0,
        "losses": np.arange(20.0, 0, -1),
        "metric/loss": 1.0, "gradient/a/kernel": [3.0, 4.0], "gradient/b/bias": [1e-7],
        "statistics/n/mean": [2.0, 1.0],
    }  # fmt: skip
    return {name: np.array(value) for name, value in (found | changes).items()}


@pytest.mark.parametrize(
    ("changes", "quantity", "gap"),
    [
        ({"evaluation": [1.0, 2.2]}, "evaluation", 0.1),
        ({"training": [1.4, -4.0]}, "training", 0.1),
        ({"tested": 2.2}, "loss", 0.1),
        ({"metric/loss": 1.1}, "metrics", 0.1),
        ({"gradient/a/kernel": [3.3, 4.4]}, "gradient_norm", 0.1),
        ({"gradient/a/kernel": [4.0, 3.0]}, "gradient_angle", 0.04),
        ({"losses": [20.0, 20.9, *range(18, 0, -1)]}, "first_steps", 0.1),
        ({"losses": [*range(20, 1, -1), 1.1]}, "all_steps", 0.1),
        ({"statistics/n/mean": [2.0, 1.2]}, "statistics", 0.1),
    ],
)
def test_each_difference_is_seen_by_its_quantity(changes: dict[str, object], quantity: str, gap: float) -> None:
    found = between_twins(made(), made(**changes))
    assert found[quantity] == pytest.approx(gap)
    others = {name for name, value in found.items() if value > 1e-9} - {quantity}
    assert others <= {"all_steps"}


def test_a_gradient_that_is_rounding_alone_is_held_against_the_whole() -> None:
    found = between_twins(made(), made(**{"gradient/b/bias": [-3e-7]}))
    assert found["gradient_norm"] == pytest.approx(2e-7 / 5e-5)
    assert found["gradient_angle"] == 0


def test_small_angles_keep_their_digits() -> None:
    assert angle(np.array([1.0, 0.0]), np.array([1.0, 1e-9])) == pytest.approx(5e-19)


def test_a_lost_share_is_seen_between_ranks() -> None:
    found = between_ranks(made(), made(**{"gradient/a/kernel": [3.0, 4.5], "losses": np.arange(20.0, 0, -1) * 1.1}))
    assert found["ranks_gradients"] == pytest.approx(0.1)
    assert found["ranks_losses"] == pytest.approx(0.1)
    assert found["ranks_metrics"] == found["ranks_training"] == found["ranks_statistics"] == 0
