"""One line of a valid log is changed, and the checker names the line and the rule."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from checking import check_bytes, golden_lines, line_of, place_of, record_of


class Mutation(NamedTuple):
    """A change of one line, and what it must be called."""

    key: str
    """Key of the line; its first event is changed unless `number` says otherwise."""

    change: Callable[[str], str]
    """The line before, the line after; an empty text takes it away."""

    rule: str
    """Rule that the finding names."""

    at: str = ""
    """Key of the line that the finding names; the changed line itself where empty."""

    number: int = 0
    """Which of the events with the key."""


def with_(**fields: Any) -> Callable[[str], str]:
    """Make the change that replaces fields of the record."""
    return lambda line: line_of({**record_of(line), **fields})


def meta(**names: Any) -> Callable[[str], str]:
    """Make the change that replaces metadata."""
    return lambda line: line_of({**record_of(line), "metadata": {**record_of(line)["metadata"], **names}})


def drop(_: str) -> str:
    """Take the line away."""
    return ""


def text(old: str, new: str) -> Callable[[str], str]:
    """Make the change that replaces a part of the line's text."""

    def change(line: str) -> str:
        assert old in line
        return line.replace(old, new, 1)

    return change


MUTATIONS = {
    "drop init_stop": Mutation("init_stop", drop, "sciml-order-001", at="run_start"),
    "drop run_start": Mutation("run_start", drop, "sciml-order-003", at="epoch_start"),
    "drop epoch_start": Mutation("epoch_start", drop, "sciml-order-002", at="tracked_stats"),
    "drop epoch_stop": Mutation("epoch_stop", drop, "sciml-order-002", at="eval_start"),
    "drop eval_start": Mutation("eval_start", drop, "sciml-order-002", at="eval_accuracy"),
    "drop eval_stop": Mutation("eval_stop", drop, "sciml-order-002", at="epoch_start 1"),
    "drop metric": Mutation("eval_accuracy", drop, "sciml-eval-002", at="eval_stop"),
    "drop run_stop": Mutation("run_stop", drop, "sciml-order-004", at="baseline"),
    "drop seed": Mutation("seed", drop, "sciml-key-004", at="init_stop"),
    "drop code_commit": Mutation("code_commit", drop, "sciml-key-004", at="init_start"),
    "run_stop twice": Mutation("run_stop", lambda line: line + line, "sciml-key-005", at="run_stop 1"),
    "seed as text": Mutation("seed", with_(value="1093"), "sciml-key-001"),
    "seed as float": Mutation("seed", with_(value=1093.0), "sciml-key-001"),
    "seed as boolean": Mutation("seed", with_(value=True), "sciml-key-001"),
    "seed null": Mutation("seed", with_(value=None), "sciml-key-001"),
    "batch negative": Mutation("global_batch_size", with_(value=-64), "sciml-key-001"),
    "learning rate true": Mutation("opt_base_learning_rate", with_(value=True), "sciml-key-001"),
    "digest cut": Mutation("dataset_manifest_sha256", with_(value="9f86d0"), "sciml-key-001"),
    "no epoch number": Mutation("eval_f1", meta(epoch_num=None), "sciml-key-002"),
    "unknown status": Mutation("run_stop", meta(status="done"), "sciml-key-002"),
    "event type": Mutation("run_start", with_(event_type="POINT_IN_TIME"), "sciml-event-003"),
    "no metadata": Mutation("train_loss", with_(metadata=None), "sciml-event-002"),
    "no namespace": Mutation("train_loss", text('"namespace": "", ', ""), "sciml-event-001"),
    "misspelt key": Mutation("tracked_stats", with_(key="tracked_stat"), "sciml-key-003"),
    "time as text": Mutation("train_loss", with_(time_ms="1785"), "sciml-event-002"),
    "time backwards": Mutation("eval_start", with_(time_ms=1_785_000_000_000), "sciml-time-001", number=1),
    "name twice": Mutation("train_samples", text('"value": ', '"value": 1, "value": '), "sciml-line-003"),
    "not a number": Mutation("eval_accuracy", text("0.9037", "NaN"), "sciml-line-004", number=1),
    "infinite": Mutation("throughput", text("412.5", "Infinity"), "sciml-line-004"),
    "half a line": Mutation("train_loss", lambda line: line[: len(line) // 2] + "\n", "sciml-line-002"),
    "no line feed": Mutation("train_loss", lambda line: line.rstrip("\n"), "sciml-line-001"),
    "prefix": Mutation("train_loss", lambda line: "0: " + line, "sciml-line-006"),
    "wrong epoch": Mutation("eval_accuracy", meta(epoch_num=1), "sciml-order-006", number=1),
    "epoch skipped": Mutation("epoch_start", meta(epoch_num=3), "sciml-order-005", number=1),
    "samples missing": Mutation("epoch_stop", meta(samples_count=2047), "sciml-samples-001"),
    "samples of evaluation": Mutation("eval_stop", meta(samples_count=0), "sciml-samples-002"),
    "samples of run": Mutation("run_stop", meta(samples_count=4095), "sciml-samples-003"),
    "steps": Mutation("tracked_stats", meta(step=33), "sciml-samples-004"),
    "hosts": Mutation("number_of_ranks", meta(hosts=2), "sciml-ranks-001"),
    "drop throughput": Mutation("throughput", drop, "sciml-time-004", at="epoch_stop"),
    "ten times as fast": Mutation("throughput", with_(value=4125.0), "sciml-time-004"),
    "slow initialisation": Mutation("init_start", with_(time_ms=1_784_998_000_000), "sciml-time-003", at="init_stop"),
    "clock set": Mutation("run_stop", meta(mono_ns=1), "sciml-time-002"),
    "target missed": Mutation("eval_accuracy", with_(value=0.8999), "sciml-target-001", at="run_stop", number=1),
    "status of a miss": Mutation("eval_accuracy", with_(value=0.8999), "sciml-target-002", at="run_stop", number=1),
    "aborted": Mutation("run_stop", meta(status="aborted"), "sciml-target-003"),
    "target lowered": Mutation("quality_target", with_(value=0.5), "sciml-target-004"),
    "direction turned": Mutation("quality_target", meta(direction="min"), "sciml-target-004"),
    "baseline as good": Mutation("baseline", with_(value=0.95), "sciml-target-005"),
    "unknown benchmark": Mutation("submission_benchmark", with_(value="cosmology"), "sciml-identity-001"),
    "other data set": Mutation("dataset_id", with_(value="mine"), "sciml-identity-002"),
    "dirty": Mutation("code_commit", meta(dirty=True), "sciml-identity-003"),
    "energy null": Mutation("energy", with_(value=None), "sciml-key-006"),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_changed_line_is_named_with_its_rule(name: str, tmp_path: Path) -> None:
    mutation = MUTATIONS[name]
    lines = golden_lines()
    place = place_of(lines, mutation.key, mutation.number)
    lines[place] = mutation.change(lines[place])
    answer = check_bytes("".join(lines).encode(), tmp_path)
    assert (line_named(lines, place, mutation), mutation.rule) in answer.found()


def line_named(lines: list[str], place: int, mutation: Mutation) -> int:
    """Return the number of the line that the finding has to name."""
    if not mutation.at:
        return place + 1
    key, _, number = mutation.at.partition(" ")
    physical = "".join(lines).splitlines()
    found = [index for index, line in enumerate(physical, 1) if json.dumps({"key": key})[1:-1] in line]
    return found[int(number or 0)]


def test_there_are_mutations_of_most_kinds_of_rule() -> None:
    assert len({mutation.rule for mutation in MUTATIONS.values()}) >= 20


def test_a_log_that_is_cut_after_any_line_is_not_compliant(tmp_path: Path) -> None:
    lines = golden_lines()
    for number in range(len(lines)):
        assert check_bytes("".join(lines[:number]).encode(), tmp_path).code == 1, number


def test_no_line_of_a_short_log_can_be_left_out_unnoticed_unless_it_is_free(tmp_path: Path) -> None:
    free = {"tracked_stats", "checkpoint", "eval_balanced_accuracy", "eval_f1", "eval_iou", "baseline"}
    free |= {"opt_epsilon", "opt_learning_rate_warmup_steps", "train_loss"}  # the other epoch holds a train_loss too
    lines = golden_lines()
    for place, line in enumerate(lines):
        answer = check_bytes("".join(lines[:place] + lines[place + 1 :]).encode(), tmp_path)
        assert answer.code == int(record_of(line)["key"] not in free), line
