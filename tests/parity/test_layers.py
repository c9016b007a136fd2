"""Every kind of layer agrees between the frameworks, and between one rank and several, batch normalisation included.

So does the optimiser, which is held against the paper's algorithm.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import layer_steps
import numpy as np
import pytest
from parity_runs import environment

pytestmark = [pytest.mark.mpi, pytest.mark.slow]

LOSSES = 5e-5  # found: 1e-5 of the loss after six steps
VARIABLES = 3e-4  # found: 3.4e-5, where a gradient is near zero; a step of Adam moves by up to 1e-2
ELSEWHERE = [("tf", 1), ("pt", 3), ("tf", 3)]
"""Framework and ranks of what is held against PyTorch on one rank; two ranks are `test_shares_add_up`'s, too."""


def compute(out: Path, twin: str, ranks: int) -> dict[str, np.ndarray]:
    """Train on some ranks and return what rank 0 wrote."""
    command = ["mpirun", "--oversubscribe", "--bind-to", "none", "-np", str(ranks)]
    program = [sys.executable, layer_steps.__file__, twin, str(out)]
    done = subprocess.run([*command, *program], env=environment(), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(out) as archive:
        return {name: archive[name] for name in archive.files}


@pytest.fixture(scope="module")
def reference_run(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    return compute(tmp_path_factory.mktemp("layers") / "pt.npz", "pt", 1)


@pytest.fixture(params=ELSEWHERE)
def found(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, np.ndarray]:
    return compute(tmp_path / "found.npz", *request.param)


def test_layers_agree(reference_run: dict[str, np.ndarray], found: dict[str, np.ndarray]) -> None:
    assert found.keys() == reference_run.keys()
    np.testing.assert_allclose(found["losses"], reference_run["losses"], rtol=LOSSES)
    for name, array in reference_run.items():
        np.testing.assert_allclose(found[name], array, atol=VARIABLES, rtol=VARIABLES, err_msg=name)
    moved = np.abs(reference_run["weights/norm/mean"]).max()
    assert moved > 1e-3, "the running statistics never moved"


def test_adam_is_algorithm_1(reference_run: dict[str, np.ndarray]) -> None:
    """Kingma and Ba 2015, arXiv:1412.6980; TensorFlow agrees with PyTorch, as is seen above."""
    trained = [name.removeprefix("moved/") for name in reference_run if name.startswith("moved/")]
    assert len(trained) == 14
    for name in trained:
        found = reference_run[f"moved/{name}"]
        first = second = moved = np.zeros(found.shape)
        for update in range(layer_steps.UPDATES):
            gradient = layer_steps.gradient(name, found.shape, update).astype(np.float64)
            first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
            corrected = first / (1 - 0.9 ** (update + 1)), np.sqrt(second / (1 - 0.999 ** (update + 1)))
            moved = moved - layer_steps.LEARNING_RATE * corrected[0] / (corrected[1] + layer_steps.EPSILON)
        np.testing.assert_allclose(found, moved, rtol=1e-4, atol=1e-6, err_msg=name)
