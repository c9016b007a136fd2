"""Short attacks on the checker; `make fuzz` makes long ones."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from attack import attack
from hypothesis import given, settings
from structures import logs

HERE = Path(__file__).resolve().parent
CORPUS = sorted(path for path in (HERE / "corpus").iterdir() if path.suffix == ".mllog")


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_what_was_found_or_feared_once(path: Path) -> None:
    attack(path.read_bytes())


@settings(max_examples=60, deadline=None)
@given(content=logs())
def test_logs_of_any_structure(content: bytes) -> None:
    attack(content)


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is a development dependency")
def test_bytes_guided_by_what_they_reach(tmp_path: Path) -> None:
    command = [sys.executable, str(HERE / "byte_target.py"), str(tmp_path), str(HERE / "corpus")]
    command += ["-runs=300", "-seed=1", "-max_len=4096", f"-artifact_prefix={tmp_path}/"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Done 300 runs" in done.stderr
