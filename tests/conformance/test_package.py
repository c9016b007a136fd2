"""From runs to a package that is judged: the command line as its user meets it, with the stand-in."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from whole_runs import FAKES, Bench

RUNS = 5


@pytest.mark.slow
@pytest.mark.mpi
def test_runs_of_a_stand_in_become_a_package_and_one_changed_byte_is_found(bench: Bench, tmp_path: Path) -> None:
    for seed in range(1, RUNS + 1):
        assert bench.run_fake("ok", "--np", "1", "--seed", str(seed), "--org", "Example Observatory").code == 0
    package = tmp_path / "mine.tar"
    built = bench.run("package", bench.output, "--code", FAKES, "--system", "one", "--out", package)
    assert built.code == 0, built.stdout + built.stderr
    assert f"{RUNS} runs, manifest " in built.stdout
    assert bench.run("check", package).code == 0
    again = tmp_path / "again.tar"
    assert bench.run("package", bench.output, "--code", FAKES, "--system", "one", "--out", again).code == 0
    assert again.read_bytes() == package.read_bytes()
    changed = with_a_changed_byte(package, "Example_Observatory/results/one/slstr_cloud/result_2.txt")
    judged = bench.run("check", changed)
    assert judged.code == 1
    assert "result_2.txt:1: sciml-package-027 " in judged.stdout
    assert "sciml-chain-00" in judged.stdout


def with_a_changed_byte(package: Path, name: str) -> Path:
    """Copy a package, and make the training of one run a little better."""
    changed = package.with_name("changed.tar")
    with tarfile.open(package) as old, tarfile.open(changed, "w") as new:
        for info in old:
            content = old.extractfile(info).read()
            if info.name == name:
                assert content.count(b'"loss": ') > 1
                content = content.replace(b'"loss": 0.0', b'"loss": 0.1', 1)
            new.addfile(info, io.BytesIO(content))
    return changed
