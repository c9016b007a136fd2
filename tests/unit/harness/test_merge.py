"""The merged log: by time, whole lines, byte for byte."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from harness import eventfile
from harness.merge import merge
from logging_spec.events import Event, format_line


def line(key: str, time_ms: int) -> bytes:
    return format_line(Event(key=key, value=None, time_ms=time_ms, event_type="POINT_IN_TIME")).encode() + b"\n"


def merged(tmp_path, *files: bytes) -> tuple[bytes, list[str]]:
    paths = [tmp_path / name for name in ("harness.mllog", "rank00000.mllog")]
    for path, content in zip(paths, files, strict=True):
        path.write_bytes(content)
    notes = merge(paths, tmp_path / "result_0.txt")
    return (tmp_path / "result_0.txt").read_bytes(), notes


def test_lines_go_by_time_and_the_first_file_wins_a_tie(tmp_path):
    harness = line("a", 1) + line("b", 5) + line("e", 9)
    rank = line("c", 5) + line("d", 7)
    assert merged(tmp_path, harness, rank) == (
        line("a", 1) + line("b", 5) + line("c", 5) + line("d", 7) + line("e", 9),
        [],
    )


def test_a_clock_that_steps_back_does_not_reorder_a_writers_own_lines(tmp_path):
    rank = line("first", 100) + line("second", 50) + line("third", 101)
    result, _ = merged(tmp_path, line("between", 60), rank)
    assert result == line("between", 60) + rank


def test_a_line_that_is_no_event_stays_where_it_was_written_byte_for_byte(tmp_path):
    rank = line("a", 10) + b":::MLLOG {broken \xff\n" + b"free text\n" + line("b", 30)
    result, notes = merged(tmp_path, line("x", 20), rank)
    assert result == line("a", 10) + b":::MLLOG {broken \xff\n" + b"free text\n" + line("x", 20) + line("b", 30)
    assert notes == []


def test_a_torn_last_line_is_left_out_and_said(tmp_path):
    result, notes = merged(tmp_path, line("a", 1), line("b", 2) + line("c", 3)[:20])
    assert result == line("a", 1) + line("b", 2)
    assert notes == ["rank00000.mllog ends in a line that was cut short; it was left out"]


def test_a_missing_file_is_said(tmp_path):
    (tmp_path / "harness.mllog").write_bytes(line("a", 1))
    notes = merge([tmp_path / "harness.mllog", tmp_path / "rank00000.mllog"], tmp_path / "result_0.txt")
    assert notes == ["rank00000.mllog is missing"]
    assert (tmp_path / "result_0.txt").read_bytes() == line("a", 1)


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 50)), max_size=30))
def test_nothing_is_lost_and_each_file_keeps_its_order(tmp_path_factory, entries):
    files = {True: b"", False: b""}
    for index, (which, time_ms) in enumerate(entries):
        files[which] += line(f"k{index}", time_ms)
    result, notes = merged(tmp_path_factory.mktemp("merge"), files[True], files[False])
    for which in (True, False):
        own = [entry for entry in result.splitlines(keepends=True) if entry in files[which].splitlines(keepends=True)]
        assert b"".join(own) == files[which]
    assert len(result) == len(files[True]) + len(files[False])
    assert notes == []


def test_a_follower_waits_for_the_other_half_of_a_line(tmp_path):
    path = tmp_path / "log"
    follower = eventfile.Follower(path)
    assert follower.events() == []
    whole = line("a", 1)
    with path.open("wb") as file:
        file.write(whole[:10])
        file.flush()
        assert follower.events() == []
        file.write(whole[10:] + b"noise\n" + line("b", 2))
        file.flush()
        assert [event.key for event in follower.events()] == ["a", "b"]
        assert follower.events() == []
    follower.close()
