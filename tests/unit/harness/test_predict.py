"""Prediction, with the stand-in: the model is found, the settings are its own, and refusals come through."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from whole_runs import FAKES

from harness import registry
from harness.predict import _show, _timing
from harness.rundir import plan

OK = FAKES / "ok.json"


@pytest.fixture
def scene(tmp_path) -> Path:
    """An input; the stand-in does not open it."""
    path = tmp_path / "scene.hdf"
    path.write_bytes(b"")
    return path


@pytest.fixture
def denoiser(tmp_path) -> Path:
    """A run of em_denoise as far as a prediction looks at it: a checkpoint, and run.json with another model."""
    run = tmp_path / "trained"
    (run / "checkpoints").mkdir(parents=True)
    benchmark = registry.load("em_denoise")
    hyperparameters = {name: schema["default"] for name, schema in benchmark.hyperparameters.items()}
    hyperparameters |= {"model": "dncnn", "crop": 48}
    document = {"benchmark": "em_denoise", "scale": "tiny", "implementation": "pt", "hyperparameters": hyperparameters}
    (run / "run.json").write_text(json.dumps(document), encoding="utf-8")
    checkpoint = run / "checkpoints" / "epoch-0002.npz"
    checkpoint.write_bytes(b"weights")
    return checkpoint


def test_a_model_of_a_run(bench, scene):
    trained = bench.run_fake("ok", "--np", "1", "--labels", "summary")
    shown = bench.run("predict", "slstr-cloud", "--model", trained.directory, "-i", OK, scene)
    assert shown.code == 0, shown.stderr
    run = shown.document("run")
    assert run["mode"] == "predict"
    assert run["data"] == {
        "directory": None, "dataset_id": None, "manifest_sha256": None, "simulated": None, "inputs": [str(scene)],
    }  # fmt: skip
    assert run["resume_from"] == str(trained.directory / "checkpoints" / "epoch-0002.npz")
    assert run["hyperparameters"]["labels"] == "summary"
    assert run["scale"] == "tiny"


def test_what_is_shown_is_what_the_document_holds(tmp_path):
    from rich.console import Console

    values = {"psnr": 25.1234, "ssim": 0.5, "rule": "a text", "fair": True}
    document = {
        "timing": {
            "unit": "images", "items": 3, "warmup": 1, "throughput": 12.5,
            "latency_ms": {"p50": 80.0, "p90": 81.06, "p99": 90.0},
        },
        "predictions": [
            {"input": "/a/one.h5", "summary": "3 images", "files": {"picture": "000.png"}, "details": {},
             "scores": {"clean": {"model": values, "non_local_means": {"mse": 0.000123, "psnr": 20}}}},
            {"input": "/a/two.h5", "summary": "1 image", "files": {}, "scores": {"clean": {"reason": "no truth"}},
             "details": {}},
        ],
    }  # fmt: skip
    console = Console(width=100, record=True, file=io.StringIO())
    directory = plan(tmp_path, "em_denoise", "pt")
    _show(document, directory, console)
    lines = [" ".join(line.split()) for line in console.export_text().splitlines() if line.strip()]
    assert lines == [
        "one.h5: 3 images",
        "against method psnr ssim mse",
        "clean model 25.1234 0.5000 –",
        "clean non local means 20.0000 – 1.23e-04",
        f"picture: {directory.root / 'artifacts' / '000.png'}",
        "two.h5: 1 image",
        "clean: no scores: no truth",
        "timing: 3 images, 12.50 images/s; p50 80.0 ms, p90 81.1 ms, p99 90.0 ms; warm-up 1",
    ]


def test_one_item_is_not_called_several():
    latency = {"p50": 80.0}
    told = _timing({"unit": "scenes", "items": 1, "throughput": 0.25, "latency_ms": latency, "warmup": 1})
    assert told == "\ntiming: 1 scene, 0.25 scenes/s; p50 80.0 ms; warm-up 1"


def test_the_option_model_names_what_was_trained_and_the_run_says_which_model_it_is(bench, denoiser, scene):
    for option in ("--model", "--run"):
        shown = bench.run("predict", "em-denoise", option, denoiser, "-i", OK, scene)
        assert shown.code == 0, shown.stderr
        run = shown.document("run")
        assert run["resume_from"] == str(denoiser)
        assert (run["hyperparameters"]["model"], run["hyperparameters"]["crop"]) == ("dncnn", 48)


def test_a_checkpoint_without_its_run_is_told_which_model_it_is(bench, denoiser, scene, tmp_path):
    alone = denoiser.rename(tmp_path / "alone.npz")
    shown = bench.run("predict", "em_denoise", "--model", alone, "--hyper-model", "rednet", "-i", OK, scene)
    assert shown.code == 0, shown.stderr
    assert shown.document("run")["hyperparameters"]["model"] == "rednet"


def test_a_model_of_another_benchmark_is_refused(bench, denoiser, scene):
    refused = bench.run("predict", "slstr_cloud", "--model", denoiser, scene)
    assert refused.code == 2
    assert "expected a model of slstr_cloud, found one of em_denoise" in refused.stderr


def test_a_folder_is_passed_on_where_there_is_no_converter_and_converted_where_there_is(bench, denoiser, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    shown = bench.run("predict", "em_denoise", "--model", denoiser, "-i", OK, folder)
    assert shown.code == 0, shown.stderr
    assert shown.document("run")["data"]["inputs"] == [str(folder)]
    trained = bench.run_fake("ok", "--np", "1")
    refused = bench.run("predict", "slstr_cloud", "--model", trained.directory, "-i", OK, folder)
    assert refused.code == 3
    assert str(folder) in refused.stderr


def test_a_zip_is_passed_on_where_there_is_no_converter_and_converted_where_there_is(bench, denoiser, tmp_path):
    archive = tmp_path / "S3A_SL_1_RBT.SEN3.ZIP"
    archive.write_bytes(b"half a zip")
    shown = bench.run("predict", "em_denoise", "--model", denoiser, "-i", OK, archive)
    assert shown.code == 0, shown.stderr
    assert shown.document("run")["data"]["inputs"] == [str(archive)]
    trained = bench.run_fake("ok", "--np", "1")
    refused = bench.run("predict", "slstr_cloud", "--model", trained.directory, "-i", OK, archive)
    assert refused.code == 3
    assert f"{archive}: expected a `.SEN3` folder or a whole zip of one" in refused.stderr


def test_an_input_that_is_not_there(bench, tmp_path):
    trained = bench.run_fake("ok", "--np", "1")
    refused = bench.run("predict", "slstr_cloud", "--model", trained.directory, tmp_path / "absent.hdf")
    assert refused.code == 3
    assert "absent.hdf: expected an input, found nothing" in refused.stderr


def test_a_model_that_is_not_there(bench, tmp_path):
    refused = bench.run("predict", "slstr_cloud", "--model", tmp_path / "absent", bench.data / "manifest.json")
    assert refused.code == 2
    assert "absent: expected a run directory or a checkpoint file, found nothing" in refused.stderr
    assert refused.directory is None


def test_a_refusal_of_the_implementation_comes_through(bench, denoiser, scene):
    refused = bench.run("predict", "em_denoise", "--model", denoiser, "-i", FAKES / "refuse.json", scene)
    assert refused.code == 2
    assert "$.precision: expected fp32" in refused.stderr


def test_an_implementation_that_writes_no_predictions_has_failed(bench, denoiser, scene):
    failed = bench.run("predict", "em_denoise", "--model", denoiser, "-i", FAKES / "silent.json", scene)
    assert failed.code == 4
    assert "predictions.json: No such file or directory" in failed.stderr
