"""Exit records and what they add up to."""

from __future__ import annotations

import json

import pytest

from harness.outcome import Ending, classify, oom_kills, read_records

ENDED = {"state": "ended", "signal": None, "received": [], "host": "a", "stderr_tail": []}


def record(rank, *, end_ms=10, exit_code=0, **fields):
    return {**ENDED, "rank": rank, "end_ms": end_ms, "exit_code": exit_code, **fields}


def outcome(tmp_path, records, *, ranks=2, **ending):
    return classify(Ending(**{"launcher_exit_code": 1, **ending}), records, ranks=ranks, folder=tmp_path)


def test_all_is_well(tmp_path):
    assert outcome(tmp_path, [record(0), record(1)], launcher_exit_code=0).kind == "ok"


def test_the_first_failure_in_time_is_the_root_cause(tmp_path):
    found = outcome(tmp_path, [record(0, end_ms=30, exit_code=1), record(1, end_ms=20, exit_code=9)])
    assert (found.kind, found.exit_code, found.root_cause.rank) == ("rank_failed", 4, 1)


def test_a_rank_that_was_told_to_end_is_a_consequence(tmp_path):
    told = record(0, end_ms=10, exit_code=None, signal="SIGTERM", received=[{"signal": "SIGTERM"}])
    cut = {**record(2), "state": "running", "end_ms": None, "exit_code": None}
    found = outcome(tmp_path, [told, record(1, end_ms=20, exit_code=None, signal="SIGSEGV"), cut], ranks=3)
    assert (found.root_cause.rank, found.root_cause.signal) == (1, "SIGSEGV")


def test_a_killed_wrapper_alone_is_named(tmp_path):
    found = outcome(tmp_path, [record(0), {**record(1), "state": "running", "exit_code": None}])
    assert found.text.startswith("rank 1 on a ended without a record; its wrapper was killed")


@pytest.mark.parametrize(("code", "kind", "ours"), [(2, "refused", 2), (3, "data", 3), (1, "rank_failed", 4)])
def test_exit_codes_of_the_contract(tmp_path, code, kind, ours):
    found = outcome(tmp_path, [record(0, exit_code=code, stderr_tail=["why"])], ranks=1)
    assert (found.kind, found.exit_code) == (kind, ours)
    assert found.text.endswith("why")


def test_want_of_memory_and_of_room(tmp_path):
    killed = [record(0, exit_code=None, signal="SIGKILL")]
    assert outcome(tmp_path, killed, ranks=1, out_of_memory=True).kind == "out_of_memory"
    assert outcome(tmp_path, killed, ranks=1).kind == "rank_failed"
    assert outcome(tmp_path, [record(0, exit_code=1)], ranks=1, disk_full=True).kind == "disk_full"


def test_ranks_that_never_started(tmp_path):
    (tmp_path / "launcher.err").write_text("noise\nThere are not enough slots\n")
    found = outcome(tmp_path, [])
    assert found.kind == "launcher_failed"
    assert found.text == "the launcher ended with 1, 0 of 2 ranks started: There are not enough slots"


TOLD = [record(rank, exit_code=None, signal="SIGTERM", received=[{"signal": "SIGTERM"}]) for rank in (0, 1)]
SWEPT = [record(rank, exit_code=None, signal="SIGTERM") for rank in (0, 1)]


def test_a_launcher_that_lost_a_node_is_the_cause_and_not_the_ranks_that_it_ended(tmp_path):
    rule = "-" * 74
    (tmp_path / "launcher.err").write_text(
        f"noise\n{rule}\nPRTE has lost communication with a remote\ndaemon.\n{rule}\n"
    )
    cut = {**TOLD[1], "state": "running", "signal": None}  # the launcher's SIGKILL came before it could write its end
    found = outcome(tmp_path, [TOLD[0], cut])
    assert (found.kind, found.exit_code, found.root_cause) == ("launcher_failed", 4, None)
    assert found.text == (
        "the launcher ended with 1, and its ranks with it: PRTE has lost communication with a remote daemon."
    )


def test_a_launcher_that_was_killed_is_the_cause_and_not_the_ranks_that_the_harness_ended_after_it(tmp_path):
    found = outcome(tmp_path, SWEPT, launcher_exit_code=-9)
    assert found.text == "the launcher was ended by SIGKILL, and its ranks with it"
    assert outcome(tmp_path, SWEPT, launcher_exit_code=143).root_cause.rank == 0
    crashed = [SWEPT[0], record(1, end_ms=5, exit_code=7)]
    assert outcome(tmp_path, crashed, launcher_exit_code=-9).root_cause.rank == 1


def test_records_that_are_gone_are_not_counted(tmp_path):
    found = classify(Ending(launcher_exit_code=0), [], ranks=2, folder=tmp_path / "removed")
    assert found.text == "the launcher ended with 0, the records of its ranks are gone"


def test_what_the_harness_did_itself(tmp_path):
    stopped = outcome(tmp_path, [record(0), record(1)], stopped="interrupted", stop_text="stopped by SIGINT", signum=2)
    assert (stopped.kind, stopped.exit_code) == ("interrupted", 130)
    assert outcome(tmp_path, [], stopped="stalled", stop_text="x").exit_code == 4


def test_records_that_cannot_be_read_are_left_out(tmp_path):
    (tmp_path / "rank-00000.exit.json").write_text(json.dumps(record(0)))
    (tmp_path / "rank-00001.exit.json").write_text('{"rank": 1, "sta')
    (tmp_path / "rank-00002.exit.json").write_text("[]")
    assert [entry["rank"] for entry in read_records(tmp_path)] == [0]


def test_kills_for_want_of_memory_are_counted(tmp_path):
    path = tmp_path / "memory.events"
    assert oom_kills(path) == 0
    path.write_text("low 0\noom 2\noom_kill 3\n")
    assert oom_kills(path) == 3
