"""Packages are built whole, from runs that are what they say, with the same bytes each time, and never over another."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from checking import check
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from parcels import (
    CODE,
    DESCRIPTION,
    MANIFEST,
    ORG,
    RESULTS,
    RULES,
    RUNS,
    SIGNATURE,
    SLOW,
    SYSTEM,
    make_code,
    make_run,
    make_runs,
    read_folder,
    request_for,
)

from compliance.package import minisign
from compliance.package.build import BuildError, NotCompliantError, build
from compliance.package.cli import main

MINISIGN = shutil.which("minisign")
needs_minisign = pytest.mark.skipif(MINISIGN is None, reason="minisign is not installed: apt-get install minisign")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run directories, with power logs."""
    return make_runs(tmp_path_factory.mktemp("valid") / "runs", power=True)


def key_file(folder: Path) -> Path:
    """Write a secret key of minisign that has no password."""
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    secret = private.private_bytes_raw() + private.public_key().public_bytes_raw()
    return write_key(folder, b"\0\0" + b"B2" + bytes(48) + b"keynumb1" + secret + bytes(32))


def write_key(folder: Path, body: bytes) -> Path:
    """Write a secret key file."""
    import base64

    path = folder / "secret.key"
    text = base64.b64encode(b"Ed" + body).decode()
    path.write_text(f"untrusted comment: minisign encrypted secret key\n{text}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["package", "package.tar", "package.zip"])
def test_what_is_built_is_compliant_and_holds_the_runs_as_they_are(runs: Path, tmp_path: Path, name: str) -> None:
    built = build(request_for(runs, tmp_path / name), RULES)
    answer = check(tmp_path / name)
    assert (answer.code, answer.lines) == (0, [])
    assert built.runs == RUNS
    assert f"of {RUNS} logs" in answer.out
    assert [path.name for path in tmp_path.iterdir()] == [name], "nothing is left beside it"


def test_the_layout_is_that_of_mlperf(runs: Path, tmp_path: Path) -> None:
    build(request_for(runs, tmp_path / "package"), RULES)
    files = read_folder(tmp_path / "package")
    for number, run in enumerate(sorted(runs.iterdir())):
        assert files[f"{RESULTS}/result_{number}.txt"] == (run / "result_0.txt").read_bytes()
        assert files[f"{RESULTS}/power/result_{number}/node_0.txt"] == (run / "power/result_0/node_0.txt").read_bytes()
    assert json.loads(files[DESCRIPTION])["status"] == "Available on-premise"
    assert files[f"{CODE}/train.py"] == b"print('training')\n"
    script = files[f"{CODE}/run_and_time.sh"].decode()
    assert "--batch-size 64" in script
    assert "--no-deterministic" in script
    scripts = [tmp_path / "package" / name for name in files if name.endswith(".sh")]
    assert len(scripts) == 3
    assert subprocess.run(["shellcheck", *scripts]).returncode == 0
    assert os.access(tmp_path / "package" / CODE / "run_and_time.sh", os.X_OK)
    settings = json.loads(files[f"{ORG}/benchmarks/slstr_cloud/{SYSTEM}/{SYSTEM}_pt.json"])
    assert settings["seeds"] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("name", ["package.tar", "package.zip"])
def test_the_same_runs_make_the_same_bytes(runs: Path, tmp_path: Path, name: str) -> None:
    contents = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        for path in runs.rglob("*"):
            os.utime(path, (number * 1e9, number * 1e9))
        build(request_for(runs, folder / name, sign=key_file(tmp_path)), RULES)
        contents.append((folder / name).read_bytes())
    assert contents[0] == contents[1]


def test_sha256sum_accepts_the_manifest(runs: Path, tmp_path: Path) -> None:
    build(request_for(runs, tmp_path / "package"), RULES)
    command = ["sha256sum", "--check", "--strict", "--quiet", "MANIFEST.sha256"]
    assert subprocess.run(command, cwd=tmp_path / "package" / ORG).returncode == 0
    (tmp_path / "package" / CODE / "train.py").write_text("print('faster')\n", encoding="utf-8")
    assert subprocess.run(command, cwd=tmp_path / "package" / ORG, stdout=subprocess.DEVNULL).returncode == 1


@pytest.mark.parametrize("name", ["package", "package.tar", "package.zip"])
def test_what_is_there_is_never_replaced(runs: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(FileExistsError):
        build(request_for(runs, tmp_path / name), RULES)
    (tmp_path / name).rmdir()
    (tmp_path / name).symlink_to("nowhere")
    with pytest.raises(FileExistsError):
        build(request_for(runs, tmp_path / name), RULES)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_package_that_cannot_be_written_leaves_nothing(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from compliance.package import write

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(write.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        build(request_for(runs, tmp_path / "package.tar"), RULES)
    assert list(tmp_path.iterdir()) == []


def test_runs_of_different_kinds_are_refused_by_name(tmp_path: Path) -> None:
    runs = make_runs(tmp_path / "runs")
    first = sorted(runs.iterdir())[1]
    document = json.loads((first / "system.json").read_text(encoding="utf-8"))
    document["mlperf"]["host_processor_model_name"]["value"] = "another one"
    (first / "system.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(
        BuildError, match=r"0002: system.json host_processor_model_name: expected .*found 'another one'"
    ):
        build(request_for(runs, tmp_path / "package"), RULES)
    (first / "system.json").unlink()
    with pytest.raises(BuildError, match=r"0002: expected system.json, found none"):
        build(request_for(runs, tmp_path / "package"), RULES)
    (first / "system.json").write_text('{"mlperf": {}}', encoding="utf-8")
    with pytest.raises(BuildError, match=r"0002: system.json \$\.captured_ms: expected"):
        build(request_for(runs, tmp_path / "package"), RULES)


def test_runs_that_are_not_compliant_are_refused_with_their_findings(tmp_path: Path) -> None:
    runs = make_runs(tmp_path / "runs")
    log = sorted(runs.iterdir())[2] / "result_0.txt"
    log.write_bytes(log.read_bytes().replace(b"0.9037", b"0.9137"))
    with pytest.raises(NotCompliantError) as refused:
        build(request_for(runs, tmp_path / "package"), RULES)
    found = [finding.rule for judged in refused.value.judgements for finding in judged.findings]
    assert found == ["sciml-chain-001"]


@pytest.mark.parametrize(("count", "twice", "rule"), [(4, False, "sciml-package-009"), (5, True, "sciml-package-012")])
def test_a_set_that_is_none_is_refused(tmp_path: Path, count: int, twice: bool, rule: str) -> None:
    runs = make_runs(tmp_path / "runs", count)
    if twice:
        shutil.rmtree(sorted(runs.iterdir())[4])
        shutil.copytree(sorted(runs.iterdir())[0], runs / "copy")
    with pytest.raises(NotCompliantError) as refused:
        build(request_for(runs, tmp_path / "package"), RULES)
    assert rule in {finding.rule for judged in refused.value.judgements for finding in judged.findings}
    assert not (tmp_path / "package").exists()


def test_power_is_packaged_for_all_runs_or_left_out(tmp_path: Path) -> None:
    runs = make_runs(tmp_path / "runs", power=True)
    shutil.rmtree(sorted(runs.iterdir())[2] / "power")
    with pytest.raises(NotCompliantError) as refused:
        build(request_for(runs, tmp_path / "package"), RULES)
    assert {f.rule for judged in refused.value.judgements for f in judged.findings} == {"sciml-package-025"}
    build(request_for(runs, tmp_path / "package", power=False), RULES)
    assert not [name for name in read_folder(tmp_path / "package") if "power" in name]


def test_one_run_may_miss_the_target(tmp_path: Path) -> None:
    runs = make_runs(tmp_path / "runs", 4)
    make_run(runs, replace(SLOW, seed=5), aborted=True)
    built = build(request_for(runs, tmp_path / "package"), RULES)
    assert "sciml-package-014" in {finding.rule for judged in built.judgements for finding in judged.findings}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"org": "Another Observatory"}, "--org: expected"),
        ({"org": "Another"}, "--org: expected Example_Observatory, found Another"),
        ({"system": "../x"}, "--system: expected letters"),
        ({"code": {}, "commit": "1" * 40}, "code_commit: expected 1111"),
        (
            {"code": {}, "commit": "52a9400c1f1e7b0d6a3c9b8e2f4d5a6b7c8d9e0f-dirty"},
            "code_commit: expected 52a9.*-dirty",
        ),
    ],
)
def test_what_does_not_fit_the_runs_is_refused(runs: Path, tmp_path: Path, more: dict[str, Any], words: str) -> None:
    with pytest.raises(BuildError, match=words):
        build(request_for(runs, tmp_path / "package", **more), RULES)


def test_a_checkout_of_the_suite_may_be_named_as_the_code(runs: Path, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    (checkout / "reference" / "slstr_cloud").mkdir(parents=True)
    (checkout / "tests").mkdir()
    (checkout / "tests" / "test_it.py").write_text("assert True\n", encoding="utf-8")
    entry = '{"implementations": {"pt": {}}}'
    (checkout / "reference" / "slstr_cloud" / "benchmark.json").write_text(entry, encoding="utf-8")
    (checkout / "Makefile").write_text("setup:\n", encoding="utf-8")
    build(request_for(runs, tmp_path / "package", code={"pt": checkout}, commit="1" * 40), RULES)
    files = read_folder(tmp_path / "package")
    assert files[f"{CODE}/code/reference/slstr_cloud/benchmark.json"] == entry.encode()
    assert f"{CODE}/code/tests/test_it.py" not in files


def test_the_code_of_the_suite_is_packaged_at_the_commit_of_the_runs(runs: Path, tmp_path: Path) -> None:
    commit = "52a9400c1f1e7b0d6a3c9b8e2f4d5a6b7c8d9e0f"
    build(request_for(runs, tmp_path / "package.tar", code={}, commit=commit), RULES)
    answer = check(tmp_path / "package.tar", "--format", "json")
    assert answer.document["compliant"]
    folder = tmp_path / "out"
    build(request_for(runs, folder, code={}, commit=commit), RULES)
    files = read_folder(folder)
    assert files[f"{CODE}/code/reference/slstr_cloud/pt/train.py"]
    assert not [name for name in files if "__pycache__" in name or "/tests/" in name]
    assert b"make setup" in files[f"{CODE}/setup.sh"]
    assert subprocess.run(["shellcheck", *(folder / CODE).glob("*.sh")]).returncode == 0
    assert os.access(folder / CODE / "code" / "tools" / "setup", os.X_OK), "or make setup cannot start it"
    assert not os.access(folder / CODE / "code" / "Makefile", os.X_OK)


def test_the_command_line_says_what_it_built_and_what_it_refuses(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = make_code(tmp_path / "code")
    arguments = [str(runs), "--out", str(tmp_path / "one.tar"), "--code", f"pt={code}", "--system", SYSTEM]
    assert main(arguments) == 0
    assert f"{RUNS} runs, manifest " in capsys.readouterr().out
    assert main(arguments) == 2
    assert "one.tar: exists already — choose another name" in capsys.readouterr().err
    assert main([str(sorted(runs.iterdir())[0]), "--out", str(tmp_path / "two"), "--code", str(code)]) == 1
    captured = capsys.readouterr()
    assert "sciml-package-009" in captured.out
    assert "nothing was written" in captured.err
    assert main([str(tmp_path / "nothing")]) == 2
    assert main([str(code / "train.py"), "--code", str(code), "--out", str(tmp_path / "two")]) == 2
    assert "expected a run directory" in capsys.readouterr().err
    described = tmp_path / "described.json"
    described.write_text('{"colling": "water"}', encoding="utf-8")
    assert main([*arguments[:2], str(tmp_path / "two"), *arguments[3:], "--describe", str(described)]) == 2
    assert "$.colling: expected a text for one of submitter" in capsys.readouterr().err
    described.write_text('{"cooling": "water"}', encoding="utf-8")
    assert main([*arguments[:2], str(tmp_path / "two"), *arguments[3:], "--describe", str(described)]) == 0
    assert json.loads((tmp_path / "two" / DESCRIPTION).read_text(encoding="utf-8"))["cooling"] == "water"


@needs_minisign
@pytest.mark.parametrize("password", ["", pytest.param("correct horse", marks=pytest.mark.slow)])
def test_minisign_verifies_what_we_sign_with_its_key(runs: Path, tmp_path: Path, password: str) -> None:
    command = [MINISIGN, "-G", "-p", "key.pub", "-s", "key.sec", *(() if password else ("-W",))]
    subprocess.run(command, cwd=tmp_path, input=f"{password}\n{password}\n", text=True, check=True, capture_output=True)
    if password:
        with pytest.raises(minisign.SignatureError, match="found another one"):
            minisign.read_secret_key(tmp_path / "key.sec", lambda: "wrong")
    request = request_for(runs, tmp_path / "package", sign=tmp_path / "key.sec", password=lambda: password)
    build(request, RULES)
    verify = [MINISIGN, "-V", "-p", str(tmp_path / "key.pub"), "-m", str(tmp_path / "package" / MANIFEST)]
    assert subprocess.run(verify, capture_output=True).returncode == 0
    assert check(tmp_path / "package", "--public-key", tmp_path / "key.pub").code == 0
    text = (tmp_path / "package" / MANIFEST).read_text(encoding="utf-8")
    (tmp_path / "package" / MANIFEST).write_text(text.replace("train.py", "train.PY"), encoding="utf-8")
    assert subprocess.run(verify, capture_output=True).returncode == 1
    assert "sciml-package-028" in check(tmp_path / "package", "--public-key", tmp_path / "key.pub").out


@needs_minisign
def test_we_verify_what_minisign_signs(runs: Path, tmp_path: Path) -> None:
    command = [MINISIGN, "-G", "-W", "-p", "key.pub", "-s", "key.sec"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    build(request_for(runs, tmp_path / "package"), RULES)
    sign = [
        MINISIGN,
        "-S",
        "-s",
        str(tmp_path / "key.sec"),
        "-m",
        str(tmp_path / "package" / MANIFEST),
        "-t",
        "by hand",
    ]
    subprocess.run(sign, check=True, capture_output=True)
    line = (tmp_path / "key.pub").read_text(encoding="utf-8").splitlines()[1]
    assert (tmp_path / "package" / SIGNATURE).is_file()
    assert check(tmp_path / "package", "--public-key", line).code == 0
    assert check(tmp_path / "package", "--public-key", minisign.PublicKey(b"12345678", bytes(32)).text).code == 1


@pytest.mark.parametrize("text", ["", "RWQ", "nonsense\nnonsense\n", "a\n" + "QUJD" * 40 + "\n"])
def test_what_is_no_key_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(minisign.SignatureError, match="expected a"):
        minisign.read_secret_key(path, lambda: "")
    with pytest.raises(minisign.SignatureError, match="expected a"):
        minisign.read_public_key(str(path))
    answer = check(tmp_path, "--public-key", str(path))
    assert (answer.code, answer.err.count("\n")) == (2, 1)
