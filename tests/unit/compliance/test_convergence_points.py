"""Reference convergence points: MLPerf's worked example, the stock checker where it is right, and every golden set."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import pytest
from checking import check
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from mlperf_logging.rcp_checker.rcp_checker import RCP_Checker
from referencing import Registry
from scipy.stats import ttest_ind_from_stats
from scoring import (
    BASE,
    OPTIONS,
    RULES,
    SETS,
    lines,
    point,
    read_set,
    runs,
    said_of,
    score,
    tell,
    value,
    write_set,
)

from compliance.convergence.check import check_convergence
from compliance.convergence.envelope import between, envelope, match
from compliance.convergence.points import SCHEMA, PointsError, read
from compliance.convergence.ttest import LEVEL, Reference, p_value, smallest_mean
from compliance.sets import olympic

EXAMPLE_128 = (16, 14, 16, 17, 16, 16, 15, 16, 15, 16)
EXAMPLE_256 = (20, 21, 21, 20, 22, 22, 21, 21, 20, 20)
"""Epochs of the reference in the appendix "RCP Examples" of MLPerf's training rules, for two batch sizes."""

UNTIMED = settings(deadline=None)
"""The machine may be busy."""

TOOLS_CASE = Path(__file__).parents[1] / "tools" / "cases" / "rcp.json"


def reference(batch_size: int, mean: float, stdev: float = 1.0, runs: int = 8) -> Reference:
    return Reference(batch_size=batch_size, mean=mean, stdev=stdev, runs=runs, origin="a test")


def example(epochs: tuple[int, ...], batch_size: int) -> Reference:
    found = point(epochs, batch_size=batch_size).reference
    assert found is not None
    return found


# The rules' worked example.


@pytest.mark.parametrize(
    ("epochs", "mean", "stdev", "smallest", "speedup"),
    [(EXAMPLE_128, 15.75, 0.43, 15.21, 3.53), (EXAMPLE_256, 20.75, 0.66, 19.93, 4.12)],
)
def test_the_rules_own_example(
    epochs: tuple[int, ...], mean: float, stdev: float, smallest: float, speedup: float
) -> None:
    found = example(epochs, 128)
    assert (found.mean, round(found.stdev, 2), found.runs) == (mean, stdev, 8)
    lowest = smallest_mean(found, 3)
    assert round(lowest, 2) == smallest
    assert round(100 * (found.mean / lowest - 1), 2) == pytest.approx(speedup, abs=0.011)


@pytest.mark.parametrize(
    ("epochs", "batch_size", "accepted"),
    [((15, 15, 15, 16, 16), 128, True), ((19, 19, 19, 20, 21), 256, False), ((17, 18, 18, 18, 20), 192, True)],
    ids=["S1", "S2", "S3"],
)
def test_the_rules_own_submissions(epochs: tuple[int, ...], batch_size: int, accepted: bool) -> None:
    held_against = match([example(EXAMPLE_128, 128), example(EXAMPLE_256, 256)], batch_size).reference
    mean = olympic.mean(epochs)
    assert held_against is not None
    assert mean is not None
    assert (mean >= smallest_mean(held_against, 3)) is accepted


def test_the_rules_own_interpolation() -> None:
    found = between(example(EXAMPLE_128, 128), example(EXAMPLE_256, 256), 192)
    assert (found.mean, round(found.stdev, 3)) == (18.25, 0.547)
    # The example counts all ten runs here, those that were dropped included; ours counts what the mean is of.
    as_the_example = reference(192, found.mean, found.stdev, runs=10)
    assert round(100 * (found.mean / smallest_mean(as_the_example, 3) - 1), 1) == 3.7
    assert smallest_mean(found, 3) < smallest_mean(as_the_example, 3)


# Student's t against SciPy and the stock checker.

STATISTICS = {
    "mean": st.floats(1, 1e3),
    "stdev": st.floats(0.01, 50),
    "runs": st.integers(2, 40),
    "left": st.integers(1, 40),
}


@UNTIMED
@given(**STATISTICS)
def test_the_smallest_mean_is_where_the_t_test_stops_to_reject(mean: float, stdev: float, runs: int, left: int) -> None:
    held_against = reference(64, mean, stdev, runs)
    lowest = smallest_mean(held_against, left)
    assert 0 <= lowest < mean
    if lowest > 0:
        tested = ttest_ind_from_stats(lowest, stdev, left, mean, stdev, runs, equal_var=True, alternative="less")
        assert float(tested.pvalue) == pytest.approx(LEVEL, rel=1e-6)
        assert p_value(held_against, lowest, left) == pytest.approx(LEVEL, rel=1e-6)


def stock(benchmark: str, monkeypatch: pytest.MonkeyPatch) -> RCP_Checker:
    """Return the stock checker, with the standard deviation trimmed as the rules have it."""
    import numpy as np

    whole = np.std
    monkeypatch.setattr(np, "std", lambda values: whole(values[1:-1]))
    return RCP_Checker("hpc", "3.0.0", benchmark, False)


@pytest.mark.parametrize("benchmark", ["cosmoflow", "deepcam", "oc20"])
def test_the_stock_checker_agrees_once_its_deviation_is_trimmed(
    benchmark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    checker = stock(benchmark, monkeypatch)
    ours = []
    for record in checker.rcp_data.values():
        found = point(record["Epochs to converge"], batch_size=record["BS"]).reference
        assert found is not None
        assert found.mean == pytest.approx(record["RCP Mean"])
        assert smallest_mean(found, checker.submission_runs - 2) == pytest.approx(record["Min Epochs"], abs=2e-4)
        ours.append(found)
    kept = [record["BS"] for record in checker.pruned_rcp_data.values()]
    assert [found.batch_size for found in envelope(ours)] == kept


def test_the_stock_checker_is_laxer_than_the_rules() -> None:
    checker = RCP_Checker("hpc", "3.0.0", "deepcam", False)
    laxer = [
        record["Min Epochs"] < smallest_mean(found, 3) - 1e-3
        for record in checker.rcp_data.values()
        if (found := point(record["Epochs to converge"], batch_size=record["BS"]).reference) and found.stdev > 0
    ]
    assert laxer
    assert all(laxer)


def test_the_stock_pruning_leaves_a_point_above_the_envelope() -> None:
    """After a point has been taken away, the one before it is not looked at again (mlcommons/logging#368)."""
    means = {32: 1.0, 64: 2.0, 96: 3.1, 128: 4.1, 160: 4.5}
    checker = RCP_Checker("hpc", "3.0.0", "deepcam", False)
    record = {"Benchmark": "deepcam", "RCP Stdev": 0.1}
    checker.rcp_data = {str(size): {**record, "BS": size, "RCP Mean": mean} for size, mean in means.items()}
    checker._prune_rcps()
    theirs = [record["BS"] for record in checker.pruned_rcp_data.values()]
    ours = [found.batch_size for found in envelope(reference(size, mean) for size, mean in means.items())]
    assert ours == [32, 160]
    assert theirs == [32, 64, 160]


# The envelope and what lies between its points.

POINTS = st.dictionaries(st.integers(1, 4096), st.floats(1, 500), min_size=1, max_size=12).map(
    lambda means: [reference(size, mean) for size, mean in means.items()]
)


@UNTIMED
@given(POINTS)
def test_the_envelope_is_convex_rising_and_below_every_point(points: list[Reference]) -> None:
    hull = envelope(points)
    sizes = [found.batch_size for found in hull]
    assert sizes == sorted(set(sizes))
    assert set(hull) <= set(points)
    slopes = [(high.mean - low.mean) / (high.batch_size - low.batch_size) for low, high in itertools.pairwise(hull)]
    assert all(slope >= 0 for slope in slopes)
    assert all(low <= high + 1e-9 for low, high in itertools.pairwise(slopes))
    assert hull[0].mean == min(found.mean for found in points)
    assert hull[-1].batch_size == max(found.batch_size for found in points)
    for found in points:
        below = match(hull, found.batch_size).reference
        assert below is not None
        assert below.mean <= found.mean + 1e-9


@UNTIMED
@given(POINTS)
def test_an_envelope_is_its_own_envelope_in_any_order(points: list[Reference]) -> None:
    hull = envelope(points)
    assert envelope(hull) == hull
    assert envelope(reversed(points)) == hull


@UNTIMED
@given(POINTS, st.integers(1, 5000))
def test_what_lies_between_two_points_lies_between_their_means(points: list[Reference], batch_size: int) -> None:
    hull = envelope(points)
    found = match(hull, batch_size)
    assert (found.reference is None) == (batch_size > hull[-1].batch_size)
    assert found.below == (batch_size < hull[0].batch_size)
    if found.reference is not None and not found.below:
        low = max((one for one in hull if one.batch_size <= batch_size), key=lambda one: one.batch_size)
        high = min((one for one in hull if one.batch_size >= batch_size), key=lambda one: one.batch_size)
        assert low.mean - 1e-9 <= found.reference.mean <= high.mean + 1e-9


def test_of_one_batch_size_the_fastest_point_counts() -> None:
    assert [found.mean for found in envelope([reference(64, 3.0), reference(64, 2.5)])] == [2.5]


def test_a_reference_without_spread_allows_nothing_below_its_mean() -> None:
    assert smallest_mean(reference(64, 3.0, stdev=0.0), 3) == 3.0
    assert p_value(reference(64, 3.0, stdev=0.0), 2.0, 3) is None


# Sets of runs.


@pytest.mark.parametrize("folder", sorted((SETS / "invalid").glob("*/")), ids=lambda path: path.name)
def test_a_bad_set_is_called_so_in_the_words_beside_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = folder.with_suffix(".expected.txt").read_text(encoding="utf-8").splitlines()
    assert expected
    assert set(expected) <= set(said_of(folder))
    monkeypatch.chdir(SETS)
    answer = score(f"invalid/{folder.name}", *OPTIONS)
    assert answer.code == (0 if all(line.endswith("[warning]") for line in expected) else 1)


@pytest.mark.parametrize("folder", sorted((SETS / "valid").glob("*/")), ids=lambda path: path.name)
def test_a_good_set_has_a_score_and_no_finding(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SETS)
    answer = score(folder, *OPTIONS, "--format", "json")
    (found,) = json.loads(answer.out)["sets"]
    assert answer.code == 0
    assert found["score_s"] > 0
    assert found["findings"] == []
    assert not any("sciml-set-" in line for line in check(*sorted(folder.iterdir())).lines)


def test_a_set_is_held_to_the_target_of_the_reference_and_not_to_a_higher_one_of_its_own(tmp_path: Path) -> None:
    """Epochs to 0.9 are counted, although the runs go on to 0.95: raising the target hides no speed."""
    plan = replace(BASE, target=0.95, qualities=(0.8741, 0.9002, 0.9377, 0.9511))
    logs = ["".join(lines(tell(replace(plan, seed=seed)))).encode() for seed in (1, 2, 3)]
    found = check_convergence(read_set(write_set(tmp_path / "set", logs)), [point((5, 5, 5, 6, 5, 6, 5, 5, 5, 5))])
    assert found.epochs == (2, 2, 2)
    assert found.accepted is False


def test_the_implementation_that_allows_most_stands_for_one_without_points(tmp_path: Path) -> None:
    logs = runs((3, 3, 3), value("implementation", "jax"))
    points = [point((5,) * 5, implementation="tf"), point((3,) * 5, implementation="pt")]
    read_back = read_set(write_set(tmp_path / "set", logs))
    found = check_convergence(read_back, points)
    assert found.accepted is True
    assert found.reference is not None
    assert found.reference.mean == 3
    assert check_convergence(read_back, points[:1]).accepted is False


def test_points_of_another_model_scale_metric_or_harder_target_do_not_count(tmp_path: Path) -> None:
    read_back = read_set(write_set(tmp_path / "set", runs((2, 2, 2))))
    slow = (9, 9, 9, 9, 9)
    assert check_convergence(read_back, [point(slow)]).accepted is False
    others = [
        point(slow, model="unet"), point(slow, scale="small"), point(slow, metric="f1"), point(slow, target=0.91),
        point(slow, benchmark="em_denoise"),
    ]  # fmt: skip
    found = check_convergence(read_back, others)
    assert found.accepted is None
    assert [finding.rule for finding in found.findings] == ["convergence-003"]


def test_of_several_targets_of_the_reference_the_most_demanding_that_the_set_has_counts(tmp_path: Path) -> None:
    read_back = read_set(write_set(tmp_path / "set", runs((4, 4, 4))))
    older = point((2, 2, 2, 2, 2), target=0.88)
    assert check_convergence(read_back, [older]).epochs == (3, 3, 3)
    assert check_convergence(read_back, [older, point((3, 3, 3, 3, 3))]).epochs == (4, 4, 4)


def test_only_evaluations_inside_the_run_count(tmp_path: Path) -> None:
    def late(records: list[dict[str, object]]) -> None:
        stop = next(place for place, record in enumerate(records) if record["key"] == "run_stop")
        last = [record for record in records if record["key"] == "eval_accuracy"][-1]
        records.insert(stop + 1, {**last, "time_ms": records[stop]["time_ms"], "value": 0.99})

    (found,) = read_set(write_set(tmp_path / "set", runs((3,), late)))
    assert [quality for _, quality in found.evaluations] == [0.8512, 0.8749, 0.9037]
    assert found.time_s is None


def test_the_open_division_is_not_held_against_the_reference(tmp_path: Path) -> None:
    logs = runs((1, 1, 1), plan=replace(BASE, division="open"))
    found = check_convergence(read_set(write_set(tmp_path / "set", logs)), [point((9,) * 5)])
    assert (found.accepted, found.findings, found.mean) == (None, (), 1)
    assert found.reason is not None


def test_a_fast_set_that_is_believed_has_a_scaling_factor(tmp_path: Path) -> None:
    read_back = read_set(write_set(tmp_path / "set", runs((3, 3, 3))))
    assert check_convergence(read_back, [point((3, 3, 3, 4, 4, 3, 4, 3, 4, 3))]).factor == pytest.approx(3.375 / 3)
    assert check_convergence(read_back, [point((2, 3, 3, 3, 2, 2, 2, 3, 2, 3))]).factor == 1.0
    assert check_convergence(read_back, [point((9,) * 9)]).factor is None


# Files of points.


def test_what_the_campaign_writes_is_read(tmp_path: Path) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    document = json.loads(TOOLS_CASE.read_text(encoding="utf-8"))
    assert list(Draft202012Validator(schema, registry=Registry()).iter_errors(document)) == []
    found = read([TOOLS_CASE])
    assert [one.epochs for one in found] == [(2, None, 3), (None,), (1,)]
    assert [one.reference for one in found][1:] == [None, None]


WHOLE = {"rcp_version": 1, "benchmark": "x"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([], "not an object"),
        ({**WHOLE, "rcp_version": 2, "points": []}, "rcp_version"),
        ({**WHOLE, "points": [{}]}, "points"),
    ],
)
def test_a_file_without_points_is_refused_by_name(tmp_path: Path, content: object, words: str) -> None:
    path = tmp_path / "rcp.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(PointsError, match=words) as refusal:
        read([path])
    assert str(refusal.value).startswith(f"{path}: ")
    answer = score(SETS / "valid" / "near-convergence-004-seeds", "--points", path)
    assert (answer.code, answer.err.count("\n")) == (2, 1)


def test_every_rule_about_sets_has_a_bad_set_and_a_near_miss() -> None:
    wanted = {
        rule.removeprefix("sciml-") for rule in RULES.rules if rule.startswith(("sciml-convergence-", "sciml-set-"))
    }
    bad = {"-".join(path.name.split("-")[:2]) for path in (SETS / "invalid").glob("*/")}
    near = {"-".join(path.name.split("-")[1:3]) for path in (SETS / "valid").glob("*/")}
    assert bad == near == wanted
