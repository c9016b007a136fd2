"""MLPerf's own package checker and result summariser read our packages.

They know no benchmark of ours and pass over what they do not know. So a package is built whose logs name a benchmark
that they know, with as many runs as they ask for; nothing else of it differs.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from parcels import ORG, RULES, SLOW, SYSTEM, make_runs, request_for, valid_package, window

from compliance import rules as rule_sets
from compliance.package.build import build

KNOWN = "bert"
"""A benchmark of MLPerf Training 3.0: ten runs, eval_accuracy of at least 0.72."""

RUNS = 10
ROUND = ("training", "3.0.0")


def stock(program: str, folder: Path, *more: str) -> tuple[int, str]:
    """Call a program of mlperf_logging, and return its exit code and what it said."""
    command = [sys.executable, "-W", "ignore", "-m", f"mlperf_logging.{program}", str(folder), *ROUND, *more]
    done = subprocess.run(command, cwd=folder.parent, capture_output=True, text=True, timeout=600)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The organisation's folder of a package whose logs name a benchmark that MLPerf knows."""
    folder = tmp_path_factory.mktemp("known")
    runs = make_runs(folder / "runs", RUNS, power=True, plan=replace(SLOW, division="open"))
    for path in runs.rglob("*.*"):
        rename(path)
    facts = {"metric": "accuracy", "direction": "max", "margin": 0, "models": {}}
    scale = {"dataset_id": "cloud_slstr_ds1", "simulated": False, "target": 0.9}
    rules = rule_sets.load(RULES.name, [{KNOWN: {**facts, "scales": {"full": scale}}}])
    build(request_for(runs, folder / "package"), rules)
    return folder / "package" / ORG


def rename(path: Path) -> None:
    """Let a file of a run directory name the benchmark, and the division that asks for no reference points."""
    if path.name == "run.json":
        document = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**document, "benchmark": KNOWN}), encoding="utf-8")
    elif path.name == "system.json":
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        document["mlperf"]["division"]["value"] = "open"
        path.write_text(json.dumps(document), encoding="utf-8")
    elif path.name == "result_0.txt":
        from chaining import chained

        records = [json.loads(line[9:]) for line in path.read_bytes().splitlines()]
        for record in records:
            del record["metadata"]["previous_sha256"]
            record["value"] = KNOWN if record["key"] == "submission_benchmark" else record["value"]
        path.write_bytes(b"".join(chained(records[:-1])))


def test_the_stock_package_checker_finds_no_errors(known: Path) -> None:
    code, said = stock("package_checker", known)
    assert code == 0
    assert "System description checker passed" in said
    assert f"Run {RUNS}/{RUNS}" in said
    assert "PACKAGE CHECKER FOUND NO ERRORS, SUCCESS !" in said
    assert "ERROR -" not in said


def test_the_stock_package_checker_notices_a_run_that_is_gone(known: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(known, tmp_path / ORG)
    (tmp_path / ORG / "results" / SYSTEM / KNOWN / "result_3.txt").unlink()
    assert "PACKAGE CHECKER FOUND ERRORS" in stock("package_checker", tmp_path / ORG)[1]


def test_the_stock_seed_checker_finds_a_seed_in_each_run(known: Path) -> None:
    from mlperf_logging.package_checker.seed_checker import SeedChecker

    files = sorted(str(path) for path in (known / "results" / SYSTEM / KNOWN).glob("result_*.txt"))
    assert SeedChecker(ROUND[1]).check_seeds(files)
    assert not SeedChecker(ROUND[1]).check_seeds([*files, files[0]])


def test_the_stock_summariser_computes_time_and_energy(known: Path) -> None:
    code, said = stock("result_summarizer", known, "--csv", "summary.csv")
    assert code == 0, said
    with (known.parent / "summary.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    start_ms, stop_ms = window((known / "results" / SYSTEM / KNOWN / "result_0.txt").read_bytes())
    assert [row["system"] for row in rows] == ["one node, four GPUs"]
    assert float(rows[0][KNOWN]) == pytest.approx((stop_ms - start_ms) / 60_000, rel=1e-3), "minutes"


def test_what_the_stock_tools_do_not_know_they_pass_over(tmp_path: Path) -> None:
    valid_package(tmp_path, power=False)
    code, said = stock("package_checker", tmp_path / "package" / ORG)
    assert code == 0
    assert "Skipping benchmark: slstr_cloud" in said
    assert "System description checker passed" in said
    assert "PACKAGE CHECKER FOUND NO ERRORS, SUCCESS !" in said
