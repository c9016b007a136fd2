"""A whole run with the stand-in: what it leaves behind, and what it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.fixture
def good(bench):
    return bench.run_fake("ok", "--np", "1", "--seed", "7", "--org", "Someone")


def test_the_run_directory_is_complete(good):
    assert good.code == 0, good.stdout + good.stderr
    names = {path.name for path in good.directory.iterdir()}
    assert names == {
        "run.json", "launch.json", "system.json", "result_0.txt", "verdict.json", "summary.json", "events", "ranks",
        "telemetry", "checkpoints", "artifacts", "report.html",
    }  # fmt: skip
    assert (good.directory / "run.json").stat().st_mode & 0o777 == 0o444
    launch = good.document("launch")
    assert launch["outcome"]["kind"] == "ok"
    assert launch["environment_set"]["OMP_NUM_THREADS"] == str(good.document("run")["threads_per_rank"])
    assert launch["commit"] or launch["commit_reason"]


def test_the_harness_logs_what_it_knows(good):
    values = {event["key"]: event["value"] for event in good.events()}
    run = good.document("run")
    assert values["run_id"] == run["run_id"] == good.directory.name
    assert values["submission_org"] == "Someone"
    assert values["dataset_manifest_sha256"] == run["data"]["manifest_sha256"]
    assert values["launch_environment"] == good.document("launch")["environment_set"]
    assert "SCIML_RUN_ID" not in values["launch_environment"]
    energy = [event for event in good.events() if event["key"] == "energy"]
    assert energy
    assert all(event["value"] is not None or event["metadata"]["reason"] for event in energy)


def test_the_summary_agrees_with_the_verdict(good):
    summary, verdict = good.document("summary"), good.document("verdict")
    judged = verdict["files"][0]["summary"]
    assert summary["compliant"] is verdict["compliant"] is True
    assert summary["time_to_train_s"] == judged["time_to_train_s"]
    assert summary["quality"]["accuracy"] == 0.8
    assert summary["baselines"] == [
        {"name": "all clear", "metric": "accuracy", "kind": "trivial", "value": 0.55, "rule": None}
    ]
    for words in (
        "compliant",
        f"0.8000 after epoch 2 of 2; target ≥ {judged['target']:g}",
        "all clear 0.5500",
        " samples/s, median",
    ):
        assert words in good.stdout
    assert str(good.directory) in good.stdout.replace("\n", "").replace(" ", "")
    assert f"accuracy 0.8000 (target ≥ {judged['target']:g})" in good.stderr


def test_a_missed_target_is_a_finding(bench):
    run = bench.run_fake("miss", "--np", "1")
    assert run.code == 1
    assert "not compliant" in run.stdout
    assert run.document("summary")["target_reached"] is False


def test_without_a_check_there_is_no_verdict(bench):
    run = bench.run_fake("ok", "--np", "1", "--no-check", "-q")
    assert run.code == 0
    assert not (run.directory / "verdict.json").exists()
    assert run.document("summary")["compliant_reason"] == "--no-check"
    assert run.stderr == ""


def test_a_run_continues_another(bench):
    first = bench.run_fake("ok", "--np", "1")
    resumed = bench.run_fake("ok", "--np", "1", "--resume", first.directory, "--dry-run")
    document = json.loads(resumed.stdout.partition("\n\n")[2])
    assert document["resume_from"] == str(first.directory / "checkpoints" / "epoch-0002.npz")


def test_what_the_user_has_set_is_left_and_logged(bench):
    bench.environment |= {"OMP_NUM_THREADS": "5", "MY_SECRET": "hidden"}
    child = bench.start_fake("slow", "--np", "1")
    directory = bench.wait_for("run_start")
    record = json.loads((directory / "ranks" / "rank-00000.exit.json").read_text(encoding="utf-8"))
    seen = Path(f"/proc/{record['pid']}/environ").read_bytes()
    assert b"OMP_NUM_THREADS=5\0" in seen
    assert b"hidden" not in seen
    run = bench.finish(child)
    assert run.document("launch")["environment_set"]["OMP_NUM_THREADS"] == "5"
    assert "hidden" not in json.dumps([run.document(name) for name in ("launch", "run", "system")])
