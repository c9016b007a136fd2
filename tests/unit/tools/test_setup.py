"""tools/setup: what it refuses, and that it touches nothing then."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def setup(venv: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the script for an environment that is not the one of this test."""
    variables = os.environ | {"VENV": str(venv)} | environment
    return subprocess.run(
        [str(ROOT / "tools" / "setup"), *options], env=variables, capture_output=True, text=True, check=False
    )


@pytest.fixture
def wrong_python(tmp_path: Path) -> Path:
    """A folder with a python3.11 and a python3 that say they are 3.12."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("python3.11", "python3"):
        (folder / name).write_text("#!/bin/sh\necho 3.12\n")
        (folder / name).chmod(0o755)
    return folder


def test_another_python_is_refused_by_name(tmp_path: Path, wrong_python: Path) -> None:
    done = setup(tmp_path / "venv", PYTHON=str(wrong_python / "python3"))
    assert done.returncode == 1
    assert f"Python: expected 3.11, found: {wrong_python}/python3 is 3.12" in done.stderr
    assert "make setup PYTHON=/path/to/python3.11" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_all_that_was_looked_at_is_named(tmp_path: Path, wrong_python: Path) -> None:
    done = setup(tmp_path / "venv", PYTHON="", PATH=f"{wrong_python}:{os.environ['PATH']}")
    assert done.returncode == 1
    assert "python3.11 is 3.12; python3 is 3.12" in done.stderr


def test_a_name_that_does_not_run_is_not_replaced_by_another(tmp_path: Path) -> None:
    done = setup(tmp_path / "venv", PYTHON=str(tmp_path / "python"))
    assert done.returncode == 1
    assert f"{tmp_path}/python is nothing that runs" in done.stderr


def test_a_folder_that_is_no_environment_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    done = setup(tmp_path, PYTHON=sys.executable)
    assert done.returncode == 1
    assert "is not a virtual environment" in done.stderr
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize(
    ("options", "environment", "message"),
    [
        (["--quick"], {}, "unknown option --quick"),
        (["--until", "tea"], {}, "expected packages, horovod or suite, found 'tea'"),
        ([], {"TORCH": "gpu"}, "TORCH: expected cpu or cuda, found 'gpu'"),
    ],
)
def test_a_misspelt_wish_is_refused(
    tmp_path: Path, options: list[str], environment: dict[str, str], message: str
) -> None:
    done = setup(tmp_path / "venv", *options, **environment)
    assert done.returncode == 1
    assert message in done.stderr
    assert not (tmp_path / "venv").exists()
