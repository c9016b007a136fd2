"""Differences of runs and submissions: every group, sets, documents beside logs, and the exit codes of diff(1)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from checking import GOLDEN, Answer, call
from scoring import SETS, Edit, faults_of, insert, metadata, run, value, write_set

from compliance.diff.facts import GROUPS

RUN = GOLDEN / "valid" / "run-directory"

NODE: dict[str, Any] = {
    "host": {"value": "node01", "found_by": "gethostname", "reason": None},
    "processor": {"model": {"value": "A", "found_by": "cpuinfo", "reason": None}},
    "software": {"kernel": {"value": "6.1", "found_by": "uname", "reason": None}},
    "storage": {"data_free_bytes": {"value": 1, "found_by": "statvfs", "reason": None}},
}


def diff(*arguments: str | Path) -> Answer:
    return call("diff", *arguments)


def differences(answer: Answer) -> dict[str, dict[str, Any]]:
    """Return the entries of a JSON answer by group and fact."""
    groups = answer.document["groups"]
    return {f"{group}/{entry['fact']}": entry for group, entries in groups.items() for entry in entries}


def two(tmp_path: Path, *edits: Edit) -> tuple[Path, Path]:
    """Write a log, and the same log after some edits."""
    paths = (tmp_path / "a.log", tmp_path / "b.log")
    paths[0].write_bytes(run(2, seed=1))
    paths[1].write_bytes(run(2, *edits, seed=1))
    return paths


def run_directory(folder: Path, **documents: Any) -> Path:
    """Copy the golden run directory and put documents beside its log."""
    shutil.copytree(RUN, folder)
    for name, content in documents.items():
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def test_a_run_does_not_differ_from_itself_whatever_its_times(tmp_path: Path) -> None:
    a, b = two(tmp_path, value("energy", 1.0), value("run_id", "another"), value("throughput", 500.0))
    answer = diff(a, b)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("0 of ")
    assert diff(RUN, RUN).code == 0


@pytest.mark.parametrize(
    ("edit", "fact", "a", "b"),
    [
        (value("seed", 7), "task/seed", 1, 7),
        (metadata("quality_target", direction="min"), "task/quality_target.direction", "max", "min"),
        (value("hyperparameters", {"learning_rate": 0.1}), "hyperparameters/hyperparameters.learning_rate", 0.001, 0.1),
        (value("opt_epsilon", 1e-8), "hyperparameters/opt_epsilon", 1e-7, 1e-8),
        (value("number_of_ranks", 8), "system/number_of_ranks", 4, 8),
        (metadata("framework", version="2.14.0"), "software/framework.version", "2.13.0", "2.14.0"),
        (
            value("launch_environment", {"OMP_NUM_THREADS": "4"}),
            "environment/launch_environment.OMP_NUM_THREADS", "8", "4",
        ),
        (metadata("code_commit", dirty=True), "code/code_commit.dirty", False, True),
        (value("dataset_manifest_sha256", "0" * 64), "data/dataset_manifest_sha256", None, "0" * 64),
    ],
)  # fmt: skip
def test_every_group_shows_what_differs(tmp_path: Path, edit: Edit, fact: str, a: Any, b: Any) -> None:
    one, other = two(tmp_path, edit)
    answer = diff(one, other, "--format", "json")
    entry = differences(answer)[fact]
    assert answer.code == 1
    assert entry["b"] == b
    assert a is None or entry["a"] == a
    assert answer.document["equal"] is False


def staged(**more: Any) -> tuple[Edit, Edit]:
    """Let a run copy its data set first."""
    sizes = {"files": 3, "bytes": 540, "staged_bytes": 540, "compress": "none"}
    return insert("staging_stop", None, "run_start", **sizes, **more), insert("staging_start", None, "run_start")


def test_a_copy_that_the_clock_counts_is_a_difference_and_so_is_its_form(tmp_path: Path) -> None:
    logs = {"read": (), "files": staged(), "samples": staged(form="samples")}
    for name, edits in logs.items():
        (tmp_path / name).write_bytes(run(2, *edits, seed=1))

    def found(a: str, b: str) -> dict[str, tuple[Any, Any]]:
        entries = differences(diff(tmp_path / a, tmp_path / b, "--format", "json"))
        return {fact: (entry.get("a"), entry.get("b")) for fact, entry in entries.items()}

    assert found("read", "files") == {
        "data/staged": (None, True), "data/staged.form": (None, "files"), "data/staged.compress": (None, "none"),
    }  # fmt: skip
    assert found("files", "samples") == {"data/staged.form": ("files", "samples")}


def test_the_text_is_aligned_and_holds_nothing_that_is_alike(tmp_path: Path) -> None:
    one, other = two(tmp_path, value("number_of_ranks", 8), value("opt_epsilon", 1e-8))
    lines = diff(one, other).out.splitlines()
    assert lines[0].split() == ["a:", str(one), "b:", str(other)]
    assert lines[2] == "hyperparameters"
    rows = [line for line in lines if line.startswith(("opt_epsilon", "number_of_ranks"))]
    assert [row.split() for row in rows] == [["opt_epsilon", "1e-07", "1e-08"], ["number_of_ranks", "4", "8"]]
    assert {row.index(cell) for row, cell in zip(rows, ("1e-07", "4"), strict=True)} == {lines[0].index("a:")}
    assert lines[-1].endswith("facts differ: hyperparameters 1, system 1")
    assert "seed" not in "".join(lines)


def test_json_has_the_form_of_its_schema(tmp_path: Path) -> None:
    sides = (RUN, SETS / "invalid" / "convergence-004")
    for answer in (diff(*sides, "--format", "json"), diff(*sides, "--format", "json", "--all")):
        assert faults_of(answer.document, "diff") == []
        assert list(answer.document["groups"]) == list(GROUPS)


def test_all_shows_what_is_alike_too_and_marks_what_is_not(tmp_path: Path) -> None:
    one, other = two(tmp_path, value("number_of_ranks", 8))
    lines = diff(one, other, "--all").out.splitlines()
    assert [line.split() for line in lines if line.startswith("≠")] == [["≠", "number_of_ranks", "4", "8"]]
    assert any(line.split() == ["seed", "1", "1"] for line in lines)


def test_true_is_not_1_and_what_a_side_does_not_say_differs(tmp_path: Path) -> None:
    one, other = two(tmp_path, value("hyperparameters", {"batch_size": 64, "learning_rate": 0.001, "epsilon": True}))
    entry = differences(diff(one, other, "--format", "json"))["hyperparameters/hyperparameters.epsilon"]
    assert (entry["a"], entry["b"]) == (1e-7, True)
    one.write_bytes(run(2, value("threads_per_rank", 1), seed=1))
    other.write_bytes(run(2, value("threads_per_rank", 1.0), seed=1))
    assert diff(one, other).code == 0
    other.write_bytes(run(2, value("threads_per_rank", True), seed=1))
    assert diff(one, other).code == 1
    one, other = two(tmp_path, value("hyperparameters", {"batch_size": 64, "learning_rate": 0.001}))
    entry = differences(diff(one, other, "--format", "json"))["hyperparameters/hyperparameters.epsilon"]
    assert "b" not in entry
    assert "(not said)" in diff(one, other).out


def test_a_set_says_all_values_in_which_its_runs_differ() -> None:
    answer = diff(
        SETS / "valid" / "near-convergence-004-seeds", SETS / "invalid" / "convergence-004", "--format", "json"
    )
    entry = differences(answer)["hyperparameters/global_batch_size"]
    assert (entry["a"], entry["b"], entry["varies_in"]) == (64, [64, 32], ["b"])
    assert "task/seed" not in differences(answer), "both sets have the seeds 1, 2, 3"


def test_sets_of_the_same_values_in_another_order_do_not_differ(tmp_path: Path) -> None:
    one = write_set(tmp_path / "one", [run(2, seed=1), run(2, seed=2)])
    other = write_set(tmp_path / "other", [run(2, seed=2), run(2, seed=1), run(2, seed=1)])
    assert diff(one, other).code == 0


def test_launch_and_system_are_compared_where_both_sides_have_them(tmp_path: Path) -> None:
    launch = {"python": "3.11.7", "packages": {"torch": "2.13.0"}, "started_ms": 1, "cwd": "/a"}
    changed = {**launch, "packages": {"torch": "2.14.0"}, "started_ms": 2, "cwd": "/b"}
    other_node = {**NODE, "processor": {"model": {"value": "B", "found_by": "cpuinfo", "reason": None}}}
    full = {**NODE, "storage": {"data_free_bytes": {"value": 2, "found_by": "statvfs", "reason": None}}}
    a = run_directory(tmp_path / "a", launch=launch, system={"mlperf": {}, "nodes": [NODE, full]})
    b = run_directory(tmp_path / "b", launch=changed, system={"mlperf": {}, "nodes": [full, other_node]})
    found = differences(diff(a, b, "--format", "json"))
    assert set(found) == {"software/launch.packages.torch", "system/node.processor.model"}
    assert (found["system/node.processor.model"]["a"], found["system/node.processor.model"]["b"]) == ("A", ["A", "B"])


def test_what_is_long_is_cut_unless_that_hides_the_difference(tmp_path: Path) -> None:
    one, other = two(tmp_path, value("device", "x" * 200 + "b"))
    assert "xb" not in diff(one, other).out
    one.write_bytes(run(2, value("device", "x" * 200 + "a"), seed=1))
    assert "xa" in diff(one, other).out
    assert "xb" in diff(one, other).out


def test_lists_of_objects_are_compared_item_by_item(tmp_path: Path) -> None:
    sides = []
    for name, speed in (("a", 1), ("b", 2)):
        interfaces = [{"name": "lo", "up": True}, {"name": "ib0", "speed": speed}]
        node = {**NODE, "network": {"interfaces": {"value": interfaces, "found_by": "psutil", "reason": None}}}
        sides.append(run_directory(tmp_path / name, system={"mlperf": {}, "nodes": [node]}))
    found = differences(diff(*sides, "--format", "json"))
    assert {fact: (entry["a"], entry["b"]) for fact, entry in found.items()} == {
        "system/node.network.interfaces[1].speed": (1, 2)
    }


def test_a_file_that_one_side_lacks_is_named_and_not_compared(tmp_path: Path) -> None:
    a = run_directory(tmp_path / "a", launch={"python": "3.11.7"})
    b = run_directory(tmp_path / "b")
    answer = diff(a, b)
    assert answer.code == 0
    assert "launch.json: on side a alone, not compared" in answer.out
    assert diff(a, b, "--format", "json").document["not_compared"] == {"a": ["launch.json"], "b": []}


def test_the_system_of_a_submission_is_found_beside_its_results(tmp_path: Path) -> None:
    sides = []
    for name, memory in (("a", "64 GiB"), ("b", "128 GiB")):
        org = tmp_path / name / "Example"
        write_set(org / "results" / "cluster" / "slstr_cloud", [run(2, seed=1)])
        (org / "systems").mkdir()
        system = {"host_memory_capacity": memory, "framework": "pytorch"}
        (org / "systems" / "cluster.json").write_text(json.dumps(system), encoding="utf-8")
        sides.append(org)
    assert set(differences(diff(*sides, "--format", "json"))) == {"system/host_memory_capacity"}


@pytest.mark.parametrize("content", [b"", b"no event\n", b"\xff\xfe:::MLLOG {]\n", b':::MLLOG {"key": 1}\n'])
def test_a_side_without_events_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "result_0.txt"
    path.write_bytes(content)
    for arguments in ((path, RUN), (RUN, path), (RUN, tmp_path / "none")):
        answer = diff(*arguments)
        assert (answer.code, answer.out) == (2, "")
        assert answer.err.startswith("compliance: ")
        assert answer.err.count("\n") == 1


def test_the_optimiser_of_an_mlperf_log_is_compared() -> None:
    valid = GOLDEN / "mlperf-hpc-3.0.0" / "valid"
    found = differences(
        diff(valid / "deepcam-adamw-cosine.mllog", valid / "deepcam-lamb-multistep.mllog", "--format", "json")
    )
    assert found["hyperparameters/opt_name"]["differs"]
    assert any(fact.startswith("hyperparameters/scheduler_") for fact in found)


def test_a_document_that_is_none_is_passed_over(tmp_path: Path) -> None:
    a = run_directory(tmp_path / "a", launch=[1, 2], system={"nodes": "none", "mlperf": 7})
    b = run_directory(tmp_path / "b", launch={"python": "3"}, system={"nodes": [3]})
    assert diff(a, b).code in (0, 1)
