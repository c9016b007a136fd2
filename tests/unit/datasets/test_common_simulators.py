"""The simulators of micrographs and of scattering patterns as a user runs them."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NAMES = ("em_denoise", "dms_classifier")


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    """Name a data set."""
    return request.param


@pytest.fixture
def arguments(name: str, request: pytest.FixtureRequest) -> list[str]:
    """Return the options of its tiny set."""
    return request.getfixturevalue({"em_denoise": "em_arguments", "dms_classifier": "dms_arguments"}[name])


@pytest.fixture
def made(name: str, request: pytest.FixtureRequest) -> Path:
    """Return its tiny set."""
    return request.getfixturevalue({"em_denoise": "em_set", "dms_classifier": "dms_set"}[name])


def manifest_of(root: Path) -> dict[str, object]:
    """Read a set's manifest."""
    return json.loads((root / "manifest.json").read_text())


def test_the_same_options_give_the_same_bytes_at_every_number_of_jobs(
    run_module, name: str, arguments, made: Path, tmp_path: Path
) -> None:
    done = run_module(f"{name}.simulate", "--out", tmp_path / "again", *arguments, "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "again" / "manifest.json").read_bytes() == (made / "manifest.json").read_bytes()
    for entry in manifest_of(made)["files"]:
        assert (tmp_path / "again" / entry["path"]).read_bytes() == (made / entry["path"]).read_bytes()


def test_another_seed_gives_another_set(call, name: str, arguments, made: Path, tmp_path: Path) -> None:
    assert call(f"{name}.simulate", "--out", tmp_path / "other", *arguments, "--seed=6").code == 0
    hashes = [entry["sha256"] for root in (made, tmp_path / "other") for entry in manifest_of(root)["files"]]
    assert len(set(hashes)) == len(hashes)


def test_a_finished_set_is_left_alone(call, name: str, arguments, made: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in made.rglob("*")}
    done = call(f"{name}.simulate", "--out", made, *arguments)
    assert done.code == 0
    assert "nothing to do" in done.out
    assert {path: path.stat().st_mtime_ns for path in made.rglob("*")} == before


def test_an_interrupted_set_is_made_again(call, name: str, arguments, made: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(made, tmp_path / "broken"))
    (root / "manifest.json").unlink()
    next(root.glob("train/*.h5")).write_bytes(b"half")
    (root / "train" / "left.h5.part").write_bytes(b"half")
    assert call(f"{name}.simulate", "--out", root, *arguments).code == 0
    assert manifest_of(root) == manifest_of(made)
    assert not list(root.rglob("*.part"))


def test_a_folder_of_others_is_refused_and_kept(call, name: str, arguments, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    done = call(f"{name}.simulate", "--out", tmp_path, *arguments)
    assert done.code == 2
    assert "thesis.tex" in done.error
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_in_the_place_of_the_folder_is_refused(call, name: str, arguments, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    done = call(f"{name}.simulate", "--out", tmp_path / "out", *arguments)
    assert done.code == 3
    assert "File exists" in done.error
    assert "Traceback" not in done.error


def test_a_refused_write_leaves_no_manifest_and_no_part(run_module, name: str, arguments, tmp_path: Path) -> None:
    def small_files_only() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))

    done = run_module(f"{name}.simulate", "--out", tmp_path / "out", *arguments, preexec_fn=small_files_only)
    assert done.returncode == 3, done.stderr
    assert "File too large" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    names = [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert names == [".simulated-by-sciml-bench"]


def test_a_stopped_run_has_no_manifest_and_no_file_of_a_final_name(dms_arguments: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "datasets.dms_classifier.simulate", "--out", tmp_path / "out", *dms_arguments]
    command += ["--train-patterns=2000", "--jobs=2"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert "of 2004 patterns" in process.stdout.readline()  # said after some seconds of work
        assert list((tmp_path / "out").rglob("*.part"))
        process.terminate()
        _, error = process.communicate()
    assert process.returncode == 130
    assert error.splitlines() == ["interrupted; nothing half-written has its name, run the same command again to go on"]
    names = [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert {name for name in names if not name.endswith(".part")} == {".simulated-by-sciml-bench", ".simulation.jsonl"}


@pytest.mark.parametrize(
    ("name", "option", "message"),
    [
        ("em_denoise", "--train-images=0", "--train-images: expected at least 1, found 0"),
        ("em_denoise", "--seed=-1", "--seed: expected at least 0, found -1"),
        ("em_denoise", "--lowest-dose=nan", "expected 0 < lowest ≤ highest ≤ 1e+12, found nan and 1e+06"),
        ("em_denoise", "--highest-dose=9000", "found 10000 and 9000"),
        ("em_denoise", "--highest-dose=inf", "found 10000 and inf"),
        ("em_denoise", "--jobs=0", "--jobs: expected at least 1, found 0"),
        ("dms_classifier", "--test-patterns=1", "--test-patterns: expected at least 2, found 1"),
        ("dms_classifier", "--phases=4", "--phases: expected 2 to 3, found 4"),
        ("dms_classifier", "--most-domains=7", "--most-domains: expected 1 to 6, found 7"),
        ("dms_classifier", "--tetragonal-share=1", "expected more than 0 and less than 1, found 1.0"),
        ("dms_classifier", "--spread=-1", "--spread: expected 0 to 1000, found -1.0"),
        ("dms_classifier", "--spread=nan", "--spread: expected 0 to 1000, found nan"),
        ("dms_classifier", "--generation=B", "invalid choice: 'B'"),
    ],
)
def test_impossible_options_are_refused(call, name: str, option: str, message: str, tmp_path: Path) -> None:
    done = call(f"{name}.simulate", "--out", tmp_path / "out", "--dataset-id=x", option)
    assert done.code == 2
    assert message in done.error
    assert not (tmp_path / "out").exists()
