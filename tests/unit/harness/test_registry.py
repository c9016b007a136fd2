"""Benchmarks are found and checked, and their implementations too; neither is imported."""

from __future__ import annotations

import json

import pytest

from harness import registry
from harness.errors import ConfigError


def test_every_benchmark_of_the_checkout_is_valid():
    assert registry.names()
    for name in registry.names():
        benchmark = registry.load(name)
        assert benchmark.name == name
        for scale in benchmark.scales.values():
            assert set(scale.hyperparameters) <= set(benchmark.hyperparameters)


def test_a_new_folder_is_a_new_benchmark(tmp_path, monkeypatch):
    record = json.loads((registry.REFERENCE / "slstr_cloud" / "benchmark.json").read_text(encoding="utf-8"))
    folder = tmp_path / "another_one"
    folder.mkdir()
    (folder / "benchmark.json").write_text(json.dumps({**record, "name": "another_one"}), encoding="utf-8")
    monkeypatch.setattr(registry, "REFERENCE", tmp_path)
    assert registry.names() == ["another_one"]
    assert registry.load("another-one").title == record["title"]


def test_a_wrong_benchmark_is_refused_with_all_its_faults(tmp_path, monkeypatch):
    record = json.loads((registry.REFERENCE / "slstr_cloud" / "benchmark.json").read_text(encoding="utf-8"))
    (tmp_path / "bad").mkdir()
    record |= {"metrik": 1, "version": "one"}
    del record["title"]
    (tmp_path / "bad" / "benchmark.json").write_text(json.dumps(record), encoding="utf-8")
    monkeypatch.setattr(registry, "REFERENCE", tmp_path)
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
