"""The hash chain, against logs that the harness and the emitter wrote themselves, and against every single change."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from checking import GOLDEN, check_bytes
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.chain import ChainWatch
from logging_spec.emitter import Emitter
from logging_spec.events import MAX_LINE_BYTES

ROOT = Path(__file__).resolve().parents[3]
CHAINED = (GOLDEN / "valid" / "near-chain-001-two-writers.mllog").read_bytes()
LOOSE = (GOLDEN / "valid" / "near-chain-002-rank-0-without-links.mllog").read_bytes()


def watched(content: bytes, piece: int = 1 << 16) -> list[str]:
    """Return the rules that a log breaks, read in pieces of some size."""
    watch = ChainWatch()
    for start in range(0, len(content), piece):
        watch.feed(content[start : start + piece])
    return [finding.rule for finding in watch.findings()]


def test_the_emitter_chains_its_lines_and_goes_on_where_a_file_was_left(tmp_path: Path) -> None:
    for value in range(3):
        with Emitter(tmp_path / "log") as log:
            log.point("first", value)
            log.point("second", value, {"previous_sha256": "mine"})
    assert watched((tmp_path / "log").read_bytes()) == ["chain-003"], "whole, and without a seal"
    lines = (tmp_path / "log").read_bytes().splitlines(keepends=True)
    assert watched(b"".join(lines[:2] + lines[3:])) == ["chain-001"]


@pytest.mark.parametrize("content", [CHAINED, LOOSE], ids=["both writers", "the harness alone"])
@pytest.mark.parametrize("kind", ["changed", "taken out", "twice", "swapped"])
def test_every_line_is_covered(content: bytes, kind: str, tmp_path: Path) -> None:
    lines = content.splitlines(keepends=True)
    for number in range(len(lines) - 1):
        found = list(lines)
        if kind == "changed":
            found[number] = found[number].replace(b'"lineno": ', b'"lineno": 1', 1)
        elif kind == "taken out":
            del found[number]
        elif kind == "twice":
            found.insert(number, found[number])
        elif number + 1 < len(lines) - 1 and same_writer(lines[number], lines[number + 1]):
            found[number], found[number + 1] = found[number + 1], found[number]
        else:
            continue
        assert watched(b"".join(found)), f"line {number + 1}"


def same_writer(*lines: bytes) -> bool:
    """Say whether lines are all the harness's, or all rank 0's."""
    return len({b'"file": "harness' in line for line in lines}) == 1


@pytest.mark.parametrize("content", [CHAINED, LOOSE], ids=["both writers", "the harness alone"])
def test_a_log_that_was_cut_anywhere_shows_it(content: bytes) -> None:
    lines = content.splitlines(keepends=True)
    assert all(watched(b"".join(lines[:number])) for number in range(1, len(lines)))
    assert watched(content) == []


@settings(deadline=None, max_examples=30)
@given(piece=st.integers(1, 5000), seed=st.integers(0, 100))
def test_pieces_make_no_difference(piece: int, seed: int) -> None:
    lines = CHAINED.splitlines(keepends=True)
    random.Random(seed).shuffle(lines)
    shuffled = b"".join(lines)
    assert watched(CHAINED, piece) == []
    assert watched(shuffled, piece) == watched(shuffled)


def test_a_line_that_is_too_long_is_no_link_of_the_chain_and_no_burden() -> None:
    assert watched(b"#" * 3 * MAX_LINE_BYTES + b"\n" + CHAINED, 1000) == []


@pytest.mark.parametrize("link", ["mine", 7, None, ["0" * 64], {"a": 1}, "Z" * 64])
def test_a_link_may_be_anything_and_no_traceback(link: object, tmp_path: Path) -> None:
    lines = CHAINED.splitlines(keepends=True)
    record = json.loads(lines[5].removeprefix(b":::MLLOG "))
    record["metadata"]["previous_sha256"] = link
    lines[5] = b":::MLLOG " + json.dumps(record).encode() + b"\n"
    answer = check_bytes(b"".join(lines), tmp_path)
    assert answer.code == 1
    assert any(rule.startswith("sciml-chain-") for _, rule in answer.found())


def test_a_seal_may_be_anything_and_no_traceback(tmp_path: Path) -> None:
    for old, new in ((b'"lines": ', b'"lines": "x", "n": '), (b'"value": "', b'"value": ["a"], "v": "')):
        lines = CHAINED.splitlines(keepends=True)
        lines[-1] = lines[-1].replace(old, new)
        answer = check_bytes(b"".join(lines), tmp_path)
        assert answer.code == 1
        assert (len(lines), "sciml-chain-003") in answer.found()


@pytest.mark.parametrize("torn", [b"", b':::MLLOG {"namespace": ""'])
def test_what_the_harness_seals_and_merges_is_whole(tmp_path: Path, torn: bytes) -> None:
    from harness import harness_log, merge
    from harness.rundir import RunDirectory

    directory = RunDirectory(root=tmp_path, run_id="one")
    directory.events.mkdir()
    with Emitter(directory.harness_log, root=ROOT) as log, Emitter(directory.rank0_log) as rank0:
        for number in range(3):
            log.point("scale", number)
            rank0.point("seed", number)
    with directory.rank0_log.open("ab") as file:
        file.write(b"a line of text\n" + torn)
    with harness_log.open_log(directory) as log:
        log.point("energy", None)
        harness_log.seal(log, directory)
    merge.merge([directory.harness_log, directory.rank0_log], directory.result)
    content = directory.result.read_bytes()
    assert b'"log_seal"' in content
    assert watched(content) == []
    assert watched(content.replace(b'"value": 2', b'"value": 3')), "of both writers"


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*/*chain-*.mllog")), ids=lambda path: path.stem)
def test_pieces_of_any_size_make_no_difference(path: Path) -> None:
    data = path.read_bytes()
    found = set()
    for size in (1, 7, 100, 4096, len(data)):
        watch = ChainWatch()
        for start in range(0, len(data), size):
            watch.feed(data[start : start + size])
        found.add(tuple((finding.rule, finding.line) for finding in watch.findings()))
    assert len(found) == 1
