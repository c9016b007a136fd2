"""The commands that download, and their honest exit codes."""

from __future__ import annotations

import os
import shlex
from pathlib import Path


def test_the_s3_command_is_printed(run_module, tmp_path: Path) -> None:
    done = run_module("download", "slstr_cloud", tmp_path, "--print")
    assert done.returncode == 0
    words = shlex.split(done.stdout)
    assert words[:4] == ["aws", "s3", "--no-sign-request", "--endpoint-url"]
    assert words[-3:] == ["sync", "s3://sciml-datasets/es/cloud_slstr_ds1", str(tmp_path / "slstr_cloud")]


def test_a_user_gets_rsync_for_every_set(run_module, tmp_path: Path) -> None:
    done = run_module("download", "all", tmp_path, "--user", "alice", "--print")
    lines = [shlex.split(line) for line in done.stdout.splitlines()]
    assert [words[0] for words in lines] == ["rsync"] * 3
    assert all(words[-2].startswith("alice@scarf.rl.ac.uk:") for words in lines)
    assert all("--partial" in words for words in lines)


def test_a_missing_program_is_named(run_module, tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": str(tmp_path)}
    done = run_module("download", "slstr_cloud", tmp_path, env=environment)
    assert done.returncode == 3
    assert "aws: expected this program on PATH, found none — install awscli" in done.stderr


def test_the_exit_code_of_the_program_comes_through(run_module, tmp_path: Path) -> None:
    program = tmp_path / "aws"
    program.write_text("#!/bin/sh\nexit 7\n")
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = run_module("download", "slstr_cloud", tmp_path, env=environment)
    assert done.returncode == 7
    assert "aws ended with exit code 7" in done.stderr
