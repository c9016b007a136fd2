"""tools/watched: the status of the command is kept, a failure is shown, and nothing is left running."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

WATCHED = Path(__file__).resolve().parents[3] / "tools" / "watched"


def test_the_exit_status_and_the_end_of_the_log_are_passed_on(tmp_path: Path) -> None:
    log = tmp_path / "log"
    done = subprocess.run(
        [str(WATCHED), str(log), "name", ".*", "sh", "-c", "echo broken pipe; exit 7"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 7
    assert done.stderr == f"broken pipe\nname: failed (exit 7); the whole log is {log}\n"
    assert log.read_text() == "broken pipe\n"


def test_whoever_ends_it_ends_all_that_the_command_started(tmp_path: Path) -> None:
    log = tmp_path / "log"
    program = "sleep 1000 & echo $!; wait"
    with subprocess.Popen([str(WATCHED), str(log), "name", ".*", "sh", "-c", program]) as watched:
        grandchild = int(wait_for(lambda: log.read_text().strip() if log.exists() else ""))
        watched.send_signal(signal.SIGTERM)
        assert watched.wait(timeout=30) == 143
    assert wait_for(lambda: "" if is_running(grandchild) else "ended") == "ended"


def test_it_ends_with_a_caller_that_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    caller = f"{WATCHED} {log} name '.*' sh -c 'echo $$; sleep 1000'; exit 0"
    with subprocess.Popen(["bash", "-c", caller]) as shell:
        command = int(wait_for(lambda: log.read_text().strip() if log.exists() else ""))
        shell.kill()
    assert wait_for(lambda: "" if is_running(command) else "ended") == "ended"


def is_running(pid: int) -> bool:
    """Whether the process is there, and is not a dead one that nobody has asked after."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(answer, seconds: float = 30) -> str:  # type: ignore[no-untyped-def]
    """The first answer that is not empty."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := answer():
            return str(found)
        time.sleep(0.05)
    raise AssertionError(f"no answer within {seconds} s in process {os.getpid()}")
