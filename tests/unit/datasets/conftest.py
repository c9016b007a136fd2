"""Small data sets, made once by the command that a user types, and the real samples of this machine."""

from __future__ import annotations

import importlib
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[3]
REAL_DATA = ROOT.parent / "shared" / "data" / "real"
REAL = REAL_DATA / "slstr"
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


@pytest.fixture(scope="session")
def em_arguments() -> list[str]:
    """Return the options of a tiny set of micrographs, all but --out."""
    return ["--dataset-id=em", "--train-images=3", "--test-images=2", "--seed=5"]


@pytest.fixture(scope="session")
def dms_arguments() -> list[str]:
    """Return the options of a tiny set of patterns, all but --out."""
    return ["--dataset-id=dms", "--train-patterns=6", "--test-patterns=4", "--seed=5", "--tetragonal-share=0.7"]


@pytest.fixture(scope="session")
def em_set(run_module: Run, em_arguments: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the tiny set of micrographs; tests that change it copy it first."""
    return _simulated(run_module, "em_denoise", em_arguments, tmp_path_factory)


@pytest.fixture(scope="session")
def published_pairs(em_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what the publisher of the micrographs has: pairs, and no manifest."""
    root = tmp_path_factory.mktemp("published")
    for path in em_set.rglob("graphene_img_*.h5"):
        (root / path.parent.name).mkdir(exist_ok=True)
        shutil.copy(path, root / path.parent.name)
    return root


@pytest.fixture(scope="session")
def dms_set(run_module: Run, dms_arguments: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the tiny set of patterns, of generation A; tests that change it copy it first."""
    return _simulated(run_module, "dms_classifier", dms_arguments, tmp_path_factory)


def _simulated(run_module: Run, name: str, arguments: list[str], folders: pytest.TempPathFactory) -> Path:
    root = folders.mktemp("sets") / name
    done = run_module(f"{name}.simulate", "--out", root, *arguments)
    assert done.returncode == 0, done.stderr
    return root


@dataclass(frozen=True, kw_only=True)
class Done:
    """What came of a command line that ran in this process."""

    code: int
    """Exit code."""

    out: str
    """What it printed."""

    error: str
    """What it said to stderr."""


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Done]]:
    """Return a function that runs a module's `main` in this process, which is faster than starting another."""

    def run(module: str, *arguments: str | Path) -> Done:
        capsys.readouterr()
        try:
            code = importlib.import_module(f"datasets.{module}").main([str(argument) for argument in arguments])
        except SystemExit as leaving:
            code = leaving.code
        printed = capsys.readouterr()
        return Done(code=code, out=printed.out, error=printed.err)

    handler = signal.getsignal(signal.SIGTERM)
    yield run
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture(scope="session")
def real_micrographs() -> dict[str, np.ndarray]:
    """Return real dark-field micrographs of crystals by name, grey levels 0 to 255, or skip where there are none."""
    folder = REAL_DATA / "em_atomsegnet"
    found = sorted(folder.glob("*.png"))
    if not found:
        pytest.skip(f"no real micrograph in {folder}")
    return {path.stem: np.asarray(Image.open(path).convert("L"), np.float32) for path in found}


@pytest.fixture(scope="session")
def real_patterns() -> Path:
    """Return the folder of a real set of scattering patterns, or skip where this machine has none."""
    folder = REAL_DATA / "dms_sim"
    if not any(folder.rglob("*.h5")):
        pytest.skip(f"no real scattering pattern in {folder}: none is public in a size for tests")
    return folder
