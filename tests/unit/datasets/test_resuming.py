"""Simulations that stop at a chosen sample and go on: the same bytes, and what is there is not made again."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from datasets.common.failures import UsageError
from datasets.common.making import JOURNAL
from datasets.common.resuming import alone, make_set
from harness import registry
from harness.commands.data_sets import declared
from harness.errors import ConfigError

SIZES = {
    "em_denoise": (["--dataset-id=r", "--train-images=10", "--test-images=1", "--seed=5"], 9, 8),
    "dms_classifier": (["--dataset-id=r", "--train-patterns=10", "--test-patterns=2", "--seed=5"], 9, 8),
    "slstr_cloud": (["--dataset-id=r", "--train-scenes=2", "--test-scenes=1", "--rows=256", "--columns=256"], 2, 1),
}
"""Data set → options, job that fails, samples that are kept."""


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def broken(call: Any, monkeypatch: pytest.MonkeyPatch, name: str, root: Path) -> list[Any]:
    """Stop a simulation at its chosen job; return the list to which later jobs are added."""
    options, last, _ = SIZES[name]
    module = importlib.import_module(f"datasets.{name}.simulate")
    real, calls = module.run_job, []

    def run(job: Any) -> Any:
        calls.append(job)
        if len(calls) == last:
            raise KeyboardInterrupt
        return real(job)

    monkeypatch.setattr(module, "run_job", run)
    assert call(f"{name}.simulate", "--out", root, *options).code == 130
    assert not (root / "manifest.json").exists()
    return calls


@pytest.mark.parametrize("name", SIZES)
def test_a_stopped_simulation_goes_on_to_the_same_bytes(call, monkeypatch, name: str, tmp_path: Path) -> None:
    options, _, kept = SIZES[name]
    assert call(f"{name}.simulate", "--out", tmp_path / "whole", *options).code == 0
    calls = broken(call, monkeypatch, name, tmp_path / "set")
    calls[:] = [None] * 1000
    done = call(f"{name}.simulate", "--out", tmp_path / "set", *options)
    assert done.code == 0, done.error
    total = {"em_denoise": 11, "dms_classifier": 12, "slstr_cloud": 3}[name]
    assert len(calls) - 1000 == total - kept
    assert contents(tmp_path / "set") == contents(tmp_path / "whole")


@pytest.mark.parametrize("name", SIZES)
def test_bytes_that_changed_since_are_not_trusted(call, monkeypatch, name: str, tmp_path: Path) -> None:
    options, _, _ = SIZES[name]
    assert call(f"{name}.simulate", "--out", tmp_path / "whole", *options).code == 0
    broken(call, monkeypatch, name, tmp_path / "set")
    monkeypatch.undo()
    pattern = {"em_denoise": "train/*noise*", "dms_classifier": "train/dms_phases*", "slstr_cloud": "train/*.hdf"}[name]
    path = next((tmp_path / "set").glob(pattern))
    data = bytearray(path.read_bytes())
    data[100_000] ^= 1
    path.write_bytes(data)
    with (tmp_path / "set" / JOURNAL).open("ab") as file:
        file.write(b'{"split": "tr')
    assert call(f"{name}.simulate", "--out", tmp_path / "set", *options).code == 0
    assert contents(tmp_path / "set") == contents(tmp_path / "whole")


def test_other_options_begin_anew(call, monkeypatch, tmp_path: Path) -> None:
    broken(call, monkeypatch, "em_denoise", tmp_path / "set")
    monkeypatch.undo()
    other = ["--dataset-id=o", "--train-images=1", "--test-images=1", "--seed=6"]
    done = call("em_denoise.simulate", "--out", tmp_path / "set", *other)
    assert "going on" not in done.out
    assert call("em_denoise.simulate", "--out", tmp_path / "whole", *other).code == 0
    assert contents(tmp_path / "set") == contents(tmp_path / "whole")


@pytest.mark.parametrize("text", [b"[" * 100_000 + b"\n", b"\xff\xfe\n", b"5\n"])
def test_a_journal_that_is_none_begins_anew(call, monkeypatch, tmp_path: Path, text: bytes) -> None:
    broken(call, monkeypatch, "em_denoise", tmp_path / "set")
    monkeypatch.undo()
    (tmp_path / "set" / JOURNAL).write_bytes(text)
    done = call("em_denoise.simulate", "--out", tmp_path / "set", *SIZES["em_denoise"][0])
    assert done.code == 0, done.error
    assert "going on" not in done.out


def test_two_simulations_do_not_share_a_folder(tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(UsageError, match="found another simulation at work"), alone(tmp_path):
        pass


@pytest.mark.parametrize("name", SIZES)
def test_full_has_the_size_of_the_published_set_and_a_seed_its_own_name(name: str) -> None:
    dataset_id, options = declared(registry.load(name), "full", None)
    assert dataset_id == f"{name}-sim-full-v1"
    counts = [value for key, value in options.items() if key.startswith(("train-", "test-"))]
    assert sum(counts) == {"em_denoise": 10000, "dms_classifier": 8060, "slstr_cloud": 1070}[name]
    assert declared(registry.load(name), "tiny", 4)[0] == f"{name}-sim-tiny-v1-seed4"
    tiny = registry.load(name).scales["tiny"]
    assert declared(registry.load(name), "tiny", None) == (tiny.dataset_id, json.loads(json.dumps(dict(tiny.simulate))))


def test_a_benchmark_without_a_size_says_so(tmp_path: Path) -> None:
    benchmark: Any = SimpleNamespace(name="other", dataset="other", scales={}, home=tmp_path)
    with pytest.raises(ConfigError, match="--scale full: expected a scale that can be simulated"):
        declared(benchmark, "full", None)


def test_a_set_is_not_made_where_another_is_being_made(tmp_path: Path) -> None:
    begun: list[str] = []
    with alone(tmp_path), pytest.raises(UsageError, match="found another simulation at work"):
        make_set(
            tmp_path,
            made_by={},
            layout={},
            fill=lambda: begun.append("fill"),
            describe=dict,
            summary=lambda manifest: "",
        )
    assert begun == []
