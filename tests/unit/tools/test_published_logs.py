"""tools/published_logs.py: verdicts of two checkers on a checkout of published results."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = ROOT / "tests" / "golden" / "mlperf-hpc-3.0.0"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("published_logs", ROOT / "tools" / "published_logs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["published_logs"] = module
    spec.loader.exec_module(module)
    return module


def publish(folder: Path, benchmark: str, *logs: Path) -> None:
    """Lay logs where the results of one system lie."""
    place = folder / "Observatory" / "results" / "machine_8x4" / "strong" / benchmark
    place.mkdir(parents=True)
    for number, log in enumerate(logs):
        shutil.copy(log, place / f"result_{number}.txt")


def test_verdicts_are_counted_for_each_benchmark(
    tool: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("mlperf_logging", reason="mlperf-logging is a development dependency")
    valid, broken = GOLDEN / "valid" / "cosmoflow.mllog", GOLDEN / "invalid" / "key-009.mllog"
    publish(tmp_path, "cosmoflow", valid, broken)
    publish(tmp_path, "deepcam", GOLDEN / "valid" / "deepcam-adamw-cosine.mllog")
    assert tool.main([str(tmp_path)]) == 0
    cosmoflow, deepcam = capsys.readouterr().out.splitlines()[2:]
    stock = 1 + tool.stock_accepts(broken)
    assert cosmoflow.startswith(
        f"| Observatory/machine_8x4/strong/cosmoflow | 2 | {stock} | {stock} | mlperf-key-009 (1)"
    )
    assert deepcam == "| Observatory/machine_8x4/strong/deepcam | 1 | 1 | 1 | none |"


def test_a_log_that_only_ours_refuses_is_named(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(tmp_path, "cosmoflow", GOLDEN / "invalid" / "key-001-benchmark.mllog")
    monkeypatch.setattr(tool, "stock_accepts", lambda path: True)
    assert tool.main([str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "| Observatory/machine_8x4/strong/cosmoflow | 1 | 1 | 0 |" in said
    assert "result_0.txt: the stock checker accepts it, ours does not" in said


def test_nothing_is_left_where_it_is_called(tmp_path: Path) -> None:
    pytest.importorskip("mlperf_logging", reason="mlperf-logging is a development dependency")
    publish(tmp_path / "results", "cosmoflow", GOLDEN / "valid" / "cosmoflow.mllog")
    here = tmp_path / "here"
    here.mkdir()
    command = [sys.executable, str(ROOT / "tools" / "published_logs.py"), str(tmp_path / "results")]
    done = subprocess.run(command, cwd=here, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert list(here.iterdir()) == []


def test_nothing_to_judge_is_a_failure(tool: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tool.main([str(tmp_path)]) == 2
    assert "expected results/…/result_*.txt, found none" in capsys.readouterr().err
