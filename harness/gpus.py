"""NVIDIA boards, asked through their own tool: enough to choose a precision, without a framework and without NVML."""

from __future__ import annotations

import shutil

from harness import process
from harness.errors import RunFailed


def compute_capabilities() -> list[float]:
    """CUDA compute capability of each board on this machine; none without a working driver."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        answer = process.run([program, "--query-gpu=compute_cap", "--format=csv,noheader"], timeout_s=30)
    except RunFailed:
        return []
    if answer.returncode != 0:
        return []
    return [float(line) for line in answer.stdout.split() if line.replace(".", "", 1).isdigit()]
