"""A log is judged while it is written: what is told stays true, and following ends when the log does."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from checking import GOLDEN, call, cases, golden_lines, line_of, place_of, record_of
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance import follow as following
from compliance import rules as rule_sets
from compliance.beyond_mending import check_lasting
from compliance.conditions import condition
from compliance.finding import Finding
from compliance.follow import Follower, Manner, follow
from compliance.growing import GrowingFile, GrowingRun, RestartedError
from compliance.judge import Judge, Judgement
from compliance.rules import Ruleset

ROOT = GOLDEN.parents[1]
RULES = rule_sets.load()
LOGS = {path.stem: path.read_bytes() for path in sorted(GOLDEN.glob("*/*.mllog"))}
MLPERF = rule_sets.load("mlperf-hpc-3.0.0")
MLPERF_LOGS = {path.stem: path.read_bytes() for path in sorted(GOLDEN.glob("mlperf-hpc-3.0.0/*/*.mllog"))}
POOL = sorted({line for content in (LOGS | MLPERF_LOGS).values() for line in content.split(b"\n") if len(line) < 1000})
RUN = GOLDEN / "valid" / "run-directory"


def is_error(finding: Finding, rules: Ruleset = RULES) -> bool:
    return rules.rules[finding.rule].severity == "error"


def assert_nothing_goes(before: bytes, after: bytes, rules: Ruleset = RULES) -> None:
    """Hold what is said of the beginning of a log against what is said of the whole."""
    judge = Judge(rules)
    at_once = judge.feed(before)
    lasting = [finding for finding in check_lasting(judge.story, judge.rules) if finding not in at_once]
    later = [*judge.feed(after), *judge.end()]
    whole = Counter([*at_once, *later])
    assert not Counter(at_once) - whole
    late = {finding.where for finding in later if "-order-" in finding.rule and is_error(finding, rules)}
    for finding in lasting:
        comes_too_late = finding.rule.endswith("key-004") and finding.where in late
        assert finding in whole or comes_too_late, finding.message
    if any(is_error(finding, rules) for finding in [*at_once, *lasting]):
        assert any(is_error(finding, rules) for finding in whole), "a hopeless log was mended"


@pytest.mark.parametrize("name", LOGS)
def test_what_is_said_of_a_beginning_is_true_of_the_whole(name: str) -> None:
    lines = LOGS[name].splitlines(keepends=True)
    for place in range(0, len(lines) + 1, 3):
        assert_nothing_goes(b"".join(lines[:place]), b"".join(lines[place:]))


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("name", MLPERF_LOGS)
def test_what_is_said_of_a_beginning_is_true_of_a_whole_log_of_mlperf(name: str, strict: bool) -> None:
    rules = rule_sets.load(MLPERF.name, strict=strict)
    lines = MLPERF_LOGS[name].splitlines(keepends=True)
    for place in range(0, len(lines) + 1, 5):
        assert_nothing_goes(b"".join(lines[:place]), b"".join(lines[place:]), rules)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_continuation_mends_what_is_beyond_mending(data: st.DataObject) -> None:
    logs, rules = data.draw(st.sampled_from([(LOGS, RULES), (MLPERF_LOGS, MLPERF)]))
    lines = logs[data.draw(st.sampled_from(sorted(logs)))].splitlines(keepends=True)
    place = data.draw(st.integers(0, len(lines)))
    rest = data.draw(st.permutations(lines[place:])) if data.draw(st.booleans()) else lines[place:]
    foreign = [line + b"\n" for line in data.draw(st.lists(st.sampled_from(POOL), max_size=25))]
    assert_nothing_goes(b"".join(lines[:place]), b"".join([*foreign, *rest]), rules)


def hopeless_at(content: bytes) -> str | None:
    """Return the key of the event at which a log can no longer be compliant; None where there is hope to run_stop."""
    judge = Judge(RULES)
    for line in content.splitlines(keepends=True):
        found = [*judge.feed(line), *check_lasting(judge.story, RULES)]
        if any(map(is_error, found)):
            return judge.story.previous.key if judge.story.previous else ""
        if judge.story.counts["run_stop"]:
            return None
    return None


@pytest.mark.parametrize("name", [path.stem for path in cases("valid") if path.suffix == ".mllog"])
def test_a_compliant_log_is_never_hopeless(name: str) -> None:
    assert hopeless_at(LOGS[name]) is None


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("samples-001", "eval_start"),
        ("key-004-seed", "init_stop"),
        ("key-004-manifest", "init_start"),
        ("key-001-boolean", "train_samples"),
        ("identity-001", "submission_benchmark"),
        ("identity-002", "dataset_id"),
        ("target-004-lowered", "quality_target"),
        ("hyper-001-batch", "global_batch_size"),
        ("ranks-001-nodes", "number_of_ranks"),
        ("time-003", "init_stop"),
        ("target-001", None),
        ("target-003", None),
        ("target-005", None),
        ("identity-003-dirty", None),
        ("key-004-cut-after-run-start", None),
    ],
)
def test_a_log_is_hopeless_from_the_event_on_that_nothing_can_mend(name: str, key: str | None) -> None:
    assert hopeless_at(LOGS[name]) == key


@pytest.mark.parametrize(("target", "too_low"), [(26.0, False), (20.0, True)])
def test_a_target_that_a_model_may_still_lower_is_waited_for(target: float, too_low: bool) -> None:
    """The scale asks for 32 dB, the model for 26, and the model stands in hyperparameters, which may come last."""
    new = {"quality_target": target, "scale": "small", "hyperparameters": {"model": "dncnn"}}
    records = [record_of(line) for line in golden_lines("em_denoise-pt")]
    lines = [line_of({**record, "value": new.get(record["key"], record["value"])}).encode() for record in records]
    place = next(number for number, record in enumerate(records) if record["key"] == "hyperparameters")
    stop = next(number for number, record in enumerate(records) if record["key"] == "init_stop")
    judge = Judge(RULES)
    judge.feed(b"".join([*lines[:place], *lines[place + 1 : stop]]))
    assert "sciml-target-004" not in {finding.rule for finding in check_lasting(judge.story, judge.rules)}
    judge.feed(lines[place])
    assert ("sciml-target-004" in {finding.rule for finding in check_lasting(judge.story, judge.rules)}) == too_low


@pytest.mark.parametrize(
    ("operand", "settled"),
    [
        ({"const": 1}, True),
        ({"field": "value"}, True),
        ({"first": "seed", "field": "value"}, True),
        ({"first": "resumed_from_epoch", "field": "value"}, False),
        ({"latest": "seed", "field": "value"}, False),
        ({"count": "seed"}, False),
        ({"elapsed_s": "init_start"}, True),
        ({"elapsed_s": "eval_stop"}, False),
        ({"since_latest_s": "init_start"}, False),
        ({"product": [{"const": 2}, {"first": "seed", "field": "value"}]}, True),
        ({"product": [{"const": 2}, {"first": "resumed_from_epoch", "field": "value"}]}, False),
        ({"ceil_div": [{"latest": "seed", "field": "value"}, {"const": 2}]}, False),
    ],
)
def test_a_condition_is_settled_when_no_operand_can_change(operand: dict[str, object], settled: bool) -> None:
    judge, lines = Judge(RULES), golden_lines()
    judge.feed("".join(lines[: place_of(lines, "init_stop")]).encode())
    event = judge.story.first["seed"]
    broken = {"left": {"field": "value"}, "op": "equal", "right": {"const": -1}}
    other = {"left": operand, "op": "differs", "right": {"const": "x"}}
    words = {"rule": "sciml-key-001", "expected": "", "advice": ""}
    assert condition({**words, "must": broken, "when": [other]}).settled(event, judge.story) is settled
    assert condition({**words, "must": other}).settled(event, judge.story) is settled


# Following itself: a writer in a thread, the follower in this one, which alone takes signals.


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "POLL_S", 0.01)


class Heard:
    """What a follower said, and the judgement that it came to."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.sentences: list[str] = []

    def tell(self, finding: Finding) -> bool:
        self.findings.append(finding)
        return True

    def follow(self, path: Path, write: Callable[[], None], **manner: float) -> Judgement:
        """Follow a log while `write` writes it."""
        writer = threading.Thread(target=write)
        writer.start()
        try:
            return follow(path, RULES, Manner(**{"settle_s": 0.3, **manner}), tell=self.tell, say=self.sentences.append)  # type: ignore[arg-type]
        finally:
            writer.join()


def append(path: Path, *pieces: bytes) -> None:
    """Write pieces, each in its own time."""
    for piece in pieces:
        with path.open("ab") as file:
            file.write(piece)
        time.sleep(0.03)


def pieces_of(content: bytes, count: int = 7) -> Sequence[bytes]:
    """Cut bytes into pieces that end anywhere."""
    size = len(content) // count + 1
    return [content[start : start + size] for start in range(0, len(content), size)]


@pytest.mark.parametrize("name", ["slstr_cloud-pt", "samples-001", "key-004-seed", "file-002-no-line-feed"])
def test_a_log_that_is_absent_at_first_and_comes_in_pieces(name: str, tmp_path: Path) -> None:
    log, heard = tmp_path / "log", Heard()
    judgement = heard.follow(log, lambda: append(log, *pieces_of(LOGS[name])))
    whole = Judge(RULES)
    whole.feed(LOGS[name])
    whole.end()
    assert judgement == whole.judgement(str(log))
    assert Counter(heard.findings) == Counter(judgement.findings), "each is told once"


def test_findings_are_told_as_they_come(tmp_path: Path) -> None:
    log, heard = tmp_path / "log", Heard()
    told_by_then: list[int] = []

    def write() -> None:
        head, tail = LOGS["key-004-seed"].split(b'"run_start"')
        append(log, head, b'"run_start"')
        time.sleep(0.2)
        told_by_then.append(len(heard.findings))
        append(log, tail)

    heard.follow(log, write)
    assert told_by_then == [1]


@pytest.mark.parametrize("how", ["cut", "replaced"])
def test_a_log_that_begins_anew_is_judged_anew(how: str, tmp_path: Path) -> None:
    log, heard = tmp_path / "log", Heard()

    def write() -> None:
        append(log, LOGS["samples-001"][:-3000])
        time.sleep(0.2)
        if how == "cut":
            log.write_bytes(b"")
        else:
            log.rename(tmp_path / "log.1")
        time.sleep(0.1)
        append(log, *pieces_of(LOGS["slstr_cloud-pt"]))

    judgement = heard.follow(log, write)
    assert judgement.findings == ()
    assert heard.sentences == [f"{log}: was cut or replaced; it is judged anew from its start"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_the_verdict_so_far(number: int, tmp_path: Path) -> None:
    log, heard = tmp_path / "log", Heard()
    head = LOGS["samples-001"][: LOGS["samples-001"].index(b'"run_stop"')]

    def write() -> None:
        append(log, head)
        time.sleep(0.2)
        os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    judgement = heard.follow(log, write, patience_s=60)
    assert {"sciml-samples-001", "sciml-file-002"} <= {finding.rule for finding in judgement.findings}
    assert signal.getsignal(number) is before


class Endless:
    """A log that grows faster than it is read, and a user who has seen enough."""

    def __init__(self, _path: Path) -> None:
        self.looks = 0

    def news(self) -> bytes:
        self.looks += 1
        assert self.looks < 1000, "it goes on for ever"
        if self.looks == 5:
            os.kill(os.getpid(), signal.SIGINT)
        return b"# another line\n"

    def closed(self) -> bool:
        return False

    def close(self) -> None:
        pass


def test_a_signal_ends_it_although_the_log_grows_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log"
    log.touch()
    monkeypatch.setattr(following, "GrowingFile", Endless)
    assert Heard().follow(log, lambda: None).lines < 1000


def test_patience_ends_a_log_that_nobody_writes(tmp_path: Path) -> None:
    judgement = Heard().follow(tmp_path / "absent", lambda: None, patience_s=0.1)
    assert [finding.rule for finding in judgement.findings] == ["sciml-file-001"]


@pytest.mark.parametrize(
    ("name", "rule"), [("key-004-seed", "sciml-key-004"), ("slstr_cloud-pt", None), ("target-001", None)]
)
def test_until_hopeless_ends_early_or_at_run_stop(name: str, rule: str | None, tmp_path: Path) -> None:
    log = tmp_path / "log"
    lines = LOGS[name].splitlines(keepends=True)
    judgement = Heard().follow(log, lambda: append(log, *lines[::1]), until_hopeless=True)
    assert [finding.rule for finding in judgement.findings] == ([rule] if rule else [])
    assert judgement.events <= len(lines)


def test_a_run_directory_is_followed_through_its_event_files(tmp_path: Path) -> None:
    folder, heard = tmp_path / "run", Heard()
    lines = (RUN / "result_0.txt").read_bytes().splitlines(keepends=True)
    ours = [line for line in lines if b'"file": "harness/' in line]
    theirs = [line for line in lines if line not in ours]
    after = next(place for place, line in enumerate(ours) if b'"telemetry"' in line)

    def write() -> None:
        (folder / "events").mkdir(parents=True)
        shutil.copy(RUN / "run.json", folder)
        append(folder / "events" / "harness.mllog", b"".join(ours[:after]))
        append(folder / "events" / "rank00000.mllog", *pieces_of(b"".join(theirs)))
        append(folder / "events" / "harness.mllog", b"".join(ours[after:]))
        time.sleep(0.5)
        (folder / "result_0.txt").write_bytes(b"".join(lines))

    judgement = heard.follow(folder, write)
    assert judgement.file == str(folder / "result_0.txt")
    assert (judgement.findings, heard.findings) == ((), [])
    assert judgement.events == len(lines)


def test_a_run_that_disagrees_with_run_json_is_hopeless_at_once(tmp_path: Path) -> None:
    bad = GOLDEN / "invalid" / "run-002-seed"
    (tmp_path / "events").mkdir()
    shutil.copy(bad / "run.json", tmp_path)
    lines = (bad / "result_0.txt").read_bytes().splitlines(keepends=True)
    append(tmp_path / "events" / "rank00000.mllog", *lines[:40])
    judgement = Heard().follow(tmp_path, lambda: None, until_hopeless=True)
    assert [finding.rule for finding in judgement.findings] == ["sciml-run-002"]


def test_lines_of_two_event_files_are_merged_by_time(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    (tmp_path / "events").mkdir()
    record = record_of(golden_lines()[0])
    lines = [line_of({**record, "time_ms": time_ms}).encode() for time_ms in range(6)]
    back = line_of({**record, "time_ms": 0, "key": "a clock that was set back"}).encode()
    (tmp_path / "events" / "harness.mllog").write_bytes(lines[0] + b"no event\n" + lines[3] + back)
    (tmp_path / "events" / "rank00000.mllog").write_bytes(lines[1] + lines[2] + lines[5] + lines[4][:9])
    run = GrowingRun(tmp_path)
    request.addfinalizer(run.close)
    assert run.news() == lines[0] + b"no event\n" + lines[1] + lines[2] + lines[3] + back + lines[5]
    append(tmp_path / "events" / "rank00000.mllog", lines[4][9:])
    assert run.news() == lines[4], "half a line waits for its other half"
    assert run.news() == b""


def test_a_file_is_read_as_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "log"
    file = GrowingFile(path)
    assert file.news() == b""
    append(path, b"one")
    assert (file.news(), file.news()) == (b"one", b"")
    path.unlink()
    assert file.news() == b"", "it may only have been taken away"
    append(path, b"two")
    with pytest.raises(RestartedError):
        file.news()
    assert file.news() == b"two"
    file.close()


def test_a_follower_does_not_depend_on_how_the_bytes_arrive(tmp_path: Path) -> None:
    log, content, draw = tmp_path / "log", LOGS["order-002-swapped"], random.Random(7)
    follower, found = Follower(log, RULES), []
    while content:
        size = draw.randint(1, 900)
        append_now(log, content[:size])
        content = content[size:]
        found += follower.look()[1]
    rest, whole = follower.verdict()
    follower.close()
    assert Counter([*found, *rest]) == Counter(whole.findings)


def append_now(path: Path, piece: bytes) -> None:
    with path.open("ab") as file:
        file.write(piece)


# And as a program.


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--follow"], "--follow: expected one log or run directory, found 0"),
        (["--follow", "a", "b"], "found 2"),
        (["--follow", "/dev/zero"], "found something else"),
        (["--follow", str(GOLDEN.parent)], "found a folder of them"),
        (["--until-hopeless", "a"], "expected --follow beside it"),
        (["--follow", "a", "--patience", "-1"], "invalid seconds value"),
        (["--follow", "a", "--patience", "nan"], "invalid seconds value"),
    ],
)
def test_a_call_that_cannot_be_served_says_why(arguments: list[str], words: str) -> None:
    answer = call("check", *arguments)
    assert answer.code == 2
    assert words in answer.err


@pytest.mark.parametrize("form", ["text", "json"])
def test_as_a_process_it_prints_and_ends_like_check(form: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-m", "compliance", "check", "--follow", str(log), "--format", form, "--patience", "600"]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    append(log, *pieces_of(LOGS["samples-001"][:-2000]))
    if form == "text":
        assert child.stdout is not None
        assert "sciml-samples-001" in child.stdout.readline()
    else:
        time.sleep(2)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (1, "")
    same = call("check", str(log), "--format", form).out
    assert out.splitlines()[-1] == same.splitlines()[-1]
    if form == "json":
        assert out == same


def test_a_reader_that_leaves_ends_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(LOGS["key-004-cut-after-run-start"][:-20] + b"\n" * 3)
    append(log, *[b":::MLLOG {}\n"] * 3)
    line = f"{sys.executable} -m compliance check --follow {log} | head -n 1"
    child = subprocess.Popen(["bash", "-c", line], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for _ in range(300):
        if child.poll() is not None:
            break
        append(log, b":::MLLOG {}\n")
    out, err = child.communicate(timeout=60)
    assert (out.count(b"\n"), err) == (1, b"")
