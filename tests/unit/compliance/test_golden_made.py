"""The golden logs are what the scripts beside them make, and what is expected of them is what the checker says."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from checking import GOLDEN

sys.path.insert(0, str(GOLDEN))
import make_corpus
import make_mlperf
import make_sets

BY_HAND = {
    "valid/em_denoise-pt.mllog",
    "valid/near-identity-004-open.mllog",
    "valid/near-order-007-inference.mllog",
    "valid/near-target-005-classical.mllog",
    "valid/near-target-005-just-the-margin.mllog",
    "valid/near-target-006-rounding.mllog",
    "valid/near-time-006-within-the-factor.mllog",
    "invalid/hyper-001-scaling.mllog",
    "invalid/identity-004-model.mllog",
    "invalid/identity-004-parameters.mllog",
    "invalid/identity-005.benchmark.json",
    "invalid/identity-005.mllog",
    "invalid/order-004-outside-the-inference.mllog",
    "invalid/order-007.mllog",
    "invalid/target-005-margin.mllog",
    "invalid/target-006-required.mllog",
    "invalid/target-006-sufficient.mllog",
    "invalid/target-006-value.mllog",
    "invalid/time-006.mllog",
}
"""Logs of em_denoise and of inferences, which no script makes, and a benchmark that a log is judged by."""


def files(folder: Path, *parts: str) -> Iterator[tuple[str, bytes]]:
    """Yield the files of some parts of a folder, by name."""
    for part in parts or (".",):
        for path in sorted((folder / part).rglob("*")):
            if path.is_file():
                yield str(path.relative_to(folder)), path.read_bytes()


def test_the_logs_of_our_own_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("valid", "invalid"):
        (tmp_path / kind).mkdir()
    for name in BY_HAND:
        shutil.copy(GOLDEN / name, tmp_path / name)
    monkeypatch.setattr(make_corpus, "HERE", tmp_path)
    make_corpus.write_logs()
    make_corpus.write_expected()
    assert dict(files(tmp_path)) == dict(files(GOLDEN, "valid", "invalid"))


def test_the_logs_of_mlperf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_mlperf, "HERE", tmp_path)
    make_mlperf.write_logs()
    make_mlperf.write_expected()
    assert dict(files(tmp_path)) == dict(files(GOLDEN / "mlperf-hpc-3.0.0"))


def test_the_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_sets, "SETS", tmp_path)
    make_sets.write_sets()
    make_sets.write_expected()
    assert dict(files(tmp_path)) == dict(files(GOLDEN / "sets"))
