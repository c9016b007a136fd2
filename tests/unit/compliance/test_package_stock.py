"""MLPerf's own package checker and result summariser read our packages.

As they come, they know no benchmark of ours and pass over what they do not know. `stock-tools` makes a copy of them
that knows ours, to which nothing but data was added; runs that train are packaged in tests/conformance/test_package.py.
"""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from checking import call
from parcels import ORG, RULES, RUNS, SLOW, SYSTEM, make_runs, request_for, window

from compliance.convergence.points import Point
from compliance.package.build import build
from compliance.stock_tools import USAGE, VERSION, stock_points, teach

pytest.importorskip("mlperf_logging", reason="mlperf-logging is a development dependency")

KNOWN = "slstr_cloud"
POINT = Point(
    benchmark=KNOWN, model="default", implementation="pt", scale="full", metric="accuracy", direction="max",
    target=0.9, batch_size=64, epochs=(2, 2, 2, None, 2, 3),
)  # fmt: skip
"""A reference that converges as the runs of the package do."""


def stock(program: str, folder: Path, *more: str, tools: Path | None = None) -> tuple[int, str]:
    """Call a program of mlperf_logging, and return its exit code and what it said."""
    told = (USAGE, VERSION) if tools else ("training", "3.0.0")
    command = [sys.executable, "-W", "ignore", "-m", f"mlperf_logging.{program}", str(folder), *told, *more]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, (str(tools or ""), os.getenv("PYTHONPATH")))),
    }
    done = subprocess.run(command, cwd=folder.parent, capture_output=True, text=True, timeout=600, env=environment)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The organisation's folder of a package of the closed division."""
    folder = tmp_path_factory.mktemp("built")
    build(request_for(make_runs(folder / "runs", power=True, plan=SLOW), folder / "package"), RULES)
    return folder / "package" / ORG


@pytest.fixture(scope="module")
def tools(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stock tools that know the benchmark of the package."""
    folder = tmp_path_factory.mktemp("taught") / "tools"
    assert teach(built, folder, RULES, [POINT]) == {KNOWN: 1}
    return folder


@pytest.fixture
def known(built: Path, tmp_path: Path) -> Path:
    """A copy of the package: the stock tools write `scaling.json` into it."""
    return Path(shutil.copytree(built, tmp_path / "package" / ORG))


def test_the_stock_package_checker_finds_no_errors(known: Path, tools: Path) -> None:
    code, said = stock("package_checker", known, tools=tools)
    assert code == 0
    assert "System description checker passed" in said
    assert f"Run {RUNS}/{RUNS}" in said
    assert f"Compliance checks: sciml_1.0.0/{KNOWN}.yaml" in said
    assert "Running Seed Checker" in said
    assert "RCP Test Passed: RCP found" in said
    assert "PACKAGE CHECKER FOUND NO ERRORS, SUCCESS !" in said
    assert "ERROR -" not in said


def test_the_stock_package_checker_notices_a_run_that_is_gone(known: Path, tools: Path) -> None:
    (known / "results" / SYSTEM / KNOWN / "result_3.txt").unlink()
    assert "PACKAGE CHECKER FOUND ERRORS" in stock("package_checker", known, tools=tools)[1]


def test_the_stock_package_checker_notices_two_runs_of_one_seed(known: Path, tools: Path) -> None:
    results = known / "results" / SYSTEM / KNOWN
    shutil.copy(results / "result_0.txt", results / "result_3.txt")
    said = stock("package_checker", known, tools=tools)[1]
    assert "already logs the same seed on the same line" in said
    assert "PACKAGE CHECKER FOUND ERRORS" in said


def test_the_stock_package_checker_notices_targets_that_were_missed(known: Path, tools: Path) -> None:
    for number in (1, 2):
        log = known / "results" / SYSTEM / KNOWN / f"result_{number}.txt"
        text = log.read_text(encoding="utf-8")
        assert '"status": "success"' in text
        log.write_text(text.replace('"status": "success"', '"status": "aborted"'), encoding="utf-8")
    said = stock("package_checker", known, tools=tools)[1]
    assert "2 files do not comply, directory cannot be accepted" in said


def test_the_stock_package_checker_notices_runs_that_converge_too_fast(known: Path, tmp_path: Path) -> None:
    slow = Point(**{**POINT.__dict__, "epochs": (20, 21, 22, 20, 21, 22)})
    teach(known, tmp_path / "tools", RULES, [slow])
    said = stock("package_checker", known, tools=tmp_path / "tools")[1]
    assert "RCP Test Failed: RCP found" in said


def test_the_stock_summariser_agrees_with_our_score(known: Path, tools: Path) -> None:
    assert stock("package_checker", known, tools=tools)[0] == 0
    code, said = stock("result_summarizer", known, "--csv", "summary.csv", tools=tools)
    assert code == 0, said
    start_ms, stop_ms = window((known / "results" / SYSTEM / KNOWN / "result_0.txt").read_bytes())
    minutes, factor = (stop_ms - start_ms) / 60_000, 2.25 / 2
    plain, detailed = table(known.parent / "summary.csv"), table(known.parent / "summary_detailed.csv")
    assert plain["system"] == "one node, four GPUs"
    assert float(plain[KNOWN]) == pytest.approx(minutes * factor, rel=1e-3)
    assert float(detailed[f"{KNOWN}:rcp_scaling_factor"]) == pytest.approx(factor)
    assert detailed[f"{KNOWN}:RCP"] == "Pass"
    assert float(detailed[f"{KNOWN}:samples_to_converge"]) == 2
    # 612.5 W of the power log, by the efficiency of its meter.
    energy_j = 612.5 * 0.94 * (stop_ms - start_ms) / 1000
    assert float(detailed[f"{KNOWN}:Energy"]) == pytest.approx(energy_j * factor, rel=0.02)


def table(path: Path) -> dict[str, str]:
    """Return the one row of a table."""
    with path.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    return row


def test_what_the_stock_tools_do_not_know_they_pass_over(known: Path) -> None:
    code, said = stock("package_checker", known)
    assert code == 0
    assert "Skipping benchmark: slstr_cloud" in said
    assert "System description checker passed" in said
    assert "PACKAGE CHECKER FOUND NO ERRORS, SUCCESS !" in said


def test_a_reference_run_that_missed_the_target_stands_as_the_slowest_that_did_not() -> None:
    (record,) = stock_points([POINT]).values()
    assert record["Epochs to converge"] == [2, 2, 2, 2, 3, 3]
    assert (record["Benchmark"], record["BS"]) == (KNOWN, 64)


def test_points_of_another_implementation_are_taken_where_there_are_no_own(known: Path, tmp_path: Path) -> None:
    other = Point(**{**POINT.__dict__, "implementation": "tf", "batch_size": 128})
    unlike = Point(**{**POINT.__dict__, "scale": "small"})
    assert teach(known, tmp_path / "both", RULES, [other, POINT, unlike]) == {KNOWN: 1}
    assert f"{KNOWN}_pt_64" in rcps(tmp_path / "both")
    assert teach(known, tmp_path / "other", RULES, [other, unlike]) == {KNOWN: 1}
    assert f"{KNOWN}_tf_128" in rcps(tmp_path / "other")


def rcps(tools: Path) -> str:
    """Return the text of the points that were taught."""
    return (tools / "mlperf_logging" / "rcp_checker" / "sciml_1.0.0" / f"rcps_{KNOWN}.json").read_text(encoding="utf-8")


def test_the_command_says_how_to_call_them(known: Path, tmp_path: Path) -> None:
    said = call("stock-tools", str(known), str(tmp_path / "my tools"))
    assert said.code == 0
    assert f"{KNOWN}: no reference convergence points of what ran" in said.out
    assert f"PYTHONPATH='{tmp_path}/my tools' python -m mlperf_logging.package_checker {known} sciml 1.0.0" in said.out
    assert "mlperf_logging.result_summarizer" in said.out


@pytest.mark.parametrize(
    ("name", "expected"),
    [("nothing", "found none — unpack the package"), (ORG, "expected a new folder, found one — name another")],
)
def test_what_cannot_be_taught_is_refused(name: str, expected: str, known: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    said = call("stock-tools", str(known.parent / name), str(tmp_path / "there"))
    assert (said.code, said.out) == (2, "")
    assert expected in said.err


def test_without_the_stock_tools_it_says_what_to_install(
    known: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    said = call("stock-tools", str(known), str(tmp_path / "tools"))
    assert said.code == 2
    assert "pip install mlperf-logging" in said.err
