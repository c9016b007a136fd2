"""A benchmark outside the checkout joins by being named in $SCIML_BENCH_PATH, with no other edit.

`tests/toy_benchmark` is one: its `reference/toy` and `datasets/toy` are all there is of it.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "tests" / "toy_benchmark"


@pytest.fixture
def toy(bench):
    """The command line with the benchmark on the search path."""
    bench.environment["SCIML_BENCH_PATH"] = str(HOME)
    return bench


def test_it_is_listed_and_described(toy):
    listed = toy.run("list")
    assert listed.code == 0, listed.stderr
    assert {"toy", "slstr_cloud"} <= {line.split(" ")[0] for line in listed.stdout.splitlines()}
    described = toy.run("describe", "toy")
    assert "Points above and below a wave" in described.stdout
    assert "toy-sim-tiny-v1" in described.stdout


def test_without_the_search_path_nobody_knows_it(bench):
    bench.environment.pop("SCIML_BENCH_PATH", None)
    refused = bench.run("describe", "toy")
    assert refused.code == 2
    assert "toy: expected a benchmark, found no such name" in refused.stderr


def test_its_data_are_made_and_verified(toy, tmp_path):
    options = ("toy", "--scale", "tiny", "--data-dir", tmp_path)
    assert toy.run("data", "make", *options).code == 0
    assert toy.run("data", "verify", *options).code == 0
    path = tmp_path / "toy-sim-tiny-v1" / "test" / "points.h5"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    found = toy.run("data", "verify", *options)
    assert found.code == 3
    assert "test/points.h5" in found.stdout + found.stderr


@pytest.mark.slow
@pytest.mark.parametrize("implementation", ["pt", "tf"])
def test_it_runs_and_is_judged_by_its_own_facts(toy, tmp_path, implementation):
    run = toy.run("toy", "-i", implementation, "--scale", "tiny", "--data-dir", tmp_path, "--np", 1, "--seed", 11)
    assert run.code == 0, run.stdout + run.stderr
    (file,) = run.document("verdict")["files"]
    assert file["compliant"]
    assert "sciml-identity-005" in {finding["rule"] for finding in file["findings"]}
    assert toy.run("check", run.directory).code == 0
    raised = json.loads((HOME / "reference" / "toy" / "benchmark.json").read_text(encoding="utf-8"))
    raised["scales"]["tiny"]["target"] = 0.999
    other = tmp_path / "elsewhere" / "reference" / "toy" / "benchmark.json"
    other.parent.mkdir(parents=True)
    other.write_text(json.dumps(raised), encoding="utf-8")
    toy.environment["SCIML_BENCH_PATH"] = str(tmp_path / "elsewhere")
    judged = toy.run("check", run.directory)
    assert judged.code == 1
    assert "sciml-target-004" in judged.stdout


@pytest.mark.mpi
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_suites_pick_it_up(toy):
    """Conformance, the matrix, and parity of twins and of ranks."""
    some = "toy and (openmpi or target or agree or share or bits or steps)"
    suites = ["tests/conformance/test_contract.py", "tests/conformance/test_matrix.py", "tests/parity"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", some, *suites],
        cwd=ROOT, env=toy.environment, capture_output=True, text=True, timeout=1150,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:]
    (passed,) = re.findall(r"(\d+) passed", done.stdout)
    assert int(passed) >= 11
    assert "skipped" not in done.stdout
