"""Every benchmark, model and implementation trains at scale tiny, and the checker faults nothing but the target.

The defaults of a benchmark train to their target and are compliant; other models do one epoch, which shows that they
keep the protocol, count their parameters as benchmark.json does, and learn from numbers that are finite.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest

from harness import registry
from harness.registry import Benchmark

pytestmark = pytest.mark.slow
TO_THE_TARGET_S = 560.0


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell of the matrix."""

    benchmark: Benchmark
    """The benchmark."""

    model: str | None
    """Name of the model; None where the benchmark has one only."""

    implementation: str
    """Name of the implementation."""

    @property
    def default_model(self) -> bool:
        """Whether the model is what a user gets who asks for none."""
        return self.model is None or self.model == self.benchmark.hyperparameters["model"]["default"]

    @property
    def default(self) -> bool:
        """Whether the implementation is so, too."""
        return self.default_model and self.implementation == next(iter(self.benchmark.implementations))

    def command(self, data, *options) -> list[object]:
        """Command line of a run; it has a seed, so that a cell that fails can be repeated."""
        model = ["--model", self.model] if self.model else []
        words = [self.benchmark.name, *model, "-i", self.implementation, "--scale", "tiny", "--seed", "11"]
        return [*words, "--data-dir", data, *options]


def cells() -> list[Cell]:
    """The matrix."""
    return [
        Cell(benchmark=benchmark, model=model, implementation=implementation)
        for benchmark in map(registry.load, registry.names())
        for model in benchmark.models or [None]
        for implementation in benchmark.implementations
    ]


def name(cell: Cell) -> str:
    """Its name in reports."""
    return "-".join(filter(None, (cell.benchmark.name, cell.model, cell.implementation)))


@pytest.mark.mpi
@pytest.mark.parametrize("cell", [cell for cell in cells() if not cell.default_model], ids=name)
def test_an_epoch_of_a_model_on_two_ranks(cell, bench, tiny_data):
    run = bench.run(*cell.command(tiny_data, "--np", 2, "--epochs", 1), seconds=TO_THE_TARGET_S)
    assert run.document("launch")["outcome"]["kind"] == "ok", run.stderr
    assert_sound(run, cell, ranks=2)
    errors = [finding for finding in findings(run) if finding["severity"] == "error"]
    assert not [f["message"] for f in errors if not f["rule"].startswith("sciml-target-")]


@pytest.mark.mpi
@pytest.mark.parametrize("cell", [cell for cell in cells() if cell.default_model], ids=name)
def test_the_default_model_reaches_its_target_on_two_ranks(cell, bench, tiny_data):
    run = bench.run(*cell.command(tiny_data, "--np", 2), seconds=TO_THE_TARGET_S)
    assert_compliant(run, cell, ranks=2)


@pytest.mark.parametrize("cell", [cell for cell in cells() if cell.default], ids=name)
def test_the_defaults_reach_their_target_on_one_rank(cell, bench, tiny_data):
    run = bench.run(*cell.command(tiny_data, "--np", 1), seconds=TO_THE_TARGET_S)
    assert_compliant(run, cell, ranks=1)


def assert_compliant(run, cell, *, ranks):
    """The run ends with a verdict that is compliant."""
    assert run.code == 0, "\n".join([run.stderr, *(finding["message"] for finding in findings(run))])
    assert run.document("verdict")["compliant"] is True
    assert_sound(run, cell, ranks=ranks)


def assert_sound(run, cell, *, ranks):
    """What was logged is what benchmark.json and the command line say, and a number."""
    values = {event["key"]: event["value"] for event in run.events()}
    assert values["number_of_ranks"] == ranks
    assert run.document("run")["hyperparameters"].get("model") == cell.model
    assert math.isfinite(values["train_loss"])
    for metric in (cell.benchmark.metric, *cell.benchmark.reported):
        assert math.isfinite(values[f"eval_{metric}"])
    if cell.model:
        assert values["model_parameters"] == cell.benchmark.models[cell.model].parameters


def findings(run):
    """What the checker found."""
    return [finding for file in run.document("verdict")["files"] for finding in file["findings"]]
