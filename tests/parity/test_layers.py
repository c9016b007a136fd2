"""Every kind of layer agrees between the frameworks, and between one rank and several, batch normalisation included."""

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


@pytest.mark.parametrize(("twin", "ranks"), [("tf", 1), ("pt", 2), ("tf", 2), ("pt", 3), ("tf", 3)])
def test_layers_agree(reference_run: dict[str, np.ndarray], tmp_path: Path, twin: str, ranks: int) -> None:
    found = compute(tmp_path / "found.npz", twin, ranks)
    assert found.keys() == reference_run.keys()
    np.testing.assert_allclose(found["losses"], reference_run["losses"], rtol=LOSSES)
    for name, array in reference_run.items():
        np.testing.assert_allclose(found[name], array, atol=VARIABLES, rtol=VARIABLES, err_msg=name)
    moved = np.abs(reference_run["weights/norm/mean"]).max()
    assert moved > 1e-3, "the running statistics never moved"
