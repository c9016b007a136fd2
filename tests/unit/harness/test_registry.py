"""Benchmarks are found and checked, and their implementations too; neither is imported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness import registry
from harness.errors import ConfigError

ROOT = Path(__file__).resolve().parents[3]
RECORD = json.loads((ROOT / "reference" / "slstr_cloud" / "benchmark.json").read_text(encoding="utf-8"))


def plant(home, name, record):
    """Write a benchmark into a folder of the search path."""
    path = home / "reference" / name / "benchmark.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(record), encoding="utf-8")
    return path


def test_every_benchmark_of_the_checkout_is_valid():
    assert registry.names()
    for name in registry.names():
        benchmark = registry.load(name)
        assert benchmark.name == name
        for scale in benchmark.scales.values():
            assert set(scale.hyperparameters) <= set(benchmark.hyperparameters)


def test_a_new_folder_is_a_new_benchmark(tmp_path, monkeypatch):
    path = plant(tmp_path / "mine", "another_one", RECORD | {"name": "another_one"})
    of_the_checkout = registry.names()
    monkeypatch.setenv("SCIML_BENCH_PATH", f":{tmp_path / 'mine'}:")
    assert registry.names() == sorted([*of_the_checkout, "another_one"])
    found = registry.load("another-one")
    assert (found.title, found.path, found.home) == (RECORD["title"], path, tmp_path / "mine")
    assert {program.folder for program in found.implementations.values()} == {tmp_path / "mine"}
    assert registry.outside() == [path]
    assert registry.load("slstr_cloud").home == ROOT


def test_a_search_path_that_cannot_be_followed_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("SCIML_BENCH_PATH", str(tmp_path / "absent"))
    with pytest.raises(ConfigError, match=r"SCIML_BENCH_PATH: expected folders, found .*absent — correct it"):
        registry.names()
    path = plant(tmp_path, "slstr_cloud", RECORD)
    monkeypatch.setenv("SCIML_BENCH_PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=rf"{path}: expected a name of its own, found that of {ROOT}"):
        registry.load("slstr_cloud")


def test_a_benchmark_has_the_name_of_its_folder(tmp_path, monkeypatch):
    plant(tmp_path, "mine", RECORD | {"name": "yours"})
    monkeypatch.setenv("SCIML_BENCH_PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=r"\$\.name: expected mine, the name of its folder, found yours"):
        registry.load("mine")


def test_a_wrong_benchmark_is_refused_with_all_its_faults(tmp_path, monkeypatch):
    record = RECORD | {"name": "bad", "metrik": 1, "version": "one"}
    del record["title"]
    plant(tmp_path, "bad", record)
    monkeypatch.setenv("SCIML_BENCH_PATH", str(tmp_path))
    with pytest.raises(ConfigError) as refusal:
        registry.load("bad")
    text = str(refusal.value)
    assert "$.metrik: expected a known name, found metrik — did you mean metric?" in text
    assert "$.title: expected a value, found none — add it" in text
    assert "$.version: expected a text like" in text


def test_an_implementation_from_outside(tmp_path):
    benchmark = registry.load("slstr_cloud")
    path = tmp_path / "mine.json"
    path.write_text('{"argv": ["./train"], "framework": "julia"}', encoding="utf-8")
    found = registry.implementation(benchmark, str(path))
    assert (found.name, found.argv, found.folder) == ("mine", ("./train",), tmp_path)
    path.write_text('{"argv": [], "framework": "julia"}', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"mine\.json: \$\.argv: "):
        registry.implementation(benchmark, str(path))
    path.write_text('{"argv": ["x"], "argv": ["y"], "framework": "julia"}', encoding="utf-8")
    with pytest.raises(ConfigError, match="name written twice: argv"):
        registry.implementation(benchmark, str(path))
