"""Missing and damaged data, a misspelt setting, a full disk: refused clearly, and nothing half-written stays."""

from __future__ import annotations

import json
import subprocess

import pytest

from harness import registry

TINY = registry.load("slstr_cloud").scales["tiny"]


def test_a_missing_data_folder(bench, tmp_path):
    absent = tmp_path / "nowhere" / "deep"
    run = bench.run("slstr_cloud", "--scale", "tiny", "--data-dir", absent)
    assert run.code == 3
    assert f"--data-dir {absent}: expected a folder, found none" in run.stderr
    assert run.directory is None


def test_a_real_data_set_that_was_not_downloaded(bench, tmp_path):
    run = bench.run("slstr_cloud", "--scale", "full", "--data-dir", tmp_path)
    assert run.code == 3
    assert "sciml-bench download slstr_cloud" in run.stderr
    assert run.directory is None


def test_a_truncated_file(bench):
    path = bench.data / "train" / "S3A_fake.hdf"
    path.write_bytes(path.read_bytes()[:100])
    run = bench.run_fake("ok")
    assert run.code == 3
    assert f"{path}: expected 2056 bytes, found 100" in run.stderr
    assert run.directory is None


def test_a_file_that_is_not_there_and_another_data_set(bench):
    (bench.data / "test" / "S3A_fake.hdf").unlink()
    manifest = json.loads((bench.data / "manifest.json").read_text(encoding="utf-8"))
    manifest["dataset_id"] = "another"
    (bench.data / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    run = bench.run_fake("ok")
    assert run.code == 3
    assert "$.dataset_id: expected slstr_cloud-sim-tiny-v1 for scale tiny, found another" in run.stderr
    assert "S3A_fake.hdf: expected a file, found none" in run.stderr


def test_a_set_that_was_simulated_with_other_options(bench):
    path = bench.data / "manifest.json"
    manifest = json.loads(path.read_text())
    options = {key.replace("-", "_"): value for key, value in TINY.simulate.items()}
    path.write_text(json.dumps({**manifest, "made_by": {"options": {**options, "rows": 256}}}))
    refused = bench.run_fake("ok")
    assert refused.code == 3
    assert f"$.made_by.options.rows: expected {TINY.simulate['rows']}, found 256" in refused.stderr
    path.write_text(json.dumps({**manifest, "made_by": {"options": options}}))
    assert bench.run_fake("ok").code == 0


def test_a_misspelt_hyperparameter_in_a_file(bench, tmp_path):
    config = tmp_path / "config.yml"
    config.write_text("scale: tiny\nhyperparameters:\n  batchsize: 8\n", encoding="utf-8")
    run = bench.run_fake("ok", "--config", config)
    assert run.code == 2
    assert (
        "config.yml:3: $.hyperparameters.batchsize: expected a known name, found batchsize — did you mean batch_size?"
        in run.stderr
    )
    assert run.directory is None


def test_a_misspelt_option(bench):
    run = bench.run_fake("ok", "--batchsize", "8")
    assert run.code == 2
    assert "--batchsize" in run.stderr
    assert "--batch-size" in run.stderr
    assert run.directory is None


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "sciml-bench-test", str(folder)], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"a file system of 1 MiB cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_is_full_before_the_run(bench, small_disk):
    (small_disk / "filler").write_bytes(bytes(960 * 1024))
    run = bench.run_fake("ok", "--np", "1", "--output-dir", small_disk)
    assert run.code == 4
    assert "no space left — free some space or choose another folder with --output-dir" in run.stderr
    assert "Traceback" not in run.stderr
    assert not list(small_disk.rglob("result_0.txt"))
    assert not list(small_disk.rglob(".*.json.*"))


def test_a_disk_that_fills_during_the_run(bench, small_disk):
    """The room that the harness keeps for its last records lets it say what happened."""
    child = bench.start_fake("fill", "--np", "1", "--output-dir", small_disk)
    stdout, stderr = child.communicate(timeout=60)
    assert child.returncode == 4
    assert "no space left on device" in " ".join(stdout.split()), stdout + stderr
    directory = next(small_disk.glob("*/*/*/"))
    outcome = json.loads((directory / "launch.json").read_text(encoding="utf-8"))["outcome"]
    assert outcome["kind"] == "disk_full"
    assert not list(directory.rglob(".*.json.*"))
