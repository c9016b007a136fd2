"""By how much two computations differ: one number for each thing that is compared, zero where they are equal."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Found = Mapping[str, NDArray]
"""What `twin_steps.py` or `rank_steps.py` has found."""

QUANTITIES = {
    "evaluation": "outputs in evaluation, difference as a part of the largest output",
    "training": "outputs in training, where batch normalisation takes the batch's own statistics, likewise",
    "loss": "loss of a step against the NumPy referee, relative; the worse twin",
    "metrics": "metrics of the test samples, relative; the worst metric",
    "gradient_norm": "norm of a variable's gradient, relative; the worst variable",
    "gradient_angle": "one minus the cosine between a variable's gradients; the worst variable",
    "first_steps": "losses of the first 6 optimiser steps, relative; the worst step",
    "all_steps": "losses of 20 steps, likewise (dmsnet: of 4)",
    "statistics": "running statistics of batch normalisation after these steps, part of the largest; the worst layer",
    "bf16_angle": "one minus the cosine between a twin's whole gradients in bfloat16 and in float32; the worse twin",
}
"""What is compared between the twins."""

RANK_QUANTITIES = {
    "ranks_losses": "losses of single steps from the same weights, relative; the worst step",
    "ranks_gradients": "a variable's gradients of these steps, norm of the difference, relative; the worst variable",
    "ranks_statistics": "running statistics of batch normalisation after these steps, part of the largest",
    "ranks_training": "losses of the same steps one after another, relative; the worst step",
    "ranks_metrics": "metrics of an evaluation after them, relative; the worst metric",
}
"""What is compared between one rank and several."""

FIRST_STEPS = 6
SILENT = 1e-5
"""A variable whose gradient is less than this part of the whole is held against the whole: rounding is all of it."""


def twin_gaps(found: Mapping[tuple[str, str], Found]) -> dict[str, float]:
    """Compare what was found by twin and precision."""
    in_bf16 = [between_precisions(found[twin, "fp32"], found[twin, "bf16"]) for twin in ("pt", "tf")]
    return between_twins(found["pt", "fp32"], found["tf", "fp32"]) | _worst_of(in_bf16)


def rank_gaps(found: Mapping[tuple[str, int], Found]) -> dict[str, float]:
    """Compare what was found by twin and number of ranks."""
    return _worst_of([between_ranks(found[twin, 1], several) for (twin, ranks), several in found.items() if ranks > 1])


def _worst_of(gaps: list[dict[str, float]]) -> dict[str, float]:
    return {quantity: max(gap[quantity] for gap in gaps) for quantity in gaps[0]}


def between_twins(pt: Found, tf: Found) -> dict[str, float]:
    """Compare what the twins have found in float32."""
    found = {name: worst(pt[name], tf[name]) for name in ("evaluation", "training")}
    found["loss"] = max(relative(twin["referee"], twin["tested"]) for twin in (pt, tf))
    found["metrics"] = max(relative(pt[name], tf[name]) for name in under(pt, "metric/"))
    found["gradient_norm"], found["gradient_angle"] = gradients(pt, tf)
    found["first_steps"] = relative(pt["losses"][:FIRST_STEPS], tf["losses"][:FIRST_STEPS])
    found["all_steps"] = relative(pt["losses"], tf["losses"])
    return found | statistics("statistics", pt, tf)


def between_precisions(exact: Found, rounded: Found) -> dict[str, float]:
    """Compare what a twin has found in float32 and in bfloat16."""
    return {"bf16_angle": angle(whole(exact), whole(rounded))}


def between_ranks(one: Found, several: Found) -> dict[str, float]:
    """Compare what one rank has found with what several have."""
    floor = SILENT * float(np.linalg.norm(whole(one)))
    gaps = [
        float(np.linalg.norm(several[name] - one[name])) / max(float(np.linalg.norm(one[name])), floor)
        for name in under(one, "gradient/")
    ]
    found = {"ranks_losses": relative(one["losses"], several["losses"]), "ranks_gradients": max(gaps)}
    found["ranks_training"] = relative(one["training"], several["training"])
    found["ranks_metrics"] = max(relative(one[name], several[name]) for name in under(one, "metric/"))
    return found | statistics("ranks_statistics", one, several)


def statistics(name: str, first: Found, second: Found) -> dict[str, float]:
    """Compare running statistics, where there are any."""
    running = [key for key in first if key.startswith("statistics/")]
    return {name: max(worst(first[key], second[key]) for key in running)} if running else {}


def gradients(first: Found, second: Found) -> tuple[float, float]:
    """Return the worst difference of norms and the worst angle over all variables."""
    floor = SILENT * float(np.linalg.norm(whole(first)))
    norms, angles = [], []
    for name in under(first, "gradient/"):
        ours, theirs = (found[name].astype(np.float64).ravel() for found in (first, second))
        size = float(np.linalg.norm(ours))
        norms.append(abs(float(np.linalg.norm(theirs)) - size) / max(size, floor))
        if size > floor:
            angles.append(angle(ours, theirs))
    return max(norms), max(angles)


def whole(found: Found) -> NDArray[np.float64]:
    """Return the gradients of all variables as one vector."""
    return np.concatenate([found[name].astype(np.float64).ravel() for name in under(found, "gradient/")])


def angle(first: NDArray, second: NDArray) -> float:
    """Return one minus the cosine; from the difference of the unit vectors, which keeps small angles exact."""
    apart = first / np.linalg.norm(first) - second / np.linalg.norm(second)
    return float(apart @ apart / 2)


def under(found: Found, prefix: str) -> list[str]:
    """Names that begin so; finding none is a fault of the suite."""
    names = [name for name in found if name.startswith(prefix)]
    assert names, f"expected names that begin with {prefix}, found none"
    return names


def worst(first: NDArray, second: NDArray) -> float:
    """Return the largest difference as a part of the largest value."""
    return float(np.abs(first - second).max() / np.abs(first).max())


def relative(first: NDArray, second: NDArray) -> float:
    """Return the largest relative difference."""
    return float((np.abs(first - second) / np.maximum(np.abs(first), 1e-12)).max())
