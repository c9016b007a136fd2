"""Reading run.json: what is right is taken over, what is wrong is refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reference.runtime import runconfig
from reference.runtime.errors import Refused
from reference.slstr_cloud.facts import BENCHMARK_FILE

REFUSALS = json.loads((Path(__file__).parent / "cases" / "run_config_refusals.json").read_text(encoding="utf-8"))


def test_every_value_arrives(write_run, tmp_path) -> None:
    run = runconfig.from_arguments(["--run-config", str(write_run({"data.inputs": ["/a", "/b"], "seed": 2**63 - 1}))])
    assert run.seed == 2**63 - 1
    assert run.data.directory == tmp_path / "data"
    assert run.data.inputs == (Path("/a"), Path("/b"))
    assert run.output.checkpoints == tmp_path / "checkpoints"
    assert run.checkpoint.keep == 2
    assert run.resume_from is None
    assert run.hyperparameters["learning_rate_scaling"] == "none"


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: case["case"])
def test_refusal_names_the_field(case, write_run) -> None:
    with pytest.raises(Refused) as refusal:
        runconfig.check_hyperparameters(runconfig.load(write_run(case["set"])), BENCHMARK_FILE)
    assert str(refusal.value).startswith(case["message"])


@pytest.mark.parametrize("text", ['{"seed": 1, "seed": 2}', '{"seed": NaN}', "[]", "{", "\ufeff{}"])
def test_only_strict_json_is_read(text, tmp_path) -> None:
    path = tmp_path / "run.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Refused, match=r"run\.json: expected"):
        runconfig.load(path)


@pytest.mark.parametrize("arguments", [[], ["run.json"], ["--run-config"], ["--run-config", "a", "--seed"]])
def test_arguments_are_exactly_one_path(arguments) -> None:
    with pytest.raises(Refused, match="expected --run-config PATH"):
        runconfig.from_arguments(arguments)


def test_target_direction(write_run) -> None:
    target = runconfig.load(write_run({})).target
    assert target.reached(0.9)
    assert not target.reached(0.8999)
    smaller = runconfig.load(write_run({"target.direction": "min"})).target
    assert smaller.reached(0.9)
    assert not smaller.reached(0.9001)
