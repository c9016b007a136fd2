"""Where values come from, and that every fault is reported before anything starts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness import environment, registry, runconfig, rundir
from harness.config import Request, resolve
from harness.errors import ConfigError
from harness.settings import SETTINGS

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = sorted((ROOT / "examples").glob("*.yml"))


def ask(given=None, hyperparameters=None, file=None):
    return Request(
        benchmark="slstr_cloud", given={"ranks": 1, **(given or {})}, hyperparameters=hyperparameters or {}, file=file
    )


def write(tmp_path, text):
    path = tmp_path / "config.yml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(request) -> str:
    with pytest.raises(ConfigError) as found:
        resolve(request)
    return str(found.value)


def test_command_line_over_file_over_scale_over_default(tmp_path):
    file = write(tmp_path, "scale: tiny\nhyperparameters:\n  batch_size: 6\n  warmup_steps: 3\nepochs: 5\n")
    resolved = resolve(ask({"epochs": 2}, {"batch_size": 7}, file))
    assert resolved.scale == "tiny"
    assert resolved.max_epochs == 2
    assert resolved.hyperparameters["batch_size"] == 7
    assert resolved.hyperparameters["warmup_steps"] == 3
    declared = registry.load("slstr_cloud")
    of_tiny = declared.scales["tiny"].hyperparameters["batch_size"]
    of_all = declared.hyperparameters["batch_size"]["default"]
    assert of_tiny != of_all
    assert resolve(ask({"scale": "tiny"})).hyperparameters["batch_size"] == of_tiny
    assert resolve(ask({"scale": "full"})).hyperparameters["batch_size"] == of_all
    assert resolve(ask()).scale == "small"


def test_every_fault_of_a_file_is_reported_in_the_order_of_its_lines(tmp_path):
    file = write(
        tmp_path,
        "scale: huge\nhyperparameters:\n  batch_size: 0\n  learning_rate: fast\n  chanels: all\nrank: 2\nseed: '7'\n",
    )
    assert refusal(ask(file=file)).splitlines() == [
        "config.yml:1: $.scale: expected one of tiny, small, full, found the text 'huge' — known: full, small, tiny",
        "config.yml:3: $.hyperparameters.batch_size: expected at least 1, found 0 — change it",
        "config.yml:4: $.hyperparameters.learning_rate: expected a number, found the text 'fast' — "
        "write it without quotes, as a number",
        "config.yml:5: $.hyperparameters.chanels: expected a known name, found chanels — did you mean channels?",
        "config.yml:6: $.rank: expected a known name, found rank — did you mean ranks?",
        "config.yml:7: $.seed: expected a whole number, found the text '7' — write it without quotes, as a number",
    ]


def test_a_file_of_another_benchmark_is_refused(tmp_path):
    file = write(tmp_path, "benchmark: em_denoise\n")
    assert "config.yml:1: $.benchmark: expected slstr_cloud, found em_denoise" in refusal(ask(file=file))
    assert resolve(ask(file=write(tmp_path, "benchmark: slstr-cloud\n"))).benchmark.name == "slstr_cloud"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_accepted_and_states_the_defaults(path):
    with_file = resolve(Request(benchmark=path.stem, given={"ranks": 1, "seed": 1}, hyperparameters={}, file=path))
    without = resolve(Request(benchmark=path.stem, given={"ranks": 1, "seed": 1}, hyperparameters={}))
    assert with_file == without


def test_examples_name_every_setting():
    assert EXAMPLES
    for path in EXAMPLES:
        text = path.read_text(encoding="utf-8")
        assert [s.name for s in SETTINGS if f"\n{s.name}:" not in text and f"\n# {s.name}:" not in text] == []
        assert [name for name in registry.load(path.stem).hyperparameters if f"\n  {name}: " not in text] == []


def test_cross_field_faults_are_reported_together(tmp_path):
    text = refusal(
        ask({"ranks": 3, "launcher": "local", "implementation": "jax", "target": 0.1, "resume": str(tmp_path / "no")})
    )
    assert "--launcher local: expected one rank on this machine, found 3" in text
    assert "--implementation: expected one of pt, tf or a PATH.json, found jax" in text
    floor = registry.load("slstr_cloud").scales["small"].target
    assert (
        f"--target: expected {floor} in the closed division, found 0.1 — leave it out, or add --division open" in text
    )
    assert "no: expected a run directory or a checkpoint file, found nothing" in text


def test_a_target_of_ones_own_in_the_open_division():
    assert resolve(ask({"target": 0.5, "division": "open"})).target == 0.5


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"hosts": "a:2,b:2", "ranks": 5}, "--np: expected at most the 4 slots of the hosts, found 5"),
        ({"hosts": "a:2", "hostfile": "x"}, "--hosts and --hostfile: expected one of them, found both"),
        ({"hosts": "a:0"}, "--hosts: expected NAME or NAME:RANKS, found 'a:0'"),
        ({"hosts": "-x"}, "--hosts: expected NAME or NAME:RANKS, found '-x'"),
        ({"hosts": "a;reboot"}, "found 'a;reboot'"),
        ({"hosts": "a,a"}, "--hosts: expected each host once, found a twice"),
        ({"scale": "big"}, "--scale: expected one of tiny, small, full"),
    ],
)
def test_options_that_are_refused(given, message):
    assert message in refusal(ask(given))


def test_hosts_decide_ranks_and_threads(monkeypatch):
    monkeypatch.setattr(environment, "usable_cores", lambda: 8)
    resolved = resolve(Request(benchmark="slstr_cloud", given={"hosts": "a:2,b:4"}, hyperparameters={}))
    assert resolved.ranks == 6
    assert resolved.threads == 2


def test_seeds_are_drawn_anew():
    assert resolve(ask()).seed != resolve(ask()).seed


def test_whole_numbers_are_handed_on_as_such(tmp_path):
    file = write(tmp_path, "hyperparameters: {batch_size: 8.0, learning_rate: 1}\n")
    values = resolve(ask(file=file)).hyperparameters
    assert [type(values[name]) for name in ("batch_size", "learning_rate")] == [int, float]


def test_an_unknown_benchmark_names_the_nearest():
    with pytest.raises(ConfigError, match=r"slstr_clod: .* did you mean slstr_cloud\?"):
        resolve(Request(benchmark="slstr_clod", given={}, hyperparameters={}))


def test_where_the_data_are_staged(tmp_path):
    assert resolve(ask()).stage is None
    assert resolve(ask({"stage": "memory"})).stage == Path("/dev/shm")
    assert resolve(ask({"stage": str(tmp_path), "stage_compress": "bitshuffle-lz4"})).stage == tmp_path
    for name, value in (("stage_as", "samples"), ("stage_compress", "bitshuffle-lz4")):
        expected = f"--{name.replace('_', '-')}: expected --stage beside it, found none — say where the copy goes"
        assert refusal(ask({name: value})) == expected


def test_run_json_names_a_folder_of_its_own_for_the_copy(tmp_path):
    configuration = resolve(ask({"stage": str(tmp_path)}))
    directory = rundir.plan(tmp_path, "slstr_cloud", "pt")
    document = runconfig.training(configuration, directory, None)
    folder = tmp_path / f"sciml-bench-staged-{directory.run_id}"
    assert document["data"]["staging"] == {"directory": str(folder), "compress": "none", "form": "files"}
    assert "staging" not in runconfig.training(resolve(ask()), directory, None)["data"]


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (
            'seed: 1\ndata_dir: "a\\0b"\n',
            "config.yml:2: $.data_dir: expected UTF-8 text without a NUL, found 'a\\x00b'",
        ),
        ('org: "\\ud800"\n', "config.yml:1: $.org: expected UTF-8 text without a NUL, found '\\ud800'"),
    ],
)
def test_a_text_that_no_file_can_hold_is_refused_in_a_file(tmp_path, content, place):
    assert refusal(ask(file=write(tmp_path, content))).startswith(place)


def test_bytes_of_another_encoding_are_refused_on_the_command_line_and_in_the_name_of_the_folder(tmp_path, monkeypatch):
    given = os.fsdecode(b"M\xfcller")
    assert refusal(ask({"org": given})).startswith("--org: expected UTF-8 text without a NUL, found 'M\\udcfcller'")
    folder = tmp_path / given
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("SCIML_BENCH_OUTPUT", raising=False)
    assert "--output-dir: expected a path in UTF-8, found" in refusal(ask())
