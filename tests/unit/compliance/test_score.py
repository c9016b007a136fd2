"""Scores: worked by hand, against the stock summarizer, and in every form."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from checking import GOLDEN, call
from hypothesis import given, settings
from hypothesis import strategies as st
from mlperf_logging.compliance_checker import mlp_parser
from mlperf_logging.result_summarizer import result_summarizer as stock
from scoring import (
    BASE,
    OPTIONS,
    RULES,
    SETS,
    Edit,
    faults_of,
    lines,
    metadata,
    missed,
    read_set,
    run,
    runs,
    score,
    tell,
    value,
    write_set,
)

from compliance.rules import LOGGING_SPEC
from compliance.score.energy import energies, kind_of
from compliance.score.interval import interval
from compliance.score.row import COLUMNS
from compliance.score.score import required_runs
from compliance.score.score import score as score_of
from compliance.score.throughput import throughput
from compliance.score.window import median_window
from compliance.sets import olympic
from compliance.sets.grouping import sets
from logging_spec.events import TOKEN

TIMES = st.lists(st.none() | st.floats(1, 1e5), min_size=3, max_size=20)
SEEDS = range(1, 6)
UNTIMED = settings(deadline=None)
"""The machine may be busy."""


def took(seconds: float, *, seed: int, late_s: float = 0.0, edits: tuple[Edit, ...] = ()) -> bytes:
    """Return the log of a run whose clock ran for so many seconds, and which started so many seconds late."""
    records = tell(replace(BASE, seed=seed, qualities=(0.91,)))
    start, stop = (next(i for i, r in enumerate(records) if r["key"] == key) for key in ("run_start", "run_stop"))
    more_ms = round(seconds * 1000) - (records[stop]["time_ms"] - records[start]["time_ms"])
    shift(records[stop:], more_ms)
    shift(records, round(late_s * 1000))
    for edit in edits:
        edit(records)
    return "".join(lines(records)).encode()


def shift(records: list[dict[str, Any]], ms: int) -> None:
    for record in records:
        record["time_ms"] += ms
        record["metadata"]["mono_ns"] += ms * 1_000_000


def one(answer: Any) -> dict[str, Any]:
    (found,) = json.loads(answer.out)["sets"]
    return dict(found)


# The olympic mean.


def test_the_fastest_and_the_slowest_are_dropped_and_the_mean_is_of_the_rest() -> None:
    assert olympic.mean([10, 14, 11, 90, 12]) == pytest.approx((14 + 11 + 12) / 3)
    assert olympic.mean([10, 14, 11, None, 12]) == pytest.approx((14 + 11 + 12) / 3)
    assert olympic.mean([10, None, 11, None, 12]) is None
    assert olympic.mean([10, 11]) is None
    assert olympic.places_kept([10, 14, 11, None, 12]) == [1, 2, 4]


@UNTIMED
@given(TIMES)
def test_an_olympic_mean_is_that_of_the_stock_summarizer(times: list[float | None]) -> None:
    reached = [time for time in times if time is not None]
    dropped = len(times) - len(reached)
    ours = olympic.mean(times)
    if dropped > 1:
        assert ours is None
    else:
        assert ours == pytest.approx(stock._compute_olympic_average(list(reached), dropped, 1))
        assert min(reached) * (1 - 1e-9) <= ours <= max(reached) * (1 + 1e-9), "a sum of them all is rounded"


# Which runs count.


def test_the_window_that_counts_has_the_median_score() -> None:
    times = [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 5.0]
    scores = [olympic.mean(times[start : start + 5]) for start in range(3)]
    assert scores == [30.0, 40.0, 40.0]
    window = median_window(times, 5)
    assert (window.start, window.runs, window.of) == (1, 5, 3)


def test_of_two_windows_the_slower_one_counts_and_one_without_a_score_is_slowest() -> None:
    assert median_window([1.0, 2.0, 3.0, 4.0], 3).start == 1
    assert median_window([4.0, 3.0, 2.0, 1.0], 3).start == 0
    assert median_window([1.0, 2.0, 3.0, None, None], 3).start == 1
    assert median_window([1.0, 2.0, 3.0, None, None, None, None], 3).of == 5
    assert median_window([1.0, 2.0], 3).runs == 2


@UNTIMED
@given(TIMES, st.integers(3, 6))
def test_a_window_lies_inside_and_half_of_the_others_are_no_faster(times: list[float | None], needed: int) -> None:
    window = median_window(times, needed)
    assert window.start >= 0
    assert window.start + window.runs <= len(times)
    assert window.runs == min(needed, len(times))
    if len(times) > needed:
        scores = [olympic.mean(times[start : start + needed]) for start in range(len(times) - needed + 1)]
        ranks = [float("inf") if found is None else found for found in scores]
        assert sum(found <= ranks[window.start] for found in ranks) >= (len(ranks) + 1) / 2
        assert sum(found >= ranks[window.start] for found in ranks) >= len(ranks) / 2


def test_runs_are_taken_in_the_order_in_which_they_started_not_in_that_of_their_files(tmp_path: Path) -> None:
    seconds = [20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 15.0]
    logs = [
        took(time, seed=number, late_s=1000 * number, edits=(value("energy", 100.0 * number),))
        for number, time in enumerate(seconds, 1)
    ]
    shuffled = random.Random(1).sample(logs, len(logs))
    found = one(score(write_set(tmp_path / "set", shuffled), "--format", "json"))
    assert (found["windows"], found["counted_from_run"], found["counted_runs"]) == (3, 2, 5)
    assert found["runs_with_a_time"] == 7
    assert found["score_s"] == pytest.approx(50)
    assert [member["seed"] for member in found["members"] if member["counted"]] == [2, 3, 4, 5, 6]
    assert found["energy_nvml_j"] == pytest.approx(400.0), "of the three that the mean is of"


@pytest.fixture
def _stock_reads_any_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the stock summarizer compute: it knows no rules for our benchmarks, and would not look at their logs."""
    monkeypatch.setattr(stock, "_read_result_file", lambda path, _, version: mlp_parser.parse_file(path, version)[0])


@pytest.mark.usefixtures("_stock_reads_any_benchmark")
def test_a_set_is_scored_as_the_stock_summarizer_scores_it(tmp_path: Path) -> None:
    folder = write_set(
        tmp_path / "set", [took(time, seed=seed) for seed, time in zip(SEEDS, (62, 75.5, 59, 71, 90), strict=True)]
    )
    minutes, _, _ = stock._compute_strong_score_standalone("oc20", "any", False, str(folder), "hpc", "3.0.0")
    assert one(score(folder, "--format", "json"))["score_s"] == pytest.approx(minutes * 60)


@pytest.mark.parametrize(
    ("logs", "reason"),
    [
        (runs((2, 2, 2)), "3 of 5 runs"),
        ([*runs((2, 2, 2)), missed(4), missed(5)], "2 of 5 runs have no time to train: the target was not reached"),
        ([*runs((2, 2, 2)), *runs((2, 2), plan=replace(BASE, ranks=8))], "the runs differ in number_of_ranks"),
        (
            [*runs((2, 2, 2)), *runs((2, 2), metadata("epoch_stop", samples_count=7))],
            "2 of 5 runs have no time to train: it breaks sciml-samples-001",
        ),
    ],
    ids=["few", "missed", "unlike", "not compliant"],
)
def test_a_set_without_a_score_says_why_and_exits_with_1(tmp_path: Path, logs: list[bytes], reason: str) -> None:
    answer = score(write_set(tmp_path / "set", logs), "--format", "json")
    found = one(answer)
    assert (answer.code, found["score_s"]) == (1, None)
    assert found["score_reason"].startswith(reason)
    assert found["mean_s"] > 0, "what was measured is shown all the same"
    assert f"no score: {reason}" in score(tmp_path / "set").out


def test_one_missed_run_is_the_slowest(tmp_path: Path) -> None:
    found = one(score(write_set(tmp_path / "set", [*runs((2, 2, 2, 3)), missed(5)]), "--format", "json"))
    reached = [member["time_s"] for member in found["members"] if member["time_s"] is not None]
    assert len(reached) == 4
    assert found["score_s"] == pytest.approx(sum(sorted(reached)[1:]) / 3)
    assert found["interval_reason"] == "one of the runs has no time"


def test_mlperf_benchmarks_need_as_many_runs_as_mlperf_says() -> None:
    assert [required_runs(name, RULES) for name in ("cosmoflow", "deepcam", "openfold", "slstr_cloud")] == [
        10,
        5,
        10,
        5,
    ]


# The interval.


def test_the_interval_is_the_same_every_time_and_holds_the_score() -> None:
    times = [62.0, 75.5, 59.0, 71.0, 90.0]
    found = interval(times)
    assert found == interval(times)
    assert found.low is not None
    assert found.high is not None
    assert 59 < found.low < (62 + 75.5 + 71) / 3 < found.high < 90


def test_the_interval_is_that_of_scipy() -> None:
    import numpy as np
    from scipy.stats import bootstrap

    times = [62.0, 75.5, 59.0, 71.0, 90.0, 66.0, 68.0, 73.0, 80.0, 64.0]
    theirs = bootstrap(
        (np.array(times),), lambda values, axis: np.sort(values, axis=axis)[..., 1:-1].mean(axis=-1), axis=-1,
        method="percentile", n_resamples=20_000, rng=np.random.default_rng(1),
    ).confidence_interval  # fmt: skip
    ours = interval(times)
    assert ours.low == pytest.approx(theirs.low, rel=0.01)
    assert ours.high == pytest.approx(theirs.high, rel=0.01)


@pytest.mark.parametrize("times", [[1.0, 2.0], [3.0] * 5, [1.0, 2.0, None]])
def test_there_is_no_interval_without_a_reason(times: list[float | None]) -> None:
    found = interval(times)
    assert (found.low, found.high) == (None, None)
    assert found.reason


# Weak scaling.


def weak_set(folder: Path, *, pruned: int = 0, edits: tuple[Edit, ...] = ()) -> Path:
    """Write five instances that started a minute apart, and some that are left out."""
    logs = [took(100 + 10 * seed, seed=seed, late_s=60 * seed, edits=edits) for seed in SEEDS]
    write_set(folder / "weak" / "slstr_cloud", logs)
    if pruned:
        late = [took(900, seed=10 + number) for number in range(pruned)]
        write_set(folder / "weak" / "slstr_cloud" / "pruned_results", late)
    return folder


def test_the_throughput_is_a_tuple(tmp_path: Path) -> None:
    edits = (value("number_of_nodes", 2), metadata("number_of_ranks", hosts=2))
    found = one(score(weak_set(tmp_path / "set", pruned=2, edits=edits), "--format", "json"))
    assert (found["scaling"], found["score_s"], found["score_reason"]) == ("weak", None, None)
    assert (found["instance_scale"], found["system_scale"], found["models"]) == (2 * 4, 7 * 2 * 4, 5)
    assert found["time_to_train_all_s"] == pytest.approx(4 * 60 + 150)
    assert found["models_per_min"] == pytest.approx(5 / 6.5)
    assert sum(member["counted"] for member in found["members"]) == 5


@pytest.mark.usefixtures("_stock_reads_any_benchmark")
def test_the_throughput_is_that_of_the_stock_summarizer(tmp_path: Path) -> None:
    folder = weak_set(tmp_path / "set") / "weak" / "slstr_cloud"
    theirs, _ = stock._compute_weak_score_standalone("oc20", "any", False, str(folder), "hpc", "3.0.0")
    found = one(score(tmp_path / "set", "--format", "json"))
    assert found["time_to_train_all_s"] == pytest.approx(60 * theirs["oc20:time_to_train_all"])
    assert (found["models"], found["instance_scale"]) == (
        theirs["oc20:number_of_models"],
        theirs["oc20:instance_scale"],
    )


def test_a_throughput_needs_every_instance_at_its_target_once_and_enough_of_them(tmp_path: Path) -> None:
    whole = read_set(write_set(tmp_path / "whole", [took(100, seed=seed) for seed in SEEDS]))
    assert throughput(whole, [], 5).reason is None
    assert throughput(whole[:4], [], 5).reason == "4 of 5 instances"
    one_missed = read_set(write_set(tmp_path / "missed", [*(took(100, seed=seed) for seed in (1, 2, 3, 4)), missed(5)]))
    assert "the target was not reached" in str(throughput(one_missed, [], 5).reason)
    twice = read_set(write_set(tmp_path / "twice", [took(100, seed=seed) for seed in (1, 2, 3, 4, 4)]))
    assert str(throughput(twice, [], 5).reason).startswith("seed 4 more than once")
    without_gpu = read_set(write_set(tmp_path / "cpu", runs((2,), value("accelerators_per_node", 0))))
    assert throughput(without_gpu, [], 1).instance_scale == 1


# Energy.


def test_the_energy_is_over_the_runs_whose_times_count(tmp_path: Path) -> None:
    joules = {1: 100.0, 2: 1.0, 3: 200.0, 4: 9999.0, 5: 300.0}
    seconds = {1: 62, 2: 59, 3: 71, 4: 90, 5: 75}
    logs = [took(seconds[seed], seed=seed, edits=(value("energy", joules[seed]),)) for seed in SEEDS]
    found = one(score(write_set(tmp_path / "set", logs), "--format", "json"))
    assert found["energy_nvml_j"] == pytest.approx(200.0)
    assert found["energy_nvml_label"] == "GPU boards (NVML), not MLPerf Power"
    assert found["energy_rapl_j"] is None


def test_one_null_among_the_counted_runs_makes_the_energy_null_with_its_reason(tmp_path: Path) -> None:
    none = (value("energy", None), metadata("energy", reason="the counter was reset"))
    logs = [took(60 + seed, seed=seed, edits=none if seed == 3 else ()) for seed in SEEDS]
    found = one(score(write_set(tmp_path / "set", logs), "--format", "json"))
    assert found["energy_nvml_j"] is None
    assert found["energy_nvml_reason"].endswith("result_2.txt: the counter was reset")
    dropped = [took(60 + seed, seed=seed, edits=none if seed == 5 else ()) for seed in SEEDS]
    found = one(score(write_set(tmp_path / "dropped", dropped), "--format", "json"))
    assert found["energy_nvml_j"] == pytest.approx(4821.6), "the slowest run does not count, nor does its energy"


def test_no_energy_is_ever_called_mlperf_power(tmp_path: Path) -> None:
    kinds = {"nvml energy counter": "nvml", "RAPL": "rapl", "rapl": "rapl", "wall socket": "other", "all": "other"}
    assert {source: kind_of(source) for source in kinds} == kinds
    for source in kinds:
        found = read_set(write_set(tmp_path / kinds[source] / source, runs((2,), metadata("energy", source=source))))
        assert [energy.label.endswith("not MLPerf Power") for energy in energies(found)] == [True]


# Sets.


def directories(folder: Path, seeds: range, **changed: Any) -> Path:
    """Write run directories that differ in their seed."""
    for seed in seeds:
        shutil.copytree(GOLDEN / "valid" / "run-directory", folder / f"{seed}")
        config = json.loads((folder / f"{seed}" / "run.json").read_text(encoding="utf-8"))
        log = run(2, seed=seed, plan=replace(BASE, **changed))
        run_id = f"20260725T172000Z-{seed:04x}"
        config |= {"seed": seed, "run_id": run_id, "implementation": changed.get("implementation", "pt")}
        (folder / f"{seed}" / "run.json").write_text(json.dumps(config), encoding="utf-8")
        (folder / f"{seed}" / "result_0.txt").write_bytes(log)
    return folder


def test_run_directories_that_are_alike_are_a_set_wherever_they_lie(tmp_path: Path) -> None:
    directories(tmp_path / "runs" / "pt", range(1, 4))
    directories(tmp_path / "runs" / "tf", range(1, 6), implementation="tf")
    directories(tmp_path / "elsewhere", range(4, 6))
    answer = score(tmp_path / "runs", tmp_path / "elsewhere", "--format", "json")
    found = {entry["set"]: entry for entry in json.loads(answer.out)["sets"]}
    assert {name: entry["runs"] for name, entry in found.items()} == {
        "slstr_cloud/default/pt/full": 5, "slstr_cloud/default/tf/full": 5,
    }  # fmt: skip
    assert answer.code == 0, answer.out


def test_a_run_directory_without_a_log_is_named_and_in_no_set(tmp_path: Path) -> None:
    directories(tmp_path / "runs", range(1, 6))
    shutil.copytree(GOLDEN / "invalid" / "run-001-no-log", tmp_path / "runs" / "broken")
    answer = score(tmp_path / "runs", "--format", "json")
    assert one(answer)["runs"] == 5
    assert "broken: expected result_0.txt, found none" in answer.err


def test_weak_makes_a_throughput_of_run_directories(tmp_path: Path) -> None:
    directories(tmp_path / "runs", range(1, 6))
    assert one(score(tmp_path / "runs", "--weak", "--format", "json"))["models"] == 5


def test_each_folder_of_results_is_a_set_of_a_package(tmp_path: Path) -> None:
    for system in ("one", "two"):
        write_set(tmp_path / "Org" / "results" / system / "slstr_cloud", runs((2,) * 5))
    found = json.loads(score(tmp_path, "--format", "json").out)["sets"]
    assert [Path(entry["set"]).parent.name for entry in found] == ["one", "two"]
    assert len(sets(read_set(tmp_path))) == 2


@pytest.mark.parametrize("packed", [False, True])
def test_logs_in_the_code_of_a_package_are_no_results(tmp_path: Path, packed: bool) -> None:
    folder = tmp_path / "submission" / "Org"
    write_set(folder / "results" / "one" / "slstr_cloud", runs((2,) * 5))
    write_set(folder / "benchmarks" / "slstr_cloud" / "implementations" / "pt" / "kept", runs((3,) * 5))
    (folder / "systems").mkdir()
    (folder / "systems" / "one.json").write_text('{"system_name": "one"}')
    path = shutil.make_archive(str(tmp_path / "packed"), "tar", folder.parent) if packed else folder.parent
    found = one(score(path, "--format", "json"))
    assert found["set"].endswith("/results/one/slstr_cloud")
    assert found["epochs_mean"] == 2


@pytest.mark.parametrize("suffix", ["tar", "zip", "gztar"])
def test_an_archive_scores_as_what_it_was_made_of(tmp_path: Path, suffix: str) -> None:
    folder = tmp_path / "submission" / "Org"
    write_set(folder / "results" / "one" / "slstr_cloud", runs((2, 2, 3, 2, 4)))
    write_set(folder / "results" / "one" / "slstr_cloud" / "pruned_results", runs((2,) * 12)[10:])
    (folder / "systems").mkdir()
    (folder / "systems" / "one.json").write_text('{"system_name": "one"}')
    packed = shutil.make_archive(str(tmp_path / "packed"), suffix, folder.parent)
    found, expected = (one(score(path, "--format", "json")) for path in (packed, folder.parent))
    members = [[{**member, "name": ""} for member in entry["members"]] for entry in (found, expected)]
    assert members[0] == members[1]
    assert {**found, "set": "", "members": []} == {**expected, "set": "", "members": []}
    assert found["runs"] == 5
    assert found["set"].startswith(packed)


def test_a_damaged_archive_is_refused_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "submission" / "Org"
    write_set(folder / "results" / "one" / "slstr_cloud", runs((2,) * 5))
    packed = Path(shutil.make_archive(str(tmp_path / "packed"), "gztar", folder.parent))
    packed.write_bytes(packed.read_bytes()[: packed.stat().st_size // 2])
    answer = score(packed)
    assert answer.code == 2
    assert f"{packed}: " in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.parametrize("name", ["result_{}.txt.gz", "seed-{}.log.gz", "seed-{}.log"])
def test_compressed_logs_and_those_of_the_reference_are_read(tmp_path: Path, name: str) -> None:
    packed = gzip.compress if name.endswith(".gz") else bytes
    for number, log in enumerate(runs((2, 2, 3, 2, 2)), 1):
        (tmp_path / name.format(number)).write_bytes(packed(log))
    plain = one(score(write_set(tmp_path / "plain" / "set", runs((2, 2, 3, 2, 2))), "--format", "json"))
    (found, _) = json.loads(score(tmp_path, "--format", "json").out)["sets"]
    assert found["score_s"] == plain["score_s"]
    assert [member["epochs"] for member in found["members"]] == [2, 2, 3, 2, 2]


# Forms.


def test_csv_has_every_column_and_the_numbers_of_json(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "a set, with a comma", [took(60 + seed, seed=seed) for seed in SEEDS])
    rows = list(csv.DictReader(io.StringIO(score(folder, "--format", "csv").out)))
    found = one(score(folder, "--format", "json"))
    assert len(rows) == 1
    assert list(rows[0]) == list(COLUMNS)
    assert rows[0]["set"] == str(folder)
    assert float(rows[0]["score_s"]) == found["score_s"]
    assert rows[0]["time_to_train_all_s"] == ""


def test_json_has_the_form_of_its_schema_and_the_columns_of_csv(tmp_path: Path) -> None:
    schema = json.loads((LOGGING_SPEC / "schemas" / "score.schema.json").read_text(encoding="utf-8"))
    assert set(schema["properties"]["sets"]["items"]["properties"]) == {*COLUMNS, "energies", "members"}
    answer = score(
        SETS / "valid", SETS / "invalid", weak_set(tmp_path / "set", pruned=1), *OPTIONS[:2], "--format", "json"
    )
    document = json.loads(answer.out)
    assert len(document["sets"]) == 1 + len(list(SETS.glob("*/*/")))
    assert faults_of(document, "score") == []


def test_parquet_has_the_rows_of_csv_with_their_types(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    folder = write_set(tmp_path / "set", [took(60 + seed, seed=seed) for seed in SEEDS])
    assert score(folder, "--format", "parquet", "--out", tmp_path / "scores.parquet").code == 0
    (found,) = parquet.read_table(tmp_path / "scores.parquet").to_pylist()
    expected = one(score(folder, "--format", "json"))
    assert list(found) == list(COLUMNS)
    assert {name: found[name] for name in COLUMNS if name != "findings"} == {
        name: expected[name] for name in COLUMNS if name != "findings"
    }


def test_parquet_without_pyarrow_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    folder = write_set(tmp_path / "set", runs((2,)))
    answer = score(folder, "--format", "parquet", "--out", tmp_path / "out")
    assert answer.code == 2
    assert "pip install pyarrow, or choose --format csv" in answer.err
    assert not (tmp_path / "out").exists()


def test_the_table_says_what_a_reader_has_to_know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SETS)
    out = score("valid/near-convergence-001-just-believable", "valid/near-convergence-004-seeds", *OPTIONS).out
    head, *rows = out.splitlines()
    assert head.split() == ["set", "runs", "score", "95%", "interval", "epochs", "reference"]
    assert rows[0].split()[2:4] == ["16.79", "s"]
    assert rows[0].endswith("plausible: ≥ 2.21, mean 2.88")
    assert "J a run (GPU boards (NVML), not MLPerf Power)" in out
    fast = score("invalid/convergence-001", *OPTIONS).out
    assert "TOO FAST: ≥ 2.21, mean 2.88" in fast


def test_scaling_is_shown_beside_the_score_and_replaces_nothing(tmp_path: Path) -> None:
    point = {
        "benchmark": "slstr_cloud", "model": "default", "implementation": "pt", "scale": "full", "metric": "accuracy",
        "direction": "max", "target": 0.9, "global_batch_size": 64, "epochs_to_target": [2, 3, 3, 2, 3, 3, 3, 2, 2, 3],
    }  # fmt: skip
    points = tmp_path / "rcp.json"
    points.write_text(json.dumps({"rcp_version": 1, "benchmark": "slstr_cloud", "points": [point]}), encoding="utf-8")
    folder = write_set(tmp_path / "set", runs((2, 2, 3, 2, 3)))
    found = one(score(folder, "--points", points, "--format", "json"))
    assert found["reference_accepted"] is True
    assert found["scaling_factor"] == pytest.approx(2.625 / (7 / 3))
    assert found["scaled_score_s"] == pytest.approx(found["score_s"] * found["scaling_factor"])
    assert "by MLPerf's scaling" in score(folder, "--points", points).out


def test_names_that_a_log_holds_reach_no_terminal_unseen(tmp_path: Path) -> None:
    """A log may hold what moves the cursor; tables show it escaped."""
    shutil.copytree(GOLDEN / "valid" / "run-directory", tmp_path / "run")
    (tmp_path / "run" / "result_0.txt").write_bytes(run(2, value("submission_benchmark", "a\x1b[2Jb"), seed=1))
    out = score(tmp_path / "run").out
    assert "\x1b" not in out
    assert "\\u001b[2J" in out


@pytest.mark.parametrize("name", ["line\nfeed", "bytes-\udcff", "-dash", "\x1b[31m"])
def test_odd_names_of_folders_break_no_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    write_set(tmp_path / name, runs((2, 2, 2)))
    for form in ("table", "csv", "json"):
        answer = score(".", "--runs", "3", "--format", form)
        assert (answer.code, answer.err) == (0, "")
        assert form == "csv" or "\x1b" not in answer.out
    assert call("diff", ".", name if not name.startswith("-") else f"./{name}").code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none"], "none: expected a package, run directories or logs, found nothing"),
        (["empty"], "empty: expected result_<i>.txt or run directories, found none"),
        (["set", "--runs", "0"], "--runs: expected a number of at least 1, found 0"),
        (["set", "--format", "parquet"], "expected --out FILE"),
        (["set", "--points", "none"], "none: No such file"),
        (["set", "--ruleset", "none"], "rule set"),
        (["set", "--out", "empty"], "empty: Is a directory"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    write_set(tmp_path / "set", runs((2,)))
    answer = score(*arguments)
    assert answer.code == 2
    assert words in answer.err
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize(
    "content",
    [b"", b"text\n", b":::MLLOG {]\n", b"\xff\n", b":::MLLOG " + b"[" * 70_000 + b"\n", run(2, seed=1)[:4000]],
    ids=["empty", "text", "not json", "not utf-8", "long", "cut"],
)
def test_no_log_ends_in_a_traceback(tmp_path: Path, content: bytes) -> None:
    folder = write_set(tmp_path / "set", [content, *runs((2, 2))])
    for form in ("table", "csv", "json"):
        answer = score(folder, "--format", form)
        assert (answer.code, answer.err) == (1, "")


def test_a_score_of_runs_is_the_same_by_library_and_by_command(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set", [took(60 + seed, seed=seed) for seed in SEEDS])
    (found,) = sets(read_set(folder))
    assert score_of(found, [], RULES).score_s == one(score(folder, "--format", "json"))["score_s"] == pytest.approx(63)


def test_the_rules_say_how_severe_each_finding_is() -> None:
    assert call("check", "--explain", "sciml-convergence-001").code == 0
    assert {RULES.rules[rule].severity for rule in RULES.rules if "-convergence-" in rule} == {"error", "warning"}


def test_logs_of_mlperf_benchmarks_are_scored_by_their_own_rules(tmp_path: Path) -> None:
    log = (GOLDEN / "mlperf-hpc-3.0.0" / "valid" / "cosmoflow.mllog").read_bytes()
    answer = score(write_set(tmp_path / "strong" / "cosmoflow", [log] * 10), "--format", "json")
    found = one(answer)
    assert (answer.code, json.loads(answer.out)["ruleset"]["name"]) == (0, "mlperf-hpc-3.0.0")
    assert (found["runs_needed"], found["benchmark"], found["reference_accepted"]) == (10, "cosmoflow", None)
    theirs, _, _ = stock._compute_strong_score_standalone(
        "cosmoflow", "any", False, str(tmp_path / "strong" / "cosmoflow"), "hpc", "3.0.0"
    )
    assert found["score_s"] == pytest.approx(60 * theirs)
    assert found["epochs_mean"] > 0


KEYS = sorted({json.loads(line.removeprefix(TOKEN))["key"] for line in run(2, seed=1).decode().splitlines()})


@pytest.mark.parametrize("key", KEYS)
def test_no_value_of_a_log_ends_in_an_error_of_ours(tmp_path: Path, key: str) -> None:
    for number, odd in enumerate(([], "x", None)):
        folder = write_set(tmp_path / str(number), [run(2, value(key, odd), seed=seed) for seed in (1, 2, 3)])
        for arguments in (
            ("score", folder, "--runs", "3", "--format", "json"),
            ("score", folder, "--runs", "3", "--ruleset", "mlperf-hpc-3.0.0"),
            ("diff", folder, SETS / "valid" / "near-convergence-004-seeds"),
        ):
            answer = call(*arguments)
            assert answer.code in (0, 1), (arguments, odd, answer.err)
