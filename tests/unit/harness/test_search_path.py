"""The search path for benchmarks, and what programs outside the checkout are given to find the suite."""

from __future__ import annotations

import os

import pytest

from harness import registry
from harness.errors import ConfigError
from harness.paths import ROOT, homes, python_path


def test_the_checkout_comes_first_and_empty_entries_mean_nothing(tmp_path, monkeypatch):
    monkeypatch.delenv("SCIML_BENCH_PATH", raising=False)
    assert homes() == [ROOT]
    monkeypatch.setenv("SCIML_BENCH_PATH", "")
    assert homes() == [ROOT]
    (tmp_path / "one").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCIML_BENCH_PATH", os.pathsep.join(["one", "", str(tmp_path / "two")]))
    assert homes() == [ROOT, tmp_path / "one", tmp_path / "two"]


def test_programs_find_the_suite_before_anything_of_their_own(monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert python_path() == str(ROOT)
    monkeypatch.setenv("PYTHONPATH", "/mine:/other")
    assert python_path().split(os.pathsep) == [str(ROOT), "/mine", "/other"]


def test_a_folder_without_benchmarks_adds_none(tmp_path, monkeypatch):
    monkeypatch.delenv("SCIML_BENCH_PATH", raising=False)
    of_the_checkout = registry.names()
    monkeypatch.setenv("SCIML_BENCH_PATH", str(tmp_path))
    assert registry.names() == of_the_checkout
    assert registry.outside() == []


def test_two_folders_may_not_both_hold_a_benchmark_of_one_name(tmp_path, monkeypatch):
    for home in ("first", "second"):
        folder = tmp_path / home / "reference" / "mine"
        folder.mkdir(parents=True)
        (folder / "benchmark.json").write_text("{}", encoding="utf-8")
    monkeypatch.setenv("SCIML_BENCH_PATH", f"{tmp_path / 'first'}{os.pathsep}{tmp_path / 'second'}")
    with pytest.raises(ConfigError, match=r"second/reference/mine/.*expected a name of its own, found that of .*first"):
        registry.names()
