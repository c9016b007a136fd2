"""The process contract, on every implementation, through the real harness and by hand."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness import registry
from harness.paths import python_path

BROKEN_S = 280.0
"""A program that takes longer is broken."""

LIFE_CYCLE = [
    "init_start", "init_stop", "run_start", "epoch_start", "epoch_stop", "eval_start", "eval_stop", "run_stop",
]  # fmt: skip
FACTS = {
    "implementation", "framework", "number_of_ranks", "device", "threads_per_rank", "seed", "deterministic",
    "precision", "global_batch_size", "gradient_accumulation_steps", "train_samples", "eval_samples",
    "model_parameters", "hyperparameters", "opt_name", "opt_base_learning_rate", "opt_learning_rate_warmup_steps",
    "opt_epsilon", "quality_target",
}  # fmt: skip


def arguments(subject, bench, tiny_data) -> list[object]:
    """A run of one epoch: what is tried is the protocol, not the model."""
    data = tiny_data if subject.real else bench.data
    name = subject.benchmark
    return [name, "-i", subject.option, "--scale", "tiny", "--data-dir", data, "--seed", "7", "--epochs", "1"]


@pytest.fixture(params=["local", pytest.param("openmpi", marks=pytest.mark.mpi)])
def launched(request, subject, bench, tiny_data):
    """A run of one epoch with each launcher."""
    ranks = {"local": 1, "openmpi": 2}[request.param]
    run = bench.run(*arguments(subject, bench, tiny_data), "--launcher", request.param, "--np", ranks, seconds=BROKEN_S)
    assert run.directory is not None, run.stderr
    return run, ranks


def test_a_run_through_the_harness(launched, subject, bench):
    run, ranks = launched
    assert run.document("launch")["outcome"]["kind"] == "ok", run.stderr
    assert run.code == (0 if run.document("verdict")["compliant"] else 1), "a missed target is judged, not failed"
    keys = [event["key"] for event in run.events()]
    order = [key for key in keys if key in LIFE_CYCLE]
    assert order == LIFE_CYCLE
    init = keys[keys.index("init_start") : keys.index("init_stop")]
    assert set(init) >= FACTS
    values = {event["key"]: event["value"] for event in run.events()}
    configuration = run.document("run")
    assert values["number_of_ranks"] == ranks == configuration["world_size_expected"]
    assert values["seed"] == 7
    assert values["hyperparameters"] == configuration["hyperparameters"]
    assert values["launcher"] == ("local" if ranks == 1 else "openmpi")
    assert len(list((run.directory / "events").glob("rank*.mllog"))) == ranks
    _only_the_target_is_missed(run)
    _checkpoints_are_whole(run)
    _outputs_are_kept_apart(run, ranks)
    if ranks > 1:
        _by_hand_it_works_just_the_same(run, subject, bench)


def _only_the_target_is_missed(run):
    findings = [finding for file in run.document("verdict")["files"] for finding in file["findings"]]
    others = [f["message"] for f in findings if f["severity"] == "error" and not f["rule"].startswith("sciml-target")]
    assert not others


def _checkpoints_are_whole(run):
    logged = [event for event in run.events() if event["key"] == "checkpoint"]
    assert logged
    for event in logged:
        data = (run.directory / event["value"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == event["metadata"]["sha256"]


def _outputs_are_kept_apart(run, ranks):
    records = sorted((run.directory / "ranks").glob("rank-*.exit.json"))
    assert [json.loads(path.read_text(encoding="utf-8"))["exit_code"] for path in records] == [0] * ranks
    for kind in ("out", "err"):
        assert len(list((run.directory / "ranks").glob(f"rank-*.{kind}"))) == ranks
    assert ":::MLLOG" not in run.stdout + run.stderr


def _by_hand_it_works_just_the_same(made, subject, bench):
    configuration = made.document("run")
    folder = bench.output.parent / "by-hand"
    configuration["output"] = {name: str(folder / name) for name in configuration["output"]}
    for path in configuration["output"].values():
        os.makedirs(path)
    run_json = folder / "run.json"
    run_json.write_text(json.dumps(configuration), encoding="utf-8")
    argv = [sys.executable if token == "{python}" else token for token in subject.argv]
    mpirun = made.document("launch")["command"][0]
    allowed = dict.fromkeys(("OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"), "1")
    environment = {**os.environ, **allowed, "PYTHONPATH": python_path()}
    subprocess.run(
        [mpirun, "-np", "2", "--map-by", ":OVERSUBSCRIBE", *argv, "--run-config", str(run_json)],
        cwd=subject.folder, env=environment, check=True, capture_output=True, timeout=BROKEN_S,
    )  # fmt: skip
    by_hand = _keys(folder / "events" / "rank00000.mllog")
    assert by_hand == _keys(made.directory / "events" / "rank00000.mllog")


def _keys(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    keys = [json.loads(line.removeprefix(":::MLLOG "))["key"] for line in lines]
    return [key for key in keys if key != "tracked_stats"]


def test_sigusr2_ends_it_in_order(subject, bench, tiny_data):
    endless = ["--division", "open", "--target", "1e9", "--epochs", "100000", "--log-every-steps", "1"]
    child = bench.start(*arguments(subject, bench, tiny_data)[:-2], *endless, "--np", "1")
    directory = bench.wait_for("tracked_stats" if subject.real else "run_start", BROKEN_S)
    record = json.loads((directory / "ranks" / "rank-00000.exit.json").read_text(encoding="utf-8"))
    os.kill(record["pid"], signal.SIGUSR2)
    run = bench.finish(child, BROKEN_S)
    assert run.document("launch")["outcome"]["kind"] == "ok"
    stop = next(event for event in run.events() if event["key"] == "run_stop")
    assert stop["metadata"]["status"] == "aborted"


def test_bad_data_are_refused_with_exit_code_3(subject, bench, tiny_data, tmp_path):
    """The quick look finds every file in its full size; inside there is nothing."""
    if not subject.real:
        pytest.skip("the stand-in reads no data")
    made = bench.run("data", "make", subject.benchmark, "--scale", "tiny", "--data-dir", tiny_data)
    assert made.code == 0, made.stderr
    dataset_id = registry.load(subject.benchmark).scales["tiny"].dataset_id
    manifest = (tiny_data / dataset_id / "manifest.json").read_text(encoding="utf-8")
    broken = tmp_path / "broken"
    for entry in json.loads(manifest)["files"]:
        path = broken / entry["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.truncate(entry["size"])
    (broken / "manifest.json").write_text(manifest, encoding="utf-8")
    run = bench.run(subject.benchmark, "-i", subject.option, "--scale", "tiny", "--data-dir", broken, "--np", "1")
    assert run.code == 3
    assert run.document("launch")["outcome"]["kind"] == "data"
    assert "Traceback" not in run.stdout + run.stderr
