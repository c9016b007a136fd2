"""From runs to a package that is judged, by us and by MLPerf's own tools: the command line as its user meets it."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from whole_runs import FAKES, ROOT, Bench

RUNS = 5


@pytest.mark.slow
@pytest.mark.mpi
def test_runs_of_a_stand_in_become_a_package_and_one_changed_byte_is_found(bench: Bench, tmp_path: Path) -> None:
    for seed in range(1, RUNS + 1):
        assert bench.run_fake("ok", "--np", "1", "--seed", str(seed), "--org", "Example Observatory").code == 0
    package = tmp_path / "mine.tar"
    built = bench.run("package", bench.output, "--code", FAKES, "--system", "one", "--out", package)
    assert built.code == 0, built.stdout + built.stderr
    assert f"{RUNS} runs, manifest " in built.stdout
    assert bench.run("check", package).code == 0
    again = tmp_path / "again.tar"
    assert bench.run("package", bench.output, "--code", FAKES, "--system", "one", "--out", again).code == 0
    assert again.read_bytes() == package.read_bytes()
    changed = with_a_changed_byte(package, "Example_Observatory/results/one/slstr_cloud/result_2.txt")
    judged = bench.run("check", changed)
    assert judged.code == 1
    assert "result_2.txt:1: sciml-package-027 " in judged.stdout
    assert "sciml-chain-00" in judged.stdout


def with_a_changed_byte(package: Path, name: str) -> Path:
    """Copy a package, and make the training of one run a little better."""
    changed = package.with_name("changed.tar")
    with tarfile.open(package) as old, tarfile.open(changed, "w") as new:
        for info in old:
            content = old.extractfile(info).read()
            if info.name == name:
                assert content.count(b'"loss": ') > 1
                content = content.replace(b'"loss": 0.0', b'"loss": 0.1', 1)
            new.addfile(info, io.BytesIO(content))
    return changed


@pytest.mark.slow
@pytest.mark.mpi
def test_the_stock_tools_judge_and_score_a_package_of_runs_that_train(
    bench: Bench, tiny_data: Path, tmp_path: Path
) -> None:
    pytest.importorskip("mlperf_logging", reason="mlperf-logging is a development dependency")
    words = ("run", "dms_classifier", "-i", "pt", "--scale", "tiny", "--np", 1, "--data-dir", tiny_data)
    for seed in range(1, RUNS + 1):
        run = bench.run(*words, "--seed", seed, "--org", "Example Observatory", "--division", "open", seconds=560)
        assert run.code == 0, run.stdout + run.stderr
    package, tools = tmp_path / "package", tmp_path / "tools"
    built = bench.run("package", bench.output, "--system", "one", "--out", package)
    assert built.code == 0, built.stdout + built.stderr
    organisation = package / "Example_Observatory"
    ours = json.loads(bench.run("score", package, "--format", "json").stdout)["sets"]
    taught = [sys.executable, "-m", "compliance", "stock-tools", organisation, tools]
    subprocess.run(taught, cwd=ROOT, check=True, capture_output=True)
    said = stock("package_checker", organisation, tools)
    assert f"Run {RUNS}/{RUNS}" in said
    assert "Compliance checks: sciml_1.0.0/dms_classifier.yaml" in said
    assert "PACKAGE CHECKER FOUND NO ERRORS, SUCCESS !" in said
    stock("result_summarizer", organisation, tools, "--csv", "summary.csv")
    with (tmp_path / "summary.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert float(row["dms_classifier"]) * 60 == pytest.approx(ours[0]["score_s"])
    assert (row["submitter"], row["division"], len(ours)) == ("Example Observatory", "open", 1)


def stock(program: str, organisation: Path, tools: Path, *more: str) -> str:
    """Call one of MLPerf's own tools, and return what it said."""
    command = [sys.executable, "-m", f"mlperf_logging.{program}", organisation, "sciml", "1.0.0", *more]
    environment = {**os.environ, "PYTHONPATH": str(tools)}
    done = subprocess.run(command, cwd=tools.parent, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr
