"""Write the golden logs anew: `python tests/golden/make_corpus.py`.

The files are what the tests read, and they are kept; this script is how they were made, and how they are made again
when the format changes. `python tests/golden/make_corpus.py --expected` also writes what the checker says now of each
invalid log into its `.expected.txt`: read the difference before you keep it.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from backports import zstd
from chaining import chained, place
from log_edits import (
    Edit,
    cut_short,
    evaluate_twice,
    event,
    fields,
    insert,
    later,
    metadata,
    move,
    outside_git,
    quality,
    status,
    twice,
    value,
    without,
    without_evaluation,
)
from run_story import MANIFEST_SHA256, Plan, lines, tell

HERE = Path(__file__).resolve().parent

BASE = Plan()
TINY = replace(
    BASE, scale="tiny", dataset_id="slstr_cloud-sim-tiny-v1", simulated=True, target=0.97, qualities=(0.981,)
)
RESUMED = replace(
    BASE,
    first_epoch=3,
    qualities=(0.9017,),
    extra_init=(("resumed_from_epoch", 2, {"run_id": "20260724T090000Z-0445"}),),
)
LONG = replace(
    BASE,
    implementation="tf",
    train_samples=15200,
    eval_samples=3150,
    qualities=(0.8127, 0.8455, 0.8701, 0.8846, 0.8932, 0.9008),
    log_every_steps=20,
    seed=20260725,
)


def log(*edits: Edit, plan: Plan = BASE) -> bytes:
    """Return the log of a plan after some edits."""
    records = tell(plan)
    for edit in edits:
        edit(records)
    return "".join(lines(records)).encode()


def line_of(key: str, change: Callable[[str], str]) -> bytes:
    """Return the log of the base plan with the first line of a key changed as text."""
    found = lines(tell(BASE))
    place = next(number for number, line in enumerate(found) if f'"key": "{key}"' in line)
    found[place] = change(found[place])
    return "".join(found).encode()


def joined() -> bytes:
    """Return a log in which the lines of two writers ran into each other."""
    return line_of("train_loss", lambda line: line.rstrip("\n") + " ").replace(b" :::MLLOG", b":::MLLOG")


def chain(edit: Callable[[list[bytes]], object] | None = None, *, rank0_links: bool = True) -> bytes:
    """Return the log of the base plan with its hash chain, and changed after that."""
    found = chained(tell(BASE), rank0_links=rank0_links)
    if edit:
        edit(found)
    return b"".join(found)


def in_line(key: str, old: bytes, new: bytes) -> Callable[[list[bytes]], object]:
    """Return an edit that changes the bytes of the first line with a key."""

    def edit(found: list[bytes]) -> None:
        number = place(found, key)
        assert old in found[number]
        found[number] = found[number].replace(old, new)

    return edit


def put_in(found: list[bytes]) -> None:
    """Put in a line without a link, of the kind that anyone may add."""
    number = place(found, "tracked_stats")
    line = json.loads(found[number].removeprefix(b":::MLLOG "))
    del line["metadata"]["previous_sha256"]
    found.insert(number, b":::MLLOG " + json.dumps({**line, "key": "note"}).encode() + b"\n")


def first_link_gone(found: list[bytes]) -> None:
    """Take the link out of the first line."""
    line = json.loads(found[0].removeprefix(b":::MLLOG "))
    del line["metadata"]["previous_sha256"]
    found[0] = b":::MLLOG " + json.dumps(line).encode() + b"\n"


def behind_the_seal(found: list[bytes]) -> None:
    """Add a line that names the seal as the line before it."""
    line = json.loads(found[place(found, "energy")].removeprefix(b":::MLLOG "))
    line["time_ms"] += 2
    line["metadata"]["previous_sha256"] = hashlib.sha256(found[-1]).hexdigest()
    found.append(b":::MLLOG " + json.dumps(line).encode() + b"\n")


def document(content: dict[str, Any]) -> bytes:
    """Return a JSON document."""
    return (json.dumps(content, indent=2) + "\n").encode()


def nested(levels: int) -> Any:
    """Return arrays in arrays."""
    return json.loads("[" * levels + "]" * levels)


def filler(size: int) -> bytes:
    """Return lines without an event that take so many bytes."""
    return (b"#" * 60_000 + b"\n") * (size // 60_001) + b"#" * (size % 60_001 - 1) + b"\n"


def damaged(content: bytes) -> bytes:
    """Return bytes of which some are others."""
    return content[:10] + b"\xff" * 50 + content[60:]


EPOCH = {
    "epoch_start": 1, "epoch_stop": 1, "eval_start": 1, "eval_stop": 1, "train_loss": 1, "throughput": 1,
    "tracked_stats": 2, "checkpoint": 1,
    "eval_accuracy": 1, "eval_balanced_accuracy": 1, "eval_f1": 1, "eval_iou": 1,
}  # fmt: skip

"""Events of an epoch, and how many there are of each."""

CONTINUED: tuple[Edit, ...] = (
    *(metadata(key, n, epoch_num=2) for key, times in EPOCH.items() for n in range(times)),
    value("throughput", 206.25),
    metadata("run_stop", samples_count=4096),
)
"""Edits that let the resumed run continue inside epoch 2."""

STAGED = (
    insert(
        "staging_stop",
        None,
        "run_start",
        files=3,
        bytes=540_000_000,
        staged_bytes=540_000_000,
        form="files",
        compress="none",
    ),
    insert("staging_start", None, "run_start"),
)
"""Edits by which the data set is staged."""

VALID: dict[str, bytes] = {
    "slstr_cloud-pt": log(),
    "slstr_cloud-tf": log(plan=LONG),
    "near-file-003-other-languages": line_of(
        "submission_org", lambda line: line.replace("Example Observatory", "Météo-France, 気象庁")
    ),
    "near-file-004-just-short-enough": b"#" * 65_535 + b"\n" + log(),
    "near-file-005-gzip.mllog.gz": gzip.compress(log(), mtime=0),
    "near-file-005-zstandard.mllog.zst": zstd.compress(log()),
    "near-file-006-just-small-enough.mllog.zst": zstd.compress(filler((1 << 26) - len(log())) + log()),
    "near-line-001-token-without-its-space": log(value("submission_org", "The :::MLLOG-company")),
    "near-line-005-at-the-limit": log(fields("tracked_stats", key="notes", value=nested(31))),
    "near-line-007-other-text": b"epoch 0 of 2 :: please wait\n\n" + log(),
    "near-key-001-int64": log(value("seed", 2**63 - 1)),
    "near-key-001-no-wait": log(*STAGED, insert("data_wait", 0, "throughput", share=0.0, slowest_rank=0)),
    "near-key-001-all-of-it": log(insert("data_wait", 9.5, "throughput", share=1)),
    "near-key-003-foreign": log(fields("tracked_stats", key="opt_learning_rate_warmup_epochs", value=1)),
    "near-key-006-reason": log(value("energy", None), metadata("energy", reason="no source of power was found")),
    "near-order-004-other-order-of-facts": log(move("seed", "quality_target"), move("scale", "cache_clear")),
    "near-order-005-resumed": log(plan=RESUMED),
    "near-samples-001-resumed-in-epoch": log(*CONTINUED, metadata("epoch_stop", samples_count=1024), plan=RESUMED),
    "near-time-001-same-millisecond": log(
        lambda records: event(records, "run_start").update(time_ms=event(records, "init_stop")["time_ms"])
    ),
    "near-time-002-slewed": log(
        lambda records: event(records, "run_stop").update(time_ms=event(records, "run_stop")["time_ms"] + 1050)
    ),
    "near-time-003-just-in-time": log(later("init_stop", 1800 - 7.132)),
    "near-time-004-within-the-factor": log(value("throughput", 412.5 * 1.9)),
    "near-ranks-002-one-each": log(value("number_of_ranks", 64)),
    "near-target-001-equal": log(quality(0.86, 0.9)),
    "near-target-001-best-is-not-last": log(quality(0.9037, 0.8991)),
    "near-target-004-stricter": log(plan=TINY),
    "near-target-004-open": log(value("quality_target", 0.8), plan=replace(BASE, division="open")),
    "near-target-005-just-better": log(value("baseline", 0.9036, 1)),
    "near-target-005-other-metric": log(value("baseline", 0.95, 1), metadata("baseline", 1, metric="f1")),
    "near-chain-001-two-writers": chain(),
    "near-chain-002-rank-0-without-links": chain(rank0_links=False),
    "near-chain-003-other-text": chain(lambda found: [found.insert(n, b"epoch 1\n") for n in (9, 40, len(found))]),
    "near-identity-002-open": log(plan=replace(BASE, division="open", dataset_id="our-own-scenes-v3")),
}

INVALID: dict[str, bytes] = {
    "file-001-empty": b"",
    "file-001-no-events": b"Horovod started\nloss 0.3\n",
    "file-002-no-line-feed": log().rstrip(b"\n"),
    "file-002-cut": log()[: -len(lines(tell(BASE))[-1]) // 2],
    "file-003": log().replace(b"Example Observatory", b"Observat\xf3rio"),
    "file-004": b"#" * 65_536 + b"\n" + log(),
    "file-005-cut.mllog.gz": gzip.compress(log(), mtime=0)[:-400],
    "file-005-damaged.mllog.zst": damaged(zstd.compress(log())),
    "file-006-zstandard.mllog.zst": zstd.compress(log() + bytes(1 << 26)),
    "line-001": joined(),
    "line-001-in-a-text": log(value("submission_org", "The :::MLLOG company, with its space")),
    "line-002": line_of("seed", lambda line: line.replace('"value": 1093', '"value": 0x445')),
    "line-002-array": line_of("seed", lambda line: line.replace("{", "[{", 1).replace("}}", "}}]")),
    "line-003": line_of("seed", lambda line: line.replace('"value": 1093', '"value": 1, "value": 1093')),
    "line-004-nan": line_of("eval_accuracy", lambda line: line.replace("0.8614", "NaN")),
    "line-004-infinite": line_of("eval_accuracy", lambda line: line.replace("0.8614", "1e999")),
    "line-004-too-long": line_of("seed", lambda line: line.replace("1093", "9" * 40)),
    "line-005": log(fields("tracked_stats", key="notes", value=nested(32))),
    "line-006": line_of("run_start", lambda line: "[1,0]<stdout>: " + line),
    "line-007": line_of("tracked_stats", lambda line: line.replace(":::MLLOG ", ":::MLLOG")),
    "event-001-missing": line_of("seed", lambda line: line.replace('"namespace": "", ', "")),
    "event-001-unknown": line_of(
        "seed", lambda line: line.replace('"namespace": "", ', '"namespace": "", "unit": 1, ')
    ),
    "event-002-time": line_of("seed", lambda line: line.replace('"time_ms": 1785', '"time_ms": 0.1785')),
    "event-002-lineno": log(metadata("seed", lineno=...)),
    "event-003": log(fields("epoch_stop", event_type="INTERVAL_START")),
    "key-001-boolean": log(value("train_samples", True)),
    "key-001-float": log(value("global_batch_size", 64.0)),
    "key-001-text": log(value("seed", "1093")),
    "key-001-range": log(value("eval_accuracy", 90.37, 1)),
    "key-001-choice": log(value("precision", "fp16")),
    "key-001-stats": log(value("tracked_stats", {"loss": None, "throughput": 412.5})),
    "key-001-wait": log(insert("data_wait", -0.5, "throughput", share=0.0)),
    "key-002-wait": log(insert("data_wait", 9.5, "throughput", share=1.01)),
    "key-002-staged": log(*STAGED, metadata("staging_stop", bytes=...)),
    "key-002-missing": log(metadata("quality_target", direction=...)),
    "key-002-type": log(metadata("epoch_start", epoch_num="1")),
    "key-003": log(fields("tracked_stats", key="traked_stats")),
    "key-004-seed": log(without("seed")),
    "key-004-manifest": log(without("dataset_manifest_sha256")),
    "key-004-cut-after-run-start": b"".join(log().splitlines(keepends=True)[:40]),
    "key-005": log(twice("seed")),
    "key-005-staged-twice": log(*STAGED, twice("staging_start"), twice("staging_stop")),
    "key-004-nothing-after-the-launch": log(lambda records: records.__delitem__(slice(16, len(records) - 2))),
    "key-006-commit": log(value("code_commit", None), outside_git, metadata("code_commit", reason=...)),
    "key-006-energy": log(value("energy", None)),
    "key-006-cache": log(metadata("cache_clear", reason=...)),
    "key-006-telemetry": log(value("telemetry", "unavailable")),
    "order-001": log(move("run_start", "quality_target")),
    "order-002-no-stop": log(without("epoch_stop")),
    "order-002-no-eval-start": log(without("eval_start", 1)),
    "order-002-no-epoch-start": log(without("epoch_start", 1)),
    "order-002-swapped": log(move("epoch_start", "epoch_stop")),
    "order-003-after": log(move("run_stop", "epoch_start", behind_number=1)),
    "order-003-before": log(move("eval_accuracy", "init_stop")),
    "order-004-late-fact": log(move("global_batch_size", "run_start")),
    "order-004-metric-in-epoch": log(move("eval_f1", "train_loss")),
    "order-005-jump": log(
        *(metadata(key, n, epoch_num=77) for key, times in EPOCH.items() for n in range(times, 2 * times))
    ),
    "order-006": log(metadata("eval_accuracy", 1, epoch_num=1)),
    "time-001": log(fields("eval_start", 1, time_ms=1_785_000_000_000)),
    "time-002": log(
        lambda records: event(records, "run_stop").update(time_ms=event(records, "run_stop")["time_ms"] + 9000),
        lambda records: [record.update(time_ms=record["time_ms"] + 9000) for record in records[-4:]],
    ),
    "time-003": log(later("init_stop", 1800.001 - 7.132)),
    "time-004": log(value("throughput", 4125.0)),
    "time-004-none": log(without("throughput", 1)),
    "time-005": log(plan=RESUMED),
    "samples-001": log(metadata("epoch_stop", samples_count=2047)),
    "samples-001-too-many": log(metadata("epoch_stop", samples_count=2112)),
    "samples-001-resumed-in-epoch": log(*CONTINUED, metadata("epoch_stop", samples_count=2112), plan=RESUMED),
    "samples-002": log(metadata("eval_stop", samples_count=600)),
    "samples-003": log(metadata("run_stop", samples_count=2048)),
    "samples-004-per-epoch": log(metadata("tracked_stats", steps_per_epoch=33)),
    "samples-004-backwards": log(metadata("tracked_stats", 1, step=12)),
    "samples-004-beyond": log(metadata("tracked_stats", 1, step=64)),
    "ranks-001-nodes": log(value("number_of_nodes", 8), metadata("number_of_ranks", hosts=...)),
    "ranks-001-hosts": log(metadata("number_of_ranks", hosts=2)),
    "ranks-002": log(value("number_of_ranks", 65)),
    "hyper-001-batch": log(
        value("global_batch_size", 128),
        *(metadata("tracked_stats", n, steps_per_epoch=16, step=8 + n % 2) for n in range(4)),
    ),
    "hyper-001-epsilon": log(value("opt_epsilon", 1e-8)),
    "eval-001-missing": log(without_evaluation),
    "eval-001-twice": log(evaluate_twice),
    "eval-002-missing": log(without("eval_accuracy")),
    "eval-002-twice": log(twice("eval_accuracy", 1)),
    "target-001": log(quality(0.8614, 0.8999)),
    "target-002-success": log(quality(0.8614, 0.8999)),
    "target-002-aborted": log(status("aborted", reason="stopped on request (SIGUSR2)")),
    "target-003": log(cut_short, status("aborted", reason="stopped on request (SIGUSR2)", samples_count=3072)),
    "target-004-lowered": log(value("quality_target", 0.89)),
    "target-004-metric": log(metadata("quality_target", metric="f1"), value("quality_target", 0.87)),
    "target-005": log(value("baseline", 0.9037, 1)),
    "chain-001-changed": chain(in_line("eval_f1", b": 0.", b": 0.9")),
    "chain-001-moved": chain(lambda found: found.insert(place(found, "scale"), found.pop(place(found, "run_id")))),
    "chain-001-taken-out": chain(lambda found: found.pop(place(found, "tracked_stats"))),
    "chain-002-put-in": chain(put_in),
    "chain-002-first-link-gone": chain(first_link_gone),
    "chain-003-cut": chain(lambda found: found.pop()),
    "chain-003-last-of-rank-0": chain(lambda found: found.pop(place(found, "telemetry") - 1)),
    "chain-003-behind-the-seal": chain(behind_the_seal),
    "identity-001": log(value("submission_benchmark", "slstr_clouds")),
    "identity-002": log(value("dataset_id", "slstr_cloud-sim-tiny-v1"), metadata("dataset_id", simulated=True)),
    "identity-003-dirty": log(metadata("code_commit", dirty=True)),
    "identity-003-none": log(value("code_commit", None), outside_git),
}

CONFIG: dict[str, Any] = {
    "contract_version": 1,
    "run_id": "20260725T172000Z-0445",
    "benchmark": "slstr_cloud",
    "implementation": "pt",
    "mode": "train",
    "scale": "full",
    "seed": 1093,
    "deterministic": False,
    "precision": "fp32",
    "world_size_expected": 4,
    "threads_per_rank": 8,
    "data": {
        "directory": "/data/cloud_slstr_ds1",
        "dataset_id": "cloud_slstr_ds1",
        "manifest_sha256": MANIFEST_SHA256,
        "simulated": False,
    },
    "hyperparameters": {"batch_size": 64, "learning_rate": 0.001, "epsilon": 1e-7},
    "target": {"metric": "accuracy", "direction": "max", "value": 0.9},
    "limits": {"max_epochs": 200, "max_seconds": None},
    "output": {
        "events": "/runs/0445/events",
        "checkpoints": "/runs/0445/checkpoints",
        "artifacts": "/runs/0445/artifacts",
    },
    "checkpoint": {"every_epochs": 1, "keep": 2},
    "resume_from": None,
    "log_every_steps": 16,
}
"""The run.json of the base plan."""

DIRECTORIES: dict[str, dict[str, bytes]] = {
    "valid/run-directory": {"run.json": document(CONFIG), "result_0.txt": log()},
    "invalid/run-001-no-config": {"result_0.txt": log()},
    "invalid/run-001-no-log": {"run.json": document(CONFIG)},
    "invalid/run-001-incomplete": {"run.json": document({**CONFIG, "seed": None}), "result_0.txt": log()},
    "invalid/run-001-not-json": {"run.json": b'{"seed": 1, "seed": 2}\n', "result_0.txt": log()},
    "invalid/run-001-predict": {"run.json": document({**CONFIG, "mode": "predict"}), "result_0.txt": log()},
    "invalid/run-002-seed": {"run.json": document({**CONFIG, "seed": 1094}), "result_0.txt": log()},
    "invalid/run-002-ranks": {"run.json": document({**CONFIG, "world_size_expected": 8}), "result_0.txt": log()},
    "invalid/run-002-hyperparameters": {
        "run.json": document({**CONFIG, "hyperparameters": {**CONFIG["hyperparameters"], "learning_rate": 0.002}}),
        "result_0.txt": log(),
    },
}


def write_logs() -> None:
    """Write every log and every run directory of the corpus."""
    for kind, logs in (("valid", VALID), ("invalid", INVALID)):
        for name, content in logs.items():
            (HERE / kind / (name if ".mllog" in name else f"{name}.mllog")).write_bytes(content)
    for folder, files in DIRECTORIES.items():
        (HERE / folder).mkdir(exist_ok=True)
        for name, content in files.items():
            (HERE / folder / name).write_bytes(content)


BESIDES = {"order-007.mllog": ("sciml-order-004",)}
"""Rules that a log is there for too, beside the one that it is named after: what follows from its fault."""


def write_expected() -> None:
    """Write what the checker says of each invalid log about the rules that it is there for."""
    from compliance.cli import main

    for path in sorted(path for path in (HERE / "invalid").iterdir() if not path.name.endswith((".txt", ".json"))):
        output = io.StringIO()
        benchmark = path.with_suffix(".benchmark.json")
        with contextlib.redirect_stdout(output), contextlib.chdir(path.parent):
            main(["check", path.name, *(["--benchmark", benchmark.name] if benchmark.is_file() else [])])
        rules = ("sciml-" + "-".join(path.stem.split("-")[:2]), *BESIDES.get(path.name, ()))
        found = [line for line in output.getvalue().splitlines() if any(f" {rule} " in line for rule in rules)]
        path.with_suffix(".expected.txt").write_text("".join(f"{line}\n" for line in found), encoding="utf-8")


if __name__ == "__main__":
    write_logs()
    if "--expected" in sys.argv[1:]:
        write_expected()
