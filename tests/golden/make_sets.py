"""Write the golden sets of runs anew: `python tests/golden/make_sets.py`.

A set is a folder of logs. `sets/rcp.json` is the reference that all are held against; what `score --runs 3` must print
about a bad set stands beside it, and what `check` must print where the rule is one of `check`. `--expected` writes what
they print now: read the difference before you keep it. The sets of MLPerf HPC are those of `make_mlperf.py`.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from log_edits import Edit, status, value
from run_story import Plan, lines, tell

SETS = Path(__file__).resolve().parent / "sets"
OPTIONS = ("--runs", "3", "--points", "rcp.json")

RISE = (0.8512, 0.8749, 0.8868, 0.8921, 0.8953, 0.8975)
"""Accuracies below the target, epoch by epoch."""

BASE = Plan(log_every_steps=64)

REFERENCE = {
    ("pt", 64): (3, 2, 3, 3, 3, 3, 2, 3, 3, 4),
    ("pt", 256): (6, 6, 5, 6, 7, 6, 6, 5, 6, 6),
    ("tf", 64): (3, 3, 2, 3, 4, 3),
    ("other", 64): (3, 3, 2, 3, None),
}
"""Epochs of the reference by implementation and batch size; None where the target was missed."""


def run(epochs: int, *edits: Edit, seed: int, plan: Plan = BASE) -> bytes:
    """Return the log of a run that reaches its target in so many epochs."""
    records = tell(replace(plan, seed=seed, qualities=(*RISE[: epochs - 1], max(0.9037, plan.target))))
    for edit in edits:
        edit(records)
    return "".join(lines(records)).encode()


def runs(epochs: Sequence[int], *edits: Edit, plan: Plan = BASE) -> list[bytes]:
    """Return the logs of a set: one for each number of epochs."""
    return [run(number, *edits, seed=seed, plan=plan) for seed, number in enumerate(epochs, 1)]


def missed(seed: int) -> bytes:
    """Return the log of a run that gave up after three epochs."""
    gave_up: Edit = status("aborted", reason="the last epoch is over")
    too_low: Edit = lambda records: [  # noqa: E731
        record.update(value=0.8868) for record in records if record["key"] == "eval_accuracy"
    ]
    return run(3, too_low, gave_up, seed=seed)


BATCH_32, BATCH_128, BATCH_512 = (replace(BASE, batch_size=size) for size in (32, 128, 512))
TINY = replace(BASE, scale="tiny", dataset_id="slstr_cloud-sim-tiny-v1", simulated=True, target=0.97)

ANOTHER_RUN: Edit = value("run_id", "20260724T110000Z-0446")

CASES: dict[str, list[bytes]] = {
    "valid/near-convergence-001-just-believable": runs((2, 3, 3)),
    "valid/near-convergence-002-between": runs((4, 4, 5), plan=BATCH_128),
    "valid/near-convergence-002-below": runs((3, 3, 3), plan=BATCH_32),
    "valid/near-convergence-003-just-twice": runs((3, 3, 3), value("implementation", "tf")),
    "valid/near-convergence-004-seeds": runs((3, 3, 4)),
    "valid/near-convergence-005-one": [*runs((3, 3)), missed(3)],
    "valid/near-set-001-one-run-twice": [*runs((3, 3)), *runs((3, 3))[1:]],
    "invalid/convergence-001": runs((2, 2, 3)),
    "invalid/convergence-001-between": runs((3, 3, 3), plan=BATCH_128),
    "invalid/convergence-002-above": runs((6, 6, 6), plan=BATCH_512),
    "invalid/convergence-002-below": runs((2, 2, 2), plan=BATCH_32),
    "invalid/convergence-003-none": runs((1, 1, 1), plan=TINY),
    "invalid/convergence-003-few": runs((3, 3, 3), value("implementation", "other")),
    "invalid/convergence-004": [*runs((3, 3)), run(3, seed=3, plan=BATCH_32)],
    "invalid/convergence-005": [*runs((3,)), missed(2), missed(3)],
    "invalid/set-001-one-seed": [*runs((3, 3)), run(3, ANOTHER_RUN, seed=2)],
}


def point(implementation: str, batch_size: int, epochs: Sequence[int | None]) -> dict[str, Any]:
    """Return a reference convergence point."""
    return {
        "benchmark": "slstr_cloud",
        "model": "default",
        "implementation": implementation,
        "scale": "full",
        "metric": "accuracy",
        "direction": "max",
        "target": 0.9,
        "global_batch_size": batch_size,
        "epochs_to_target": list(epochs),
    }


def write_sets() -> None:
    """Write every set and the reference."""
    for kind in ("valid", "invalid"):
        for folder in (SETS / kind).glob("*/"):
            shutil.rmtree(folder)
    for name, logs in CASES.items():
        (SETS / name).mkdir(parents=True)
        for number, log in enumerate(logs):
            (SETS / name / f"result_{number}.txt").write_bytes(log)
    points = [point(implementation, size, epochs) for (implementation, size), epochs in REFERENCE.items()]
    document = {"rcp_version": 1, "benchmark": "slstr_cloud", "points": points}
    (SETS / "rcp.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def said_of(folder: Path, *options: str) -> list[str]:
    """Return the lines that `score` prints of a set, and those that `check` prints of its logs."""
    from compliance.cli import main

    inside = folder.relative_to(folder.parents[1])
    logs = sorted(str(inside / log.name) for log in folder.iterdir())
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.chdir(folder.parents[1]):
        main(["score", str(inside), *(options or OPTIONS)])
        main(["check", *logs])
    return [line.strip() for line in output.getvalue().splitlines()]


def write_expected() -> None:
    """Write what is said of each bad set about the rule that it is named after."""
    for folder in sorted((SETS / "invalid").glob("*/")):
        rule = "sciml-" + "-".join(folder.name.split("-")[:2])
        found = [line for line in said_of(folder) if f" {rule} " in f" {line}"]
        folder.with_suffix(".expected.txt").write_text("".join(f"{line}\n" for line in found), encoding="utf-8")


if __name__ == "__main__":
    write_sets()
    if "--expected" in sys.argv[1:]:
        write_expected()
