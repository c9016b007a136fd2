"""Oddities of logs published with MLPerf HPC: the stock checker accepts each, and ours does so too, with warnings.

The logs are of our own writing. Where one was seen is said beside its edit: whose results, and of which round.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from checking import GOLDEN, Answer, check
from stock_verdict import stock_accepts

sys.path.insert(0, str(GOLDEN))
import make_mlperf as corpus

Record = dict[str, Any]
Records = list[Record]


def at(records: Records, key: str) -> int:
    """Return the place of the first event with a key."""
    return corpus.find(records, key)


def put(records: Records, place: int, *new: Record) -> None:
    """Put events at a place, a millisecond after the event before it."""
    time_ms = records[place - 1]["time_ms"] + 1 if place else records[0]["time_ms"]
    records[place:place] = [{**record, "time_ms": time_ms} for record in new]


def trained_on_for_the_power_meter(records: Records) -> None:
    """NVIDIA v3.0: epochs go on after run_stop, at no learning rate, and their metric misses the target."""
    for number in range(3, 9):
        put(records, len(records), *corpus.epoch(number, True, "eval_error", 0.1967))
        put(records, len(records), corpus.event("tracked_stats", {"throughput": 9e4}, epoch_num=number, step=number))


def logged_by_every_rank(records: Records) -> None:
    """TACC v2.0: hyperparameters after run_start, and two of them by each rank, whose clocks differ."""
    decay, dropout = (records.pop(at(records, key)) for key in ("opt_weight_decay", "dropout"))
    put(records, at(records, "run_start") + 1, records.pop(at(records, "global_batch_size")), decay, dropout)
    place = at(records, "epoch_start") + 1
    time_ms = records[place - 1]["time_ms"]
    records[place:place] = [
        {**event, "time_ms": time_ms + 40 - rank % 30} for rank in range(64) for event in (decay, dropout)
    ]


def more_nodes_than_ranks(records: Records) -> None:
    """HelmholtzAI v2.0: a count of another run, and the throughput of one of the ranks."""
    records[at(records, "number_of_ranks")]["value"] = 3
    put(
        records, at(records, "epoch_start") + 1, corpus.event("tracked_stats", {"throughput": 10.0}, step=1, instance=6)
    )


def staged_within_the_run(records: Records) -> None:
    """Fujitsu v3.0: a cache that starts to be cleared, staging in the run and both its ends starts, no accelerators."""
    records[at(records, "cache_clear")]["event_type"] = "INTERVAL_START"
    records[at(records, "accelerators_per_node")]["value"] = 0
    stop = {**corpus.event("staging_stop", staging_duration=4.4e-07), "event_type": "INTERVAL_START"}
    put(records, at(records, "run_start") + 1, corpus.event("staging_start"), stop)


def staged_at_points(records: Records) -> None:
    """HPE+LBNL v3.0: staging as points in time, and statistics without a throughput."""
    points = [{**corpus.event(key), "event_type": "POINT_IN_TIME"} for key in ("staging_start", "staging_stop")]
    put(
        records,
        at(records, "run_start") + 1,
        *points,
        corpus.event("tracked_stats", {"staging_duration": 0.159}, step=0),
    )


def without_a_seed(records: Records) -> None:
    """HPE+LBNL v3.0, weak: no seed, the first events before the submission's, and the metric behind its epoch."""
    records.pop(at(records, "seed"))
    for key in ("init_start", "cache_clear"):
        records.insert(0, {**records.pop(at(records, key)), "time_ms": records[0]["time_ms"]})
    for record in records:
        record["metadata"]["instance_id"] = 0
    metrics = [number for number, record in enumerate(records) if record["key"] == "eval_error"]
    for place in metrics:
        stop = next(number for number in range(place, len(records)) if records[number]["key"] == "epoch_stop")
        records.insert(stop, {**records.pop(place), "time_ms": records[stop]["time_ms"]})


def diverged_in_a_loss(records: Records) -> None:
    """HPE+LBNL v3.0: the loss is not a number, and nobody asks for it."""
    put(records, at(records, "eval_stop"), corpus.event("eval_loss", float("nan"), epoch_num=1, step_num=58))


def seeded_with_text(records: Records) -> None:
    """Clemson and TACC v3.0: the seed is a text."""
    records[at(records, "seed")]["value"] = "3"


def seeded_with_nothing(records: Records) -> None:
    """NCSA v1.0: the seed is 0, and the run says only that it was a success."""
    records[at(records, "seed")]["value"] = 0


def numbered_otherwise(new: Callable[[Any], Any]) -> Callable[[Records], None]:
    """Number epochs in another way."""

    def edit(records: Records) -> None:
        for record in records:
            if "epoch_num" in record["metadata"]:
                record["metadata"]["epoch_num"] = new(record["metadata"]["epoch_num"])

    return edit


def with_other_names(records: Records) -> None:
    """Dell, Clemson, NVIDIA v3.0: metadata that nobody asked for, in place of or beside the usual."""
    for record in records:
        record["metadata"] |= {"lr": [0.006, 0.006], "training_epoch_latency": 5522.26, "instance": 0, "note": None}
    records[at(records, "run_stop")]["metadata"] |= {"epoch": 8, "time": 571.85}
    put(records, at(records, "epoch_start") + 1, corpus.event("target_accuracy_reached", 0.82), corpus.event("x", None))


def unchanged(_records: Records) -> None:
    """Nothing is odd about the events."""


def of(edit: Callable[[Records], None], benchmark: str = "cosmoflow", **plan: Any) -> list[bytes]:
    """Return the lines of a log after an edit, without their line feeds."""
    records = corpus.tell(benchmark, **plan)
    edit(records)
    return [f"{corpus.TOKEN}{json.dumps(record)}".encode() for record in records]


def ended(lines: list[bytes], end: bytes = b"\n") -> bytes:
    """Return the log of its lines."""
    return b"".join(line + end for line in lines)


PLAIN = of(unchanged)

UNNUMBERED = {"key-008", "target-001", "target-002"}
"""An evaluation whose epoch has no number is not well-formed, so that the target was reached in none."""

SHAPES: dict[str, tuple[bytes, set[str]]] = {
    "training on after the end": (ended(of(trained_on_for_the_power_meter)), {"order-003"}),
    "every rank logs": (ended(of(logged_by_every_rank)), {"time-001"}),
    "more nodes than ranks": (ended(of(more_nodes_than_ranks, "oc20")), {"ranks-001", "time-007"}),
    "staging within the run": (ended(of(staged_within_the_run)), {"event-003"}),
    "staging at points": (ended([b"  0: " + line for line in of(staged_at_points, "oc20")]), {"event-003"}),
    "no seed": (ended(of(without_a_seed)), {"key-009"}),
    "a loss that is not a number": (ended(of(diverged_in_a_loss, "deepcam")), {"line-004"}),
    "a seed of text": (ended(of(seeded_with_text, "openfold", step=5760, inside=False)), {"key-007"}),
    "a seed of nothing": (ended(of(seeded_with_nothing, "oc20")), set()),
    "epochs from 0": (ended(of(numbered_otherwise(lambda number: number - 1))), {"order-005"}),
    "epochs of samples": (ended(of(numbered_otherwise(lambda number: 3840 * number), "openfold")), set()),
    "epochs as fractions": (ended(of(numbered_otherwise(lambda number: number / 8))), UNNUMBERED),
    "epochs as text": (ended(of(numbered_otherwise(str))), UNNUMBERED),
    "epochs as nulls": (ended(of(numbered_otherwise(lambda _number: None))), UNNUMBERED),
    "odd metadata": (ended(of(with_other_names)), set()),
    "carriage returns before line feeds": (ended(PLAIN, b"\r\n"), set()),
    "progress bars": (ended([b" 10%|#  | 1/10\r" + line + b"\r 20%|## | 2/10" for line in PLAIN]), set()),
    "colours": (ended([b"\x1b[32mINFO\x1b[0m " + line for line in PLAIN]), set()),
    "mpirun with tags": (ended([b"Thu Oct  5 00:08:12 2023[1,0]<stdout>:" + line for line in PLAIN]), set()),
    "white space behind the object": (ended([line + b" \t\x0b\x0c\x1c\xa0" for line in PLAIN]), {"file-003"}),
    "two ranks in one line": (
        ended([PLAIN[0], corpus.TOKEN.encode() + b'{"a": ' + PLAIN[1], *PLAIN[2:]]),
        {"line-001"},
    ),
    "stdout between": (ended([text for line in PLAIN for text in (line, b"4096/4096 - 701s - loss: nan", b"")]), set()),
    "megabytes of stdout first": (b"nccl INFO Ring 00 : 0 -> 1\n" * 120_000 + ended(PLAIN), set()),
    "megabytes of stdout between": (
        ended(PLAIN[:1]) + b"nccl INFO Ring 00 : 0 -> 1\n" * 120_000 + ended(PLAIN[1:]),
        set(),
    ),
    "names in Latin-1": (ended(PLAIN).replace(b"Example Observatory", b"Caf\xe9"), {"file-003"}),
}
"""Logs, and what ours warns of."""


def judged(path: Path, *options: str) -> Answer:
    """Judge a log by the rule set that it chooses itself."""
    return check(path, *options, "--format", "json")


@pytest.mark.parametrize("name", SHAPES)
def test_a_published_oddity_is_accepted_by_both_checkers_and_named_by_ours(name: str, tmp_path: Path) -> None:
    content, warned = SHAPES[name]
    log = tmp_path / "result_0.txt"
    log.write_bytes(content)
    assert stock_accepts(log)
    answer = judged(log)
    assert answer.code == 0, answer.out
    assert answer.document["ruleset"]["name"] == "mlperf-hpc-3.0.0"
    (file,) = answer.document["files"]
    found = {(finding["rule"], finding["severity"]) for finding in file["findings"]}
    assert found == {(f"mlperf-{rule}", "warning") for rule in warned}
    assert all(1 <= finding["line"] <= file["lines"] for finding in file["findings"])


@pytest.mark.parametrize("name", [name for name, (_content, warned) in SHAPES.items() if warned])
def test_what_is_warned_of_is_an_error_when_strict(name: str, tmp_path: Path) -> None:
    log = tmp_path / "result_0.txt"
    log.write_bytes(SHAPES[name][0])
    assert judged(log, "--strict").code == 1


def test_a_run_that_never_stops_is_refused_by_both(tmp_path: Path) -> None:
    log = tmp_path / "result_648.txt"
    log.write_bytes(ended(PLAIN[:-5]))
    assert not stock_accepts(log)
    assert judged(log).code == 1


def test_the_lines_of_a_long_head_are_counted(tmp_path: Path) -> None:
    noise, lines = b"nccl INFO Ring 00 : 0 -> 1\n" * 120_000, of(seeded_with_text)
    log = tmp_path / "result_0.txt"
    log.write_bytes(noise + ended(lines))
    (file,) = judged(log).document["files"]
    seed = next(number for number, line in enumerate(lines) if b'"seed"' in line)
    assert [(finding["rule"], finding["line"]) for finding in file["findings"]] == [("mlperf-key-007", 120_001 + seed)]
    assert file["lines"] == 120_000 + len(lines)
