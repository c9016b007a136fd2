"""What telemetry tests share: a writer of recordings, and the stub of NVIDIA's library."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from telemetry_recordings import ROOT, STUB_SOURCE


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a recording and returns its folder."""

    def write_lines(lines: Sequence[dict[str, Any] | str], name: str = "node-a") -> Path:
        folder = tmp_path / "telemetry"
        folder.mkdir(exist_ok=True)
        texts = [line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines]
        (folder / f"{name}.jsonl").write_text("".join(texts))
        return folder

    return write_lines


@pytest.fixture(scope="session")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the stub library; return its folder, for LD_LIBRARY_PATH."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler: the NVML stub cannot be built")
    folder = tmp_path_factory.mktemp("nvml")
    library = folder / "libnvidia-ml.so.1"
    flags = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE"]
    subprocess.run([compiler, *flags, "-o", str(library), str(STUB_SOURCE), "-lm"], check=True)
    return folder


@pytest.fixture
def with_stub(stub: Path) -> Callable[..., Any]:
    """Return a function that runs Python code in a process that finds the stub, and returns the JSON that it prints."""

    def run(code: str, **knobs: str) -> Any:
        environment = {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": str(stub), "PYTHONPATH": str(ROOT), **knobs}
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
