"""tools/convergence as it is called, with the stand-in for a training: what is done, done again, kept and left out."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from whole_runs import FAKES, ROOT, make_fake_data, marked, wait_until

from tools.convergence.runs import Campaign, Manner, alone

MARKS = "# It\n\n<!-- convergence -->\n<!-- /convergence -->\n"


class Tool:
    """The tool, with folders of its own."""

    def __init__(self, folder: Path) -> None:
        self.out, self.into = folder / "out", folder / "into"
        self.data = make_fake_data(folder / "data")
        self.home = self.into / "slstr_cloud"
        self.home.mkdir(parents=True)
        (self.home / "README.md").write_text(MARKS, encoding="utf-8")

    def command(self, *arguments: str) -> list[str]:
        own = ["--out", str(self.out), "--into", str(self.into), "--data-dir", str(self.data), "--scale", "tiny"]
        return [sys.executable, "-m", "tools.convergence", "slstr_cloud", "--np", "1", *own, *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments), cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
        )

    def train(self, behave: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("--impl", ",".join(str(FAKES / f"{name}.json") for name in behave.split(",")), *arguments)

    def kept(self) -> list[str]:
        folder = self.home / "convergence"
        return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.log.gz"))

    def waiting(self) -> list[str]:
        return sorted(path.relative_to(self.out).as_posix() for path in self.out.rglob("*.log.gz"))


@pytest.fixture
def tool(tmp_path) -> Tool:
    """The tool."""
    return Tool(tmp_path)


def begun(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Trainings that a call has begun."""
    return [line.partition(": begins")[0] for line in done.stdout.splitlines() if ": begins" in line]


def test_every_run_is_done_once_and_the_tables_follow_from_its_log(tool) -> None:
    done = tool.train("ok,miss", "--seeds", "2")
    assert done.returncode == 0, done.stderr
    logs = [f"tiny/default/{name}/seed-{seed}.log.gz" for name in ("miss", "ok") for seed in (1, 2)]
    assert tool.kept() == logs
    assert tool.waiting() == []
    assert [name.split()[3:] for name in begun(done)] == [
        ["ok", "seed", "1"], ["ok", "seed", "2"], ["miss", "seed", "1"], ["miss", "seed", "2"],
    ]  # fmt: skip
    text = gzip.decompress((tool.home / "convergence" / logs[2]).read_bytes())
    (run,) = (tool.out / "runs/slstr_cloud/tiny/default/ok/seed-1").glob("*/*/*/result_0.txt")
    assert text == run.read_bytes()
    page = (tool.home / "convergence" / "README.md").read_text(encoding="utf-8")
    assert "| tiny | default | ok | 2 of 2 | 2.0 ± 0.0 (2.0 to 2.0) |" in page
    assert "| 1 | missed in 20 | 0.5 |" in page
    assert "| tiny | default | miss | 0 of 2 | – | – |" in (tool.home / "README.md").read_text(encoding="utf-8")
    points = json.loads((tool.home / "convergence" / "rcp.json").read_text(encoding="utf-8"))["points"]
    assert [point["epochs_to_target"] for point in points] == [[None, None], [2, 2]]

    (tool.home / "convergence" / logs[3]).unlink()
    again = tool.train("ok,miss", "--seeds", "2")
    assert (begun(again), tool.kept()) == (["slstr_cloud tiny default ok seed 2"], logs)


def test_another_batch_size_is_another_point_beside_the_first(tool) -> None:
    for batch in ([], ["--batch-size", "4"]):
        assert tool.train("ok", "--seeds", "1", *batch).returncode == 0
    assert tool.kept() == ["tiny/default/ok/batch-4/seed-1.log.gz", "tiny/default/ok/seed-1.log.gz"]
    points = json.loads((tool.home / "convergence" / "rcp.json").read_text(encoding="utf-8"))["points"]
    sizes = [point["global_batch_size"] for point in points]
    assert sizes == [2, 4]


def test_the_tables_alone_are_made_anew_and_checked(tool) -> None:
    assert tool.train("ok", "--seeds", "1", "--no-table").returncode == 0
    assert (tool.kept(), len(tool.waiting())) == ([], 1)
    assert tool.run("--check").returncode == 3, "nothing is collected yet"
    done = tool.run("--table")
    assert (done.returncode, begun(done), len(tool.kept()), tool.waiting()) == (0, [], 1, [])
    assert tool.run("--check").returncode == 0
    page = tool.home / "convergence" / "README.md"
    page.write_text(page.read_text(encoding="utf-8").replace("1 of 1", "9 of 9"), encoding="utf-8")
    stale = tool.run("--check")
    assert (stale.returncode, stale.stdout.count("expected what the kept logs say")) == (1, 1)
    assert str(page) in stale.stdout


def test_a_run_that_fails_is_not_kept_and_does_not_keep_others_from_running(tool) -> None:
    done = tool.train("crash,ok", "--seeds", "1")
    assert done.returncode == 1
    assert "default crash seed 1: failed with exit code 4: " in done.stdout
    assert "failed: slstr_cloud tiny default crash" in done.stdout
    assert [name.rsplit("/", 2)[-2] for name in tool.waiting()] == ["ok"]


def test_what_is_refused_ends_the_campaign(tool) -> None:
    done = tool.train("refuse,ok", "--seeds", "1")
    assert done.returncode == 2
    assert "default refuse seed 1: " in done.stderr
    assert "$.precision: expected fp32" in done.stderr
    assert (tool.waiting(), "Traceback" in done.stderr) == ([], False)


def test_an_interrupted_run_is_done_again(tool) -> None:
    child = subprocess.Popen(
        tool.command("--impl", str(FAKES / "slow.json"), "--seeds", "1"), cwd=ROOT, stdout=subprocess.DEVNULL
    )
    log = wait_until(lambda: next(tool.out.rglob("rank00000.mllog"), None), "the run's log")
    wait_until(lambda: b"epoch_start" in log.read_bytes(), "an epoch")
    second = tool.train("ok", "--seeds", "1")
    assert (second.returncode, "expected nobody at work, found another campaign" in second.stderr) == (4, True)
    child.send_signal(signal.SIGTERM)
    assert child.wait(timeout=60) == 143
    assert marked(log.parents[1].name) == []
    assert tool.waiting() == []
    fake = json.loads((FAKES / "ok.json").read_text(encoding="utf-8"))
    fake["argv"][1] = str(FAKES.parent / "fake_implementation.py")
    (tool.out / "slow.json").write_text(json.dumps(fake), encoding="utf-8")
    assert tool.run("--impl", str(tool.out / "slow.json"), "--seeds", "1").returncode == 0
    assert tool.kept() == ["tiny/default/slow/seed-1.log.gz"]
    assert not log.exists(), "what the interrupted run left is gone"


def test_a_run_that_outlives_its_campaign_is_waited_for(tool) -> None:
    child = subprocess.Popen(
        tool.command("--impl", str(FAKES / "slow.json"), "--seeds", "1"), cwd=ROOT, stdout=subprocess.DEVNULL
    )
    (harness,) = wait_until(psutil.Process(child.pid).children, "the harness")
    log = wait_until(lambda: next(tool.out.rglob("rank00000.mllog"), None), "the run's log")
    child.kill()
    child.wait(timeout=60)
    try:
        refused = tool.train("ok", "--seeds", "1")
        assert (refused.returncode, "a run that it left" in refused.stderr) == (4, True)
    finally:
        harness.terminate()
        wait_until(lambda: not harness.is_running() or harness.status() == psutil.STATUS_ZOMBIE, "the harness's end")
    assert marked(log.parents[1].name) == []
    assert tool.train("ok", "--seeds", "1").returncode == 0


def test_a_target_is_derived_from_runs_that_went_on(tool) -> None:
    assert tool.run("--derive").returncode == 3
    done = tool.train("ok", "--seeds", "1", "--explore")
    assert done.returncode == 0, done.stderr
    assert tool.kept() == ["tiny/default/ok/explore-1.log.gz"]
    assert not (tool.home / "convergence" / "README.md").exists(), "such a run is in no table"
    derived = tool.run("--derive", "--within", "3")
    assert "| 20 | 1 | 0.96 | 0.96 | 0.96 | 0.96 |" in derived.stdout
    assert "proposal: 0.95: what the worst of 1 runs reached within 3 epochs (0.95)" in derived.stdout


def test_no_run_is_started_that_would_end_too_late(tmp_path, monkeypatch) -> None:
    from convergence_records import record

    from tools.convergence import kept, runs
    from tools.convergence.plan import Group

    now = [0.0]
    monkeypatch.setattr(runs.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(kept, "read", lambda path: record(24.5, run_time_s=1800.0))
    begun: list[str] = []

    def train(self: Campaign, group: Group, seed: int) -> Path:
        now[0] += 1800.0
        begun.append(f"{group.model} {seed}")
        return tmp_path

    monkeypatch.setattr(Campaign, "_new", train)
    manner = Manner(workshop=tmp_path, collected={"b": tmp_path}, max_hours=1.9)
    groups = [Group(benchmark="b", scale="small", model=name, option="pt", is_default=True) for name in ("one", "two")]
    assert not Campaign(manner, {"b": "max"}, 0, lambda text: None).run(groups)
    assert begun == ["one 1", "one 2", "one 3"]


def test_two_campaigns_do_not_share_a_folder(tmp_path) -> None:
    from harness.errors import RunFailed

    with alone(tmp_path), pytest.raises(RunFailed, match="found another campaign"), alone(tmp_path):
        pass
    with alone(tmp_path):
        pass
