"""Bytes to lines: true line numbers, bounded memory, and a finding for whatever is torn."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from checking import GOLDEN, check_bytes, golden_lines, line_of, place_of, record_of
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance import rules as rule_sets
from compliance.judge import MOST_OF_A_RULE, Judge, judge, judge_stream
from compliance.log import LineReader, LogLine
from logging_spec.events import MAX_LINE_BYTES, TOKEN

RULES = rule_sets.load()
ROOT = GOLDEN.parents[1]


def read(content: bytes, piece: int = 1 << 16) -> list[LogLine]:
    reader = LineReader()
    lines = [line for at in range(0, len(content), piece) for line in reader.feed(content[at : at + piece])]
    assert reader.sha256 == hashlib.sha256(content).hexdigest()
    return [*lines, *reader.end()]


def rules_of(content: bytes) -> list[tuple[int, str]]:
    return [(finding.line, finding.rule) for line in read(content) for finding in line.findings]


@settings(deadline=None)
@given(
    content=st.binary(max_size=300)
    | st.lists(st.sampled_from([b"\n", b":::MLLOG ", b"{}", b'{"a":1}', b"\xff", b"x"])).map(b"".join),
    piece=st.integers(1, 40),
)
def test_lines_are_counted_as_every_other_tool_counts_them(content: bytes, piece: int) -> None:
    lines = read(content, piece)
    assert [line.number for line in lines] == list(
        range(1, len(content.split(b"\n")) + (0 if content[-1:] not in (b"", b"\n") else -1) + 1)
    )
    assert lines == read(content), "whatever the pieces in which they arrive"


@pytest.mark.parametrize(
    ("length", "rules"),
    [
        (MAX_LINE_BYTES, []),
        (MAX_LINE_BYTES + 1, ["file-004"]),
        (3 * MAX_LINE_BYTES, ["file-004"]),
        (3 * MAX_LINE_BYTES + 7, ["file-004"]),
    ],
)
def test_a_line_may_be_so_long_and_no_longer(length: int, rules: list[str]) -> None:
    content = b"#" * (length - 1) + b"\n" + f"{TOKEN}{{}}\n".encode()
    assert rules_of(content) == [(1, rule) for rule in rules]
    assert [len(line.records) for line in read(content)] == [0, 1]


@pytest.mark.parametrize("length", [30, MAX_LINE_BYTES - 1])
def test_a_last_line_without_a_line_feed_is_read_all_the_same(length: int) -> None:
    event = f"{TOKEN}{{}}".encode()
    content = b" " * (length - len(event)) + event
    assert (1, "file-002") in rules_of(content)
    assert len(read(content)[0].records) == 1


@pytest.mark.parametrize("piece", [1 << 10, MAX_LINE_BYTES, 1 << 20])
def test_long_lines_arrive_in_any_pieces(piece: int) -> None:
    content = b"#" * (MAX_LINE_BYTES - 1) + b"\n" + b"#" * MAX_LINE_BYTES + b"\n" + b"#" * MAX_LINE_BYTES
    found = [(finding.line, finding.rule) for line in read(content, piece) for finding in line.findings]
    assert found == [(2, "file-004"), (3, "file-002")]


def test_a_long_line_without_an_end_is_both() -> None:
    assert rules_of(b"#" * (2 * MAX_LINE_BYTES)) == [(1, "file-004"), (1, "file-002")]


def test_line_ends_of_windows_are_read() -> None:
    assert rules_of(f"{TOKEN}{{}}\r\n".encode()) == []


def test_events_that_ran_together_are_both_read() -> None:
    (line,) = read(f'{TOKEN}{{"a": 1}}{TOKEN}{{"b": 2}}\n'.encode())
    assert line.records == [{"a": 1}, {"b": 2}]
    assert [finding.rule for finding in line.findings] == ["line-001"]


def test_what_a_log_holds_reaches_the_terminal_harmless(tmp_path: Path) -> None:
    lines = golden_lines()
    place = place_of(lines, "precision")
    lines[place] = line_of({**record_of(lines[place]), "value": "\x1b[2J\ud800\u202e" * 40})
    lines.append(":::MLLOG \x1b]0;title\x07\n")
    answer = check_bytes("".join(lines).encode("utf-8", "surrogatepass"), tmp_path)
    messages = [finding["message"] for finding in answer.document["files"][0]["findings"]]
    assert len(messages) >= 2
    assert all(text.isprintable() and len(text) < 400 for text in messages)


def test_memory_does_not_grow_with_the_log(tmp_path: Path) -> None:
    peaks = []
    for copies in (1000, 5000):
        lines = golden_lines()
        place = place_of(lines, "train_loss")
        record = record_of(lines[place])
        extra = [line_of({**record, "key": f"note {number}", "value": number}) for number in range(copies)]
        log = tmp_path / f"{copies}.mllog"
        log.write_text("".join(lines[:place] + extra + lines[place:]), encoding="utf-8")
        judge(log, RULES)
        tracemalloc.start()
        judgement = judge(log, RULES)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert judgement.events == len(lines) + copies
    assert peaks[1] < peaks[0] + 100_000, "bytes"


def test_a_stream_is_judged_as_its_file_is() -> None:
    log = GOLDEN / "invalid" / "samples-001.mllog"
    with log.open("rb") as stream:
        assert judge_stream(stream, str(log), RULES) == judge(log, RULES)


def test_a_judge_names_each_fault_as_soon_as_its_line_has_arrived() -> None:
    log = GOLDEN / "invalid" / "samples-001.mllog"
    judge_of_pieces = Judge(RULES)
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
    stop, evaluation = (place_of(lines, key) + 1 for key in ("epoch_stop", "eval_start"))
    heard = [judge_of_pieces.feed(line) for line in log.read_bytes().splitlines(keepends=True)]
    assert [(number, found.line) for number, findings in enumerate(heard, 1) for found in findings] == [
        (evaluation, stop)
    ]
    assert judge_of_pieces.end() == []
    assert judge_of_pieces.judgement(str(log)) == judge(log, RULES)


WEIGH = """
import sys
from pathlib import Path
from compliance.cli import main
code = main(["check", *sys.argv[1:]]) if len(sys.argv) > 1 else 0
print([line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")])
"""
"""Judges logs and says how much memory the process had at most."""


def peak_kb(*logs: Path) -> int:
    """Return the most memory that the checker had in a process of its own; without a log, the interpreter's."""
    command = [sys.executable, "-c", WEIGH, *map(str, logs)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    peak = re.search(r"VmHWM:\\t *(\d+) kB", done.stdout)
    assert peak is not None, done.stdout[-400:]
    return int(peak.group(1))


@pytest.mark.parametrize("kind", ["valid", "faulty"])
def test_a_long_log_needs_no_more_than_32_mebibytes(kind: str, tmp_path: Path) -> None:
    lines = golden_lines()
    place = place_of(lines, "train_loss")
    record = record_of(lines[place])
    if kind == "faulty":
        record["metadata"]["epoch_num"] = 7
    log = tmp_path / "long.mllog"
    with log.open("w", encoding="utf-8") as file:
        file.writelines(lines[:place])
        for number in range(200_000):
            record["metadata"]["lineno"] = number
            file.write(line_of(record))
        file.writelines(lines[place:])
    assert log.stat().st_size > 32 << 20
    assert peak_kb(log) - peak_kb() < 32 << 10
    judgement = judge(log, RULES)
    assert sum(finding.count for finding in judgement.findings) == (200_000 if kind == "faulty" else 0)
    assert len(judgement.findings) <= MOST_OF_A_RULE + 1
