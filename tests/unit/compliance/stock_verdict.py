"""What MLPerf's own checker says of a log of MLPerf HPC; it is called as a library, which writes no log of its own."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pytest


def stock_accepts(path: Path) -> bool:
    """Say whether MLPerf's own checker accepts a log; one that ends it with a traceback is not accepted."""
    pytest.importorskip("mlperf_logging", reason="mlperf-logging is a development dependency")
    from mlperf_logging.compliance_checker import mlp_compliance

    mlp_compliance.enqueued_configs.clear()
    checker = mlp_compliance.make_checker("hpc", "3.0.0", quiet=False, werror=False)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            return bool(mlp_compliance.main(str(path), "hpc_3.0.0/common.yaml", checker)[0])
        except (TypeError, KeyError, AttributeError, FileNotFoundError):
            return False
