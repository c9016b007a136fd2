"""Short attacks on the checker; `make fuzz` makes long ones."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from attack import attack
from hypothesis import given, settings
from hypothesis import strategies as st
from judging import VALID
from structures import JSON, logs

from compliance.cli import main

HERE = Path(__file__).resolve().parent
CORPUS = sorted(path for path in (HERE / "corpus").iterdir() if path.suffix == ".mllog")


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_what_was_found_or_feared_once(path: Path) -> None:
    attack(path.read_bytes())


@settings(max_examples=60, deadline=None)
@given(content=logs())
def test_logs_of_any_structure(content: bytes) -> None:
    attack(content)


DOCUMENTS = st.binary(max_size=60) | (JSON | st.dictionaries(st.text(max_size=5), JSON)).map(json.dumps).map(str.encode)


@st.composite
def nearly(draw: st.DrawFn, path: Path) -> bytes:
    """Draw a JSON document of which some part is another one."""
    document = json.loads(path.read_text(encoding="utf-8"))
    part = document
    while isinstance(part, dict) and part:
        name = draw(st.sampled_from(sorted(part)))
        if draw(st.booleans()) or not isinstance(part[name], dict):
            if draw(st.booleans()):
                part[name] = draw(JSON)
            else:
                del part[name]
            break
        part = part[name]
    return json.dumps(document).encode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory, and a benchmark.json beside it."""
    folder = tmp_path_factory.mktemp("attacked") / "run"
    shutil.copytree(VALID / "run-directory", folder)
    return folder


def ends_in_order(*arguments: str | Path) -> None:
    """Call the checker, which has to end with a verdict, or with a refusal of one line on stderr."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["check", *map(str, arguments)])
    assert code in (0, 1, 2), err.getvalue()
    assert bool(out.getvalue()) == (code != 2)
    assert err.getvalue().count("\n") == (code == 2)


@settings(max_examples=80, deadline=None)
@given(content=DOCUMENTS | nearly(VALID / "run-directory" / "run.json"))
def test_any_run_json(content: bytes, folder: Path) -> None:
    (folder / "run.json").write_bytes(content)
    ends_in_order(folder)


@settings(max_examples=80, deadline=None)
@given(content=DOCUMENTS | nearly(VALID.parent / "invalid" / "identity-005.benchmark.json"))
def test_any_benchmark_json(content: bytes, folder: Path) -> None:
    (folder.parent / "benchmark.json").write_bytes(content)
    ends_in_order(VALID / "slstr_cloud-pt.mllog", "--benchmark", folder.parent / "benchmark.json")


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is a development dependency")
def test_bytes_guided_by_what_they_reach(tmp_path: Path) -> None:
    command = [sys.executable, str(HERE / "byte_target.py"), str(tmp_path), str(HERE / "corpus")]
    command += ["-runs=300", "-seed=1", "-max_len=4096", f"-artifact_prefix={tmp_path}/"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Done 300 runs" in done.stderr
