"""The one door for subprocesses: what is started is ended, however it resists."""

from __future__ import annotations

import os
import resource
import signal
import sys
import textwrap
from pathlib import Path

import psutil
import pytest
from whole_runs import marked, wait_until

from harness import descendants, process
from harness.errors import RunFailed, Stopped
from harness.stops import Stops

RUN_ID = f"test-process-{os.getpid()}"
"""A mark of this process alone: others may do these tests beside it."""

STUBBORN = """
    import os, signal, sys, time
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    print("ready", flush=True)
    time.sleep(600)
"""

DAEMON = """
    import os, signal, sys, time
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            print("ready", flush=True)
            time.sleep(600)
        os._exit(0)
    {rest}
"""


@pytest.fixture
def job(tmp_path):
    """Start a Python program as a job; it is ready when it says so."""
    made = []

    def start(code: str) -> process.Job:
        out = (tmp_path / "out").open("wb")
        made.append((out, process.Job(
            [sys.executable, "-c", textwrap.dedent(code)], run_id=RUN_ID, cwd=tmp_path,
            environment={**os.environ, descendants.RUN_ID: RUN_ID}, stdout=out, stderr=out,
        )))  # fmt: skip
        wait_until(lambda: b"ready" in (tmp_path / "out").read_bytes(), "the program")
        return made[-1][1]

    yield start
    for out, started in made:
        started.sweep()
        out.close()


def test_a_job_that_ignores_every_request_is_killed(job):
    started = job(STUBBORN)
    started.stop([(signal.SIGUSR2, 0.1), (signal.SIGTERM, 0.1)], hurry=lambda: False)
    assert started.poll() == -signal.SIGKILL
    assert marked(RUN_ID) == []


def test_a_hurry_skips_the_waits(job):
    started = job(STUBBORN)
    started.stop([(signal.SIGUSR2, 3600.0), (signal.SIGTERM, 3600.0)], hurry=lambda: True)
    assert marked(RUN_ID) == []


def test_a_daemon_that_left_session_and_parent_is_found(job):
    started = job(DAEMON.format(rest=""))
    wait_until(lambda: started.poll() is not None, "the end of the launcher")
    assert len(marked(RUN_ID)) == 1
    left = started.sweep()
    assert len(left) == 1
    assert marked(RUN_ID) == []


def test_a_daemon_that_hides_its_environment_is_found_by_its_parent(job, tmp_path):
    """An orphan comes to the harness, which is the subreaper of its descendants."""
    started = job("""
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                print("ready", os.getpid(), flush=True)
                os.execve("/bin/sleep", ["sleep", "600"], {})
            os._exit(0)
        time.sleep(600)
    """)
    pid = int((tmp_path / "out").read_text().split()[1])
    assert psutil.pid_exists(pid)
    started.stop([(signal.SIGTERM, 0.5)], hurry=lambda: False)
    assert started.poll() == -signal.SIGTERM
    assert not psutil.pid_exists(pid)


def test_shared_memory_of_killed_ranks_goes_with_them_and_nothing_else(job):
    segment, data = (Path(f"/dev/shm/{name}.{os.getpid()}") for name in ("sm_segment.test", "data-of-somebody"))
    started = job(f"""
        import mmap, time
        maps = []
        for name in ("{segment}", "{data}"):
            with open(name, "w+b") as file:
                file.write(bytes(4096))
                file.flush()
                maps.append(mmap.mmap(file.fileno(), 4096))
        print("ready", flush=True)
        time.sleep(600)
    """)
    try:
        assert segment.exists()
        started.sweep()
        assert not segment.exists()
        assert data.exists()
    finally:
        for path in (segment, data):
            path.unlink(missing_ok=True)


def test_an_exit_code_and_output_come_back():
    done = process.run(
        [sys.executable, "-c", "import sys; print('out'); sys.stderr.write('err'); sys.exit(7)"], timeout_s=30
    )
    assert (done.returncode, done.stdout, done.stderr) == (7, "out\n", "err")


def test_a_limit_of_the_machine_is_said():
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    spare = os.dup(0)
    os.close(spare)
    resource.setrlimit(resource.RLIMIT_NOFILE, (spare + 1, limit[1]))
    try:
        with pytest.raises(RunFailed, match="Too many open files — raise the limit of open files, `ulimit -n`"):
            process.run([sys.executable, "-c", ""], timeout_s=30)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)


def test_a_program_that_is_not_there():
    with pytest.raises(RunFailed, match="/no/such: cannot be started: No such file or directory"):
        process.run(["/no/such"], timeout_s=1)


def test_a_program_out_of_time_is_gone_with_its_children():
    code = "import os, time; os.fork(); time.sleep(600)"
    environment = {**os.environ, descendants.RUN_ID: RUN_ID}
    with pytest.raises(RunFailed, match=r"expected an end within 0\.5 s"):
        process.run([sys.executable, "-c", code], timeout_s=0.5, environment=environment)
    assert marked(RUN_ID) == []


def test_a_signal_ends_the_wait_for_a_program():
    with Stops() as stops:
        code = f"import os, signal, time; os.kill({os.getpid()}, signal.SIGTERM); time.sleep(600)"
        with pytest.raises(Stopped) as stopped:
            process.run([sys.executable, "-c", code], timeout_s=60, stops=stops)
    assert stopped.value.exit_code == 143


PARENT = """
    import os, signal, subprocess, sys, time

    def end(*_):
        with open({told!r}, "a") as told:
            told.write("alive " if child.poll() is None else "gone ")
        {rest}

    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    signal.signal(signal.SIGTERM, end)
    os.kill({ours}, signal.SIGTERM)
    time.sleep(600)
"""


@pytest.mark.parametrize("rest", ["child.kill(); sys.exit(1)", "sys.exit(1)", "pass"], ids=["clean", "rude", "deaf"])
def test_a_program_that_is_stopped_is_told_before_what_it_started(tmp_path, monkeypatch, rest):
    """A pool whose workers go away under it calls that a fault; whatever it does about them, none is left."""
    monkeypatch.setattr(process, "OWN_END_S", 1.0)
    code = textwrap.dedent(PARENT).format(told=str(tmp_path / "told"), ours=os.getpid(), rest=rest)
    environment = {**os.environ, descendants.RUN_ID: RUN_ID}
    with Stops() as stops, pytest.raises(Stopped):
        process.run([sys.executable, "-c", code], timeout_s=60, environment=environment, stops=stops)
    assert (tmp_path / "told").read_text().split()[0] == "alive"
    assert marked(RUN_ID) == []


def test_handlers_are_given_back():
    before = signal.getsignal(signal.SIGTERM)
    with Stops() as stops:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGHUP)
        wait_until(lambda: stops.count == 2, "both signals")
        assert stops.first == signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before
