"""A data set of two small scenes, made once by the command that a user types."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
REAL = ROOT.parent / "shared" / "data" / "real" / "slstr"
Run = Callable[..., "subprocess.CompletedProcess[str]"]

if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))


@pytest.fixture(scope="session")
def run_module() -> Run:
    """Return a function that runs a module of the data room as a user does."""

    def run(module: str, *arguments: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "error", "-m", f"datasets.{module}", *map(str, arguments)]
        given = {"cwd": ROOT, "capture_output": True, "text": True, "check": False, **options}
        return subprocess.run(command, **given)  # type: ignore[call-overload]

    return run


@pytest.fixture(scope="session")
def small_arguments() -> list[str]:
    """Return the options of the small data set, all but --out."""
    numbers = {"train-scenes": 1, "test-scenes": 1, "rows": 256, "columns": 320, "seed": 7}
    return ["--dataset-id", "small", *(f"--{name}={value}" for name, value in numbers.items())]


@pytest.fixture(scope="session")
def small_set(run_module: Run, small_arguments: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the small data set; tests that change it copy it first."""
    root = tmp_path_factory.mktemp("sets") / "small"
    done = run_module("slstr_cloud.simulate", "--out", root, *small_arguments)
    assert done.returncode == 0, done.stderr
    return root


@pytest.fixture(scope="session")
def real_product() -> Path:
    """Return the real product, or skip where this machine has none."""
    products = sorted(REAL.glob("*.SEN3"))
    if not products:
        pytest.skip(f"no real product in {REAL}")
    return products[0]


@pytest.fixture(scope="session")
def real_crop() -> Path:
    """Return the 512 by 512 pixel crop of the real product, or skip where this machine has none."""
    crops = sorted(REAL.glob("crop_r640_c40*.h5"))
    if not crops:
        pytest.skip(f"no crop of a real product in {REAL}")
    return crops[0]
