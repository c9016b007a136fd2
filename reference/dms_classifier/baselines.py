"""What comes without a network: always saying the commoner class, and a linear model of the pixels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from reference.runtime.backend import Backend, Baseline

from .facts import CLASSES

if TYPE_CHECKING:
    from .task import PhaseTask


def baselines(task: PhaseTask, _backend: Backend) -> Iterator[Baseline]:
    """Score the commoner class of the training patterns on the test patterns.

    Labels are few bytes, so every rank counts them all.
    """
    train, test = task.train.labels(), task.test.labels()
    majority = int(np.bincount(train, minlength=len(CLASSES)).argmax())
    text = f"always {CLASSES[majority]}, {float((train == majority).mean()):.4f} of the training patterns"
    yield Baseline(name="majority", metric="accuracy", value=float((test == majority).mean()), text=text)
    linear = task.statistics.get("baselines", {}).get("linear_model", {}).get("accuracy")
    if linear is not None:
        text = "ridge regression on pixels of 16 × 16; scored when the data set was made"
        yield Baseline(name="linear_model", metric="accuracy", value=float(linear), text=text, kind="classical")
