"""The command line: what it shows, what it refuses, and what it does not import."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness import registry
from harness.cli import VERBS
from harness.settings import SETTINGS

ROOT = Path(__file__).resolve().parents[3]
HEAVY = {
    "numpy",
    "h5py",
    "jsonschema",
    "yaml",
    "psutil",
    "jinja2",
    "tensorflow",
    "torch",
    "horovod",
    "mpi4py",
    "pynvml",
}
FRAMEWORKS = {"tensorflow", "keras", "torch", "horovod", "mpi4py", "numpy", "h5py", "pynvml"}


def modules_after(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter has imported after some code."""
    program = f"import sys\n{code}\nprint('\\n' + ' '.join({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_help_imports_nothing_heavy():
    assert not modules_after("from harness.cli import main; assert main(['--help']) == 0") & HEAVY


def test_the_harness_imports_no_framework():
    every = sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "harness").rglob("*.py")
        if path.name not in ("__init__.py", "__main__.py")
    )
    assert len(every) > 30
    imports = "\n".join(f"import {name}" for name in every)
    assert not modules_after(imports) & FRAMEWORKS


def test_help_names_every_verb_and_benchmark(bench):
    shown = bench.run("--help")
    assert shown.code == 0
    for name in (*VERBS, *registry.names()):
        assert f"│ {name} " in shown.stdout


@pytest.mark.parametrize("words", [("slstr_cloud",), ("slstr-cloud",), ("run", "slstr-cloud")])
def test_help_of_a_benchmark_shows_every_hyperparameter_and_setting(bench, words):
    bench.environment["COLUMNS"] = "200"
    shown = bench.run(*words, "--help")
    assert shown.code == 0
    text = " ".join(shown.stdout.replace("│", " ").split())
    benchmark = registry.load("slstr_cloud")
    for name, schema in benchmark.hyperparameters.items():
        assert f"--{name.replace('_', '-')} " in shown.stdout
        assert f"{schema['description']} [default: {schema['default']}]" in text
    for setting in SETTINGS:
        assert setting.flag in shown.stdout


def dry_run(bench, *words) -> tuple[str, dict]:
    shown = bench.run(*words, "--dry-run", "--data-dir", bench.data)
    assert shown.code == 0, shown.stderr
    command, _, document = shown.stdout.partition("\n\n")
    assert not list(bench.output.iterdir()), "a dry run leaves nothing"
    return command, json.loads(document)


def test_a_dry_run_shows_the_command_and_run_json(bench):
    command, document = dry_run(
        bench, "slstr-cloud", "-i", "tf", "--np", "1", "--batch-size", "6", "--learning-rate", "1e-2",
        "--deterministic", "--max-epochs", "3",
    )  # fmt: skip
    assert "harness.rank" in command
    assert "-m reference.slstr_cloud.tf --run-config" in command
    assert "TF_DETERMINISTIC_OPS=1" in command
    assert document["hyperparameters"]["batch_size"] == 6
    assert document["hyperparameters"]["learning_rate"] == 0.01
    assert document["limits"]["max_epochs"] == 3
    assert document["deterministic"] is True
    assert document["data"]["manifest_sha256"] is None


@pytest.mark.parametrize("words", [("run",), ("run", "all")])
def test_every_benchmark_runs_where_none_or_all_is_named(bench, words):
    shown = bench.run(*words, "--np", "1", "--dry-run", "--data-dir", bench.data)
    assert shown.code == 0, shown.stderr
    assert re.findall(r'^  "benchmark": "(.*)"', shown.stdout, re.MULTILINE) == registry.names()


def test_run_json_keeps_to_its_schema(bench):
    from harness.documents import faults, read_json

    schema = read_json(ROOT / "logging_spec" / "schemas" / "run_config.schema.json")
    _, document = dry_run(bench, "slstr_cloud", "--np", "1")
    assert faults(document, schema) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("slstr_clowd",), "slstr_clowd: expected a verb or a benchmark, found neither — did you mean slstr_cloud?"),
        (("run", "slstr_clowd"), "slstr_clowd: expected a benchmark, found no such name — did you mean slstr_cloud?"),
        (("slstr_cloud", "--batch-size", "0"), "'--batch-size': 0 is not in the range x>=1"),
        (("slstr_cloud", "--channels", "none"), "'--channels': 'none' is not one of 'all', 'thermal'"),
        (("slstr_cloud", "--config", "absent.yml"), "absent.yml: No such file or directory"),
        (("describe", "slstr"), "did you mean slstr_cloud?"),
    ],
)
def test_what_is_refused(bench, words, message):
    refused = bench.run(*words)
    assert refused.code == 2
    assert message in refused.stderr
    assert "Traceback" not in refused.stderr


def test_list_and_describe(bench):
    bench.environment["COLUMNS"] = "200"
    assert "slstr_cloud" in bench.run("list").stdout
    described = bench.run("describe", "slstr-cloud").stdout
    for word in ("accuracy", "batch_size", "small", "PyTorch over Horovod", "arXiv:1505.04597"):
        assert word in described


def test_check_passes_the_checkers_exit_code_on(bench, tmp_path):
    (tmp_path / "log.txt").write_text("nothing\n")
    assert bench.run("check", tmp_path / "log.txt").code == 1
    assert bench.run("check", tmp_path / "absent").code == 2
    assert bench.run("check", "--format", "json", "--", tmp_path / "log.txt").code == 1
    assert "-no-such-log: expected a log" in bench.run("check", "--", "-no-such-log").stderr


@pytest.mark.parametrize("words", [("FOLDER",), ("slstr_cloud", "FOLDER"), ("slstr-cloud", "--data-dir", "FOLDER")])
def test_data_verify_takes_a_folder_with_its_name_and_without(bench, words):
    done = bench.run("data", "verify", *(str(bench.data) if word == "FOLDER" else word for word in words), "--quick")
    assert done.code == 3
    assert f"{bench.data}: 1 fault" in done.stderr


@pytest.mark.parametrize("verb", ["verify", "croissant"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", "$.dataset: expected the name of a data set, found none"),
        ('{"dataset": "clouds"}', "expected a benchmark"),
        ("{", "manifest.json: "),
        (None, ": expected manifest.json in it, which tells the set, found none — name "),
    ],
)
def test_a_folder_that_names_no_data_set_is_refused(bench, tmp_path, verb, text, expected):
    if text is not None:
        (tmp_path / "manifest.json").write_text(text)
    done = bench.run("data", verb, tmp_path)
    assert (done.code, done.stdout) == (2, "")
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
