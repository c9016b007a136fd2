"""Prediction, with the stand-in: the model is found, the settings are its own, and refusals come through."""

from __future__ import annotations

from whole_runs import FAKES


def test_a_model_of_a_run(bench, tmp_path):
    trained = bench.run_fake("ok", "--np", "1", "--labels", "summary")
    scene = tmp_path / "scene.hdf"
    scene.write_bytes(b"")
    shown = bench.run("predict", "slstr-cloud", "--model", trained.directory, "-i", FAKES / "ok.json", scene)
    assert shown.code == 0, shown.stderr
    run = shown.document("run")
    assert run["mode"] == "predict"
    assert run["data"] == {
        "directory": None, "dataset_id": None, "manifest_sha256": None, "simulated": None, "inputs": [str(scene)],
    }  # fmt: skip
    assert run["resume_from"] == str(trained.directory / "checkpoints" / "epoch-0002.npz")
    assert run["hyperparameters"]["labels"] == "summary"
    assert run["scale"] == "tiny"
    row = next(line.split() for line in shown.stdout.splitlines() if line.startswith("bayes"))
    assert row == ["bayes", "model", "0.9000", "0.8000", "0.7000", "0.6000"]
    assert "summary: no scores: no pixel is valid" in shown.stdout


def test_a_scene_that_is_not_there(bench, tmp_path):
    trained = bench.run_fake("ok", "--np", "1")
    refused = bench.run("predict", "slstr_cloud", "--model", trained.directory, tmp_path / "absent.hdf")
    assert refused.code == 3
    assert "absent.hdf: expected a scene, found nothing" in refused.stderr


def test_a_model_that_is_not_there(bench, tmp_path):
    refused = bench.run("predict", "slstr_cloud", "--model", tmp_path / "absent", bench.data / "manifest.json")
    assert refused.code == 2
    assert "absent: expected a run directory or a checkpoint file, found nothing" in refused.stderr
    assert refused.directory is None


def test_a_refusal_of_the_implementation_comes_through(bench, tmp_path):
    trained = bench.run_fake("ok", "--np", "1")
    scene = tmp_path / "scene.hdf"
    scene.write_bytes(b"")
    refused = bench.run("predict", "slstr_cloud", "--model", trained.directory, "-i", FAKES / "refuse.json", scene)
    assert refused.code == 2
    assert "$.precision: expected fp32" in refused.stderr
