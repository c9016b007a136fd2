"""TensorFlow and PyTorch compute the same, model by model: same initial weights, same batches, NumPy as the referee.

A framework that is missing is an error here, and no reason to skip. The limits are in tolerances.json, beside what was
found; docs/parity.md says what each quantity is.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from parity_comparison import twin_gaps, worst
from parity_pins import pin_of, refusals
from parity_processes import Archive
from parity_subjects import FRAMEWORKS, Subject, subjects
from twin_steps import BATCHES

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("subject", subjects(), ids=lambda subject: subject.name)]
Twins = Mapping[str, Mapping[tuple[str, str], Archive]]


def test_the_twins_agree(subject: Subject, twins: Twins) -> None:
    assert not refusals(subject, twin_gaps(twins[subject.name]), ranks=False)


def test_both_hold_the_same_variables_in_float32(subject: Subject, twins: Twins) -> None:
    states = [list(found["state"]) for found in twins[subject.name].values()]
    assert states[0]
    assert all(state == states[0] for state in states)
    assert all(variable.endswith(" float32") for variable in states[0])


@pytest.mark.parametrize("twin", FRAMEWORKS)
def test_the_steps_move_the_weights(subject: Subject, twins: Twins, twin: str) -> None:
    """A batch that comes again has another loss. It need not be a smaller one: batches have few samples."""
    found = twins[subject.name][twin, "fp32"]
    losses, gradients = found["losses"], [name for name in found if name.startswith("gradient/")]
    assert len(losses) == pin_of(subject).steps
    assert gradients
    assert any(np.abs(found[name]).max() > 0 for name in gradients)
    again = losses[BATCHES:] - losses[:-BATCHES]
    assert again.size
    assert (again != 0).all()
    assert np.isfinite(losses).all()


@pytest.mark.parametrize("twin", FRAMEWORKS)
def test_the_steps_learn_something(subject: Subject, twins: Twins, twin: str) -> None:
    losses = twins[subject.name][twin, "fp32"]["losses"]
    half = len(losses) // 2
    assert losses[half:].mean() < losses[:half].mean()


@pytest.mark.parametrize("twin", FRAMEWORKS)
def test_bfloat16_keeps_eight_bits(subject: Subject, twins: Twins, twin: str) -> None:
    exact, rounded = (twins[subject.name][twin, precision]["evaluation"] for precision in ("fp32", "bf16"))
    assert rounded.dtype == np.float32
    assert 5e-4 < worst(exact, rounded) < 0.1
