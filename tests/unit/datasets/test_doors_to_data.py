"""The verbs of the command line that lead into this room."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from spoiling import flip

from harness.cli import main


def test_the_suites_own_command_means_rsync_over_ssh_for_every_set(capfd, tmp_path: Path) -> None:
    assert main(["download", "all", str(tmp_path), "--user", "alice", "--print"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("rsync -a --partial ") and " alice@scarf.rl.ac.uk:" in line for line in lines)


def test_a_benchmark_may_be_named_with_hyphens_and_every_option_comes_through(capfd, tmp_path: Path) -> None:
    words = ["--source", "s3", "--mirror", "osn", "--mirror", "http://x", "--jobs", "2", "--print"]
    assert main(["download", "em-denoise,slstr-cloud", str(tmp_path), *words]) == 0
    out = capfd.readouterr().out
    assert out.count("--endpoint-url https://sdsc.osn.xsede.org") == out.count("--endpoint-url http://x") == 2
    assert str(tmp_path / "em_denoise") in out
    assert str(tmp_path / "slstr_cloud") in out


def test_the_exit_code_and_the_words_of_the_download_come_through(capfd, tmp_path: Path) -> None:
    assert main(["download", "em_denoise", str(tmp_path), "--verify-only"]) == 3
    assert "expected what a download noted, found nothing" in capfd.readouterr().err


@pytest.fixture
def copy(em_set: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(em_set, tmp_path / "copy"))


def test_a_flipped_byte_of_the_same_size_and_time_is_found(capfd, copy: Path) -> None:
    where = ["--data-dir", str(copy)]
    assert main(["data", "verify", "em_denoise", *where]) == 0
    path = copy / "train" / "graphene_img_noise.h5"
    before = path.stat()
    flip(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert main(["data", "verify", "em_denoise", *where, "--quick"]) == 0
    assert main(["data", "verify", "em_denoise", *where]) == 3
    assert f"{path}: expected the SHA-256 of the manifest, found another" in capfd.readouterr().err


def test_croissant_is_written_beside_the_manifest_or_where_asked(capfd, copy: Path, tmp_path: Path) -> None:
    where = ["--data-dir", str(copy)]
    assert main(["data", "croissant", "em_denoise", *where]) == 0
    assert main(["data", "croissant", "em_denoise", *where, "--out", str(tmp_path / "c.json")]) == 0
    assert (copy / "croissant.json").read_bytes() == (tmp_path / "c.json").read_bytes()
    assert json.loads((tmp_path / "c.json").read_text())["name"] == "em"


@pytest.mark.parametrize("word", ["--help", "-h"])
def test_help_of_convert_is_that_of_the_sets_that_have_products(capfd, word: str) -> None:
    assert main(["data", "convert", word]) == 0
    out = capfd.readouterr().out
    assert out.startswith("usage: sciml-bench data convert slstr_cloud ")
    assert "--calibrate" in out


@pytest.mark.parametrize(
    ("words", "found"), [([], "no name"), (["--out", "d"], "--out"), (["em-denoise"], "em-denoise"), (["x"], "x")]
)
def test_convert_names_the_sets_that_have_products_and_what_was_said(capfd, words: list[str], found: str) -> None:
    assert main(["data", "convert", *words]) == 2
    assert f"data convert: expected slstr_cloud, found {found} — " in capfd.readouterr().err


@pytest.mark.parametrize("verb", ["verify", "croissant"])
def test_what_is_neither_a_benchmark_nor_a_folder_is_refused_as_that(capfd, tmp_path: Path, verb: str) -> None:
    absent = tmp_path / "absent"
    assert main(["data", verb, str(absent)]) == 2
    assert f"{absent}: expected a benchmark or a folder, found neither — known: " in capfd.readouterr().err
    assert main(["data", verb, "em-denoize"]) == 2
    assert "em-denoize: expected a benchmark or a folder, found neither — did you mean em_denoise?" in (
        capfd.readouterr().err
    )
