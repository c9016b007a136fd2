"""TensorFlow and PyTorch compute the same: same initial weights, same batches, NumPy as the referee.

A framework that is missing is an error here, and no reason to skip. The tolerances were measured (float32, one rank,
one thread, oneDNN on AVX2) and pinned at a few times what was found, which is written beside each.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import twin_steps
from parity_runs import OPTIONS, environment, write_run

from reference.slstr_cloud import metrics, model

TWINS = ("pt", "tf")
Found = dict[str, dict[str, np.ndarray]]

FORWARD = 2e-5  # found: 3.5e-6 of the largest logit
GRADIENT_NORM = 3e-6  # found: 8e-7
GRADIENT_ANGLE = 1e-11  # found: 7e-13, as 1 − cosine
LOSS = 1e-6  # found: 1e-7
FIRST_STEPS = 5e-6  # found: 9e-7 over the first six steps
ALL_STEPS = 1e-2  # found: 1.6e-3; rounding grows through Adam's sign-like steps where a gradient is near zero


def compute(folder: Path, *, precision: str, steps: int) -> Found:
    """Let each twin compute in a process of its own."""
    results = {}
    for twin in TWINS:
        options = OPTIONS | {"learning_rate": 1e-4}
        run_file = write_run(folder / twin, twin, mode="predict", hyperparameters=options, precision=precision)
        out = folder / f"{twin}.npz"
        command = [sys.executable, twin_steps.__file__, twin, str(run_file), str(out), str(steps)]
        done = subprocess.run(command, env=environment(), text=True, capture_output=True, timeout=500, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        with np.load(out) as archive:
            results[twin] = {name: archive[name] for name in archive.files}
    return results


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    return compute(tmp_path_factory.mktemp("fp32"), precision="fp32", steps=twin_steps.STEPS)


@pytest.fixture(scope="module")
def found_in_bf16(tmp_path_factory: pytest.TempPathFactory) -> Found:
    return compute(tmp_path_factory.mktemp("bf16"), precision="bf16", steps=1)


def test_both_speak_of_the_same_things_in_float32(found: Found) -> None:
    shapes = [{name: (array.shape, array.dtype) for name, array in found[twin].items()} for twin in TWINS]
    assert shapes[0] == shapes[1]
    floats = {name: array.dtype for name, array in found["pt"].items() if name != "step_losses"}
    assert set(floats.values()) == {np.dtype(np.float32)}


def test_forward_and_loss(found: Found) -> None:
    pt, tf = (found[twin]["forward"] for twin in TWINS)
    assert np.abs(pt - tf).max() <= FORWARD * np.abs(pt).max()
    batch = twin_steps.batches()[0]
    for twin in TWINS:
        label, valid = batch["label_NHW"] == 1, batch["valid_NHW"] == 1
        referee = metrics.sample_losses(found[twin]["forward"], label, valid).mean()
        assert found[twin]["loss"] == pytest.approx(referee, rel=LOSS)
        assert found[twin]["step_losses"][0] == pytest.approx(referee, rel=LOSS)


@pytest.mark.parametrize("layer", model.layers(9))
@pytest.mark.parametrize("part", ["kernel", "bias"])
def test_gradients(found: Found, layer: str, part: str) -> None:
    pt, tf = (found[twin][f"gradient/{layer}/{part}"].astype(np.float64).ravel() for twin in TWINS)
    assert np.linalg.norm(pt) > 0
    assert np.linalg.norm(tf) == pytest.approx(np.linalg.norm(pt), rel=GRADIENT_NORM)
    assert 1 - pt @ tf / np.linalg.norm(pt) / np.linalg.norm(tf) <= GRADIENT_ANGLE


@pytest.mark.parametrize("twin", TWINS)
def test_adam_is_algorithm_1(found: Found, twin: str) -> None:
    names = [
        name.removeprefix("adam/") for name in found[twin] if f"gradient/{name.removeprefix('adam/')}" in found[twin]
    ]
    shapes = {name: found[twin][f"adam/{name}"].shape for name in names}
    first, second, moved = ({name: np.zeros(shape) for name, shape in shapes.items()} for _ in range(3))
    for step in range(1, 4):
        for name, gradient in twin_steps.adam_gradients(shapes, step - 1).items():
            first[name] = 0.9 * first[name] + 0.1 * gradient
            second[name] = 0.999 * second[name] + 0.001 * gradient.astype(np.float64) ** 2
            root = np.sqrt(second[name] / (1 - 0.999**step))
            moved[name] -= twin_steps.LEARNING_RATE * first[name] / (1 - 0.9**step) / (root + twin_steps.EPSILON)
    assert len(names) == 30
    for name in names:
        np.testing.assert_allclose(found[twin][f"adam/{name}"], moved[name], rtol=1e-4, atol=1e-6)


def test_twenty_steps(found: Found) -> None:
    pt, tf = (found[twin]["step_losses"] for twin in TWINS)
    assert len(pt) == 20
    assert pt[-1] < 0.7 * pt[0]
    np.testing.assert_allclose(tf[:6], pt[:6], rtol=FIRST_STEPS)
    np.testing.assert_allclose(tf, pt, rtol=ALL_STEPS)


@pytest.mark.slow
def test_bf16_computes_in_bf16_and_keeps_float32(found: Found, found_in_bf16: Found) -> None:
    for twin in TWINS:
        exact, rounded = found[twin], found_in_bf16[twin]
        away = np.abs(exact["forward"] - rounded["forward"]).max() / np.abs(exact["forward"]).max()
        assert 1e-3 < away < 0.1  # found: 0.021; bfloat16 keeps eight bits
        assert {array.dtype for name, array in rounded.items() if name != "step_losses"} == {np.dtype(np.float32)}
        assert rounded["loss"] == pytest.approx(exact["loss"], rel=1e-2)
        ours, theirs = (twin["gradient/encoder1_convolution1/kernel"].ravel() for twin in (exact, rounded))
        assert ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs) > 0.99
