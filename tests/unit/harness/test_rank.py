"""The rank wrapper, as a program: outputs, records, signals on their way through it, and its own end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import h5py
import numpy as np
import psutil
import pytest
from whole_runs import wait_until

from harness import parent
from harness.outcome import Ending, classify, read_records

ROOT = Path(__file__).resolve().parents[3]


def start(folder: Path, code: str, **environment: str) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", "harness.rank", "--run-dir", str(folder), "--cwd", str(folder), "--no-sampler", "--"]
    clean = {name: value for name, value in os.environ.items() if name != parent.HARNESS}
    program = [sys.executable, "-u", "-c", textwrap.dedent(code)]
    return subprocess.Popen([*argv, *program], cwd=ROOT, env={**clean, **environment})


def record(folder: Path, number: int = 0) -> dict:
    return json.loads((folder / "ranks" / f"rank-{number:05d}.exit.json").read_text(encoding="utf-8"))


def said(folder: Path, word: str) -> bool:
    path = folder / "ranks" / "rank-00000.out"
    return path.exists() and word in path.read_text(encoding="utf-8")


def gone(pid: int) -> bool:
    """A process that has ended; the test's own process may be the one that has yet to reap it."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_place_that_makes_no_sense_is_refused(tmp_path):
    child = start(tmp_path, "raise SystemExit(0)", OMPI_COMM_WORLD_RANK="nonsense", OMPI_COMM_WORLD_SIZE="2")
    assert child.wait(timeout=60) == 2
    assert not list((tmp_path / "ranks").glob("rank-*"))


def test_outputs_exit_code_and_record(tmp_path):
    code = "import os, sys; print('out'); sys.stderr.write('one\\ntwo\\n'); os.getcwd(); sys.exit(7)"
    place = {"OMPI_COMM_WORLD_RANK": "12", "OMPI_COMM_WORLD_SIZE": "13", "OMPI_COMM_WORLD_LOCAL_RANK": "1"}
    child = start(tmp_path, code, **place)
    assert child.wait(timeout=60) == 7
    assert (tmp_path / "ranks" / "rank-00012.out").read_text() == "out\n"
    found = record(tmp_path, 12)
    assert (found["state"], found["exit_code"], found["signal"]) == ("ended", 7, None)
    assert found["stderr_tail"] == ["one", "two"]
    assert found["start_ms"] <= found["end_ms"]


def test_the_signal_that_ended_a_program_is_recorded(tmp_path):
    child = start(tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert child.wait(timeout=60) == 128 + signal.SIGKILL
    assert record(tmp_path)["signal"] == "SIGKILL"


def test_a_data_file_that_is_cut_while_a_rank_reads_it_is_named_as_a_cause(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["images"] = np.ones((64, 1 << 14))
    code = """
        import os
        from pathlib import Path
        from reference.runtime.hdf5 import Stored
        images = Stored(Path("a.h5"), "images")
        assert images[63].all()
        os.truncate("a.h5", 1 << 20)
        images[63].all()
    """
    child = start(tmp_path, code, PYTHONPATH=str(ROOT))
    assert child.wait(timeout=60) == 128 + signal.SIGBUS
    records = read_records(tmp_path / "ranks")
    found = classify(Ending(launcher_exit_code=1), records, ranks=1, folder=tmp_path / "ranks")
    assert (found.kind, found.exit_code) == ("rank_failed", 4)
    assert "was ended by SIGBUS — a data file was cut while the run read it, its disk failed, or" in found.text


def test_signals_are_passed_on(tmp_path):
    child = start(tmp_path, """
        import signal, time
        for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGINT):
            signal.signal(number, lambda n, _: print(signal.Signals(n).name))
        print("ready")
        while True:
            time.sleep(0.1)
    """)  # fmt: skip
    wait_until(lambda: said(tmp_path, "ready"), "the program")
    for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGINT):
        child.send_signal(number)
        wait_until(lambda name=number.name: said(tmp_path, name), number.name)
    child.send_signal(signal.SIGTERM)
    assert child.wait(timeout=60) == 143
    assert [entry["signal"] for entry in record(tmp_path)["received"]] == ["SIGUSR1", "SIGUSR2", "SIGINT", "SIGTERM"]


def test_a_request_to_stop_waits_until_the_program_listens(tmp_path):
    """SIGUSR2 would end a program that is still importing its framework."""
    child = start(tmp_path, """
        import os, signal, time
        print("started")
        while not os.path.exists("go"):
            time.sleep(0.05)
        signal.signal(signal.SIGUSR2, lambda *_: (print("stopping"), os._exit(0)))
        while True:
            time.sleep(0.1)
    """)  # fmt: skip
    wait_until(lambda: said(tmp_path, "started"), "the program")
    child.send_signal(signal.SIGUSR2)
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(timeout=1)
    (tmp_path / "go").touch()
    assert child.wait(timeout=60) == 0
    assert said(tmp_path, "stopping")


def test_a_program_dies_with_its_wrapper(tmp_path):
    child = start(tmp_path, "import time; print('ready'); time.sleep(600)")
    wait_until(lambda: said(tmp_path, "ready"), "the program")
    # The program may speak before its wrapper has written down that it runs.
    wait_until((tmp_path / "ranks" / "rank-00000.exit.json").exists, "the record")
    pid = record(tmp_path)["pid"]
    child.kill()
    child.wait()
    wait_until(lambda: gone(pid), "the end of the program")
    assert record(tmp_path)["state"] == "running", "the record of a killed wrapper claims no end"


def test_a_program_ends_when_its_harness_has_gone(tmp_path):
    harness = subprocess.Popen(["sleep", "600"])
    mark = f"{os.uname().nodename}:{harness.pid}:{parent.start_ticks(harness.pid)}"
    child = start(tmp_path, "import time; print('ready'); time.sleep(600)", **{parent.HARNESS: mark})
    wait_until(lambda: said(tmp_path, "ready"), "the program")
    harness.kill()
    harness.wait()
    assert child.wait(timeout=60) == 143
    assert record(tmp_path)["stop_reason"] == "the harness has gone"


@pytest.mark.parametrize("mark", ["elsewhere:1:1", "nonsense", ""])
def test_a_harness_elsewhere_is_not_watched(mark):
    assert parent.Harness.from_environment({parent.HARNESS: mark}) is None


def test_a_reused_number_is_not_the_harness():
    mark = f"{os.uname().nodename}:{os.getpid()}:{parent.start_ticks(os.getpid()) + 1}"
    assert parent.Harness.from_environment({parent.HARNESS: mark}) is None
    assert parent.Harness.from_environment({parent.HARNESS: parent.identity()}) is not None


@pytest.mark.parametrize(("local_rank", "left"), [("0", False), ("1", True)])
def test_the_copy_of_the_data_set_goes_with_a_program_that_was_killed(local_rank, left, tmp_path):
    copy, another = (
        tmp_path / "near" / "sciml-bench-staged-x" / node for node in (os.uname().nodename, "another-node")
    )
    for folder in (copy, another):
        folder.mkdir(parents=True)
        (folder / "scene.hdf").write_bytes(b"x")
    document = {"data": {"staging": {"directory": str(copy.parent), "compress": "none"}}}
    (tmp_path / "run.json").write_text(json.dumps(document), encoding="utf-8")
    place = {"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_LOCAL_RANK": local_rank}
    child = start(tmp_path, "import os; os.kill(os.getpid(), 9)", **place)
    assert child.wait(timeout=60) == 137
    assert copy.exists() == left
    assert (another / "scene.hdf").exists()
