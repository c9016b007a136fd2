"""Read run.json: everything that an implementation is told (logging_spec/schemas/run_config.schema.json)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NoReturn

import jsonschema
from referencing import Registry

from logging_spec.events import parse_object

from .errors import Refused

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "logging_spec" / "schemas" / "run_config.schema.json"


@dataclass(frozen=True, kw_only=True)
class Staging:
    """Where a copy of the data set is put that is faster to read."""

    directory: Path
    """Folder of this run's copies, one for each node; it is made, and removed at the end."""

    compress: Literal["none", "bitshuffle-lz4"] = "none"
    """How the arrays of the copy are compressed."""

    form: Literal["files", "samples"] = "files"
    """Whether the files are copied, or samples are prepared as the network takes them."""


@dataclass(frozen=True, kw_only=True)
class DataSource:
    """What to read."""

    directory: Path | None
    """Folder of the data set; None in mode predict."""

    dataset_id: str | None
    """Identifier of the data set; None in mode predict."""

    manifest_sha256: str | None
    """SHA-256 that the set's manifest.json must have; None in mode predict."""

    simulated: bool | None
    """Whether the set was simulated; None where that is not known."""

    inputs: tuple[Path, ...] = ()
    """Files to predict from, in mode predict."""

    staging: Staging | None = None
    """Where the data set is copied to before it is read; None reads it where it is."""

    staged: Path | None = None
    """This node's copy of the files, once there is one: what is read in their place."""

    prepared: Path | None = None
    """Folder of the samples that were prepared on this node, once there are some."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """The quality at which training stops."""

    metric: str
    """Name of the metric, logged as `eval_<metric>`."""

    direction: Literal["max", "min"]
    """Whether a larger or a smaller value is the better one."""

    value: float
    """The value to reach."""

    def reached(self, value: float) -> bool:
        """Say whether `value` is as good as the target or better."""
        return value >= self.value if self.direction == "max" else value <= self.value

    def better(self, first: float | None, second: float) -> float:
        """Return the better of two values, of which the first may be missing."""
        if first is None:
            return second
        return max(first, second) if self.direction == "max" else min(first, second)

    def lead(self, quality: float, baseline: float) -> float:
        """Return by how much `quality` is better than `baseline`."""
        return quality - baseline if self.direction == "max" else baseline - quality


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Where training ends when the target stays out of reach."""

    max_epochs: int
    """Epochs, counted over the run and the runs that it continues."""

    max_seconds: float | None
    """Seconds from run_start; None is no limit."""


@dataclass(frozen=True, kw_only=True)
class Output:
    """Folders to write into; they are made where they are missing."""

    events: Path
    """Event files, one for each rank."""

    checkpoints: Path
    """Checkpoints."""

    artifacts: Path
    """Predictions and pictures."""


@dataclass(frozen=True, kw_only=True)
class CheckpointPolicy:
    """When checkpoints are written and how many stay."""

    every_epochs: int
    """Epochs between two checkpoints; 0 writes none."""

    keep: int
    """Newest checkpoints that stay."""


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """One run, fully resolved."""

    path: Path
    """The file that was read; messages start with its name."""

    run_id: str
    """Identifier of the run, unique."""

    benchmark: str
    """Name of the benchmark."""

    implementation: str
    """Name of the implementation."""

    mode: Literal["train", "eval", "predict"]
    """What to do."""

    scale: Literal["tiny", "small", "full"]
    """Size of the problem."""

    seed: int
    """Seed of initial weights and of the order of samples."""

    deterministic: bool
    """Whether to ask the framework for deterministic kernels."""

    precision: Literal["fp32", "bf16"]
    """Arithmetic of the compute-heavy operations; weights, gradients and losses stay in float32."""

    world_size_expected: int
    """Ranks that the launcher was told to start."""

    threads_per_rank: int
    """Compute threads of one rank."""

    data: DataSource
    """What to read."""

    hyperparameters: dict[str, Any] = field(repr=False)
    """The benchmark's hyperparameters, each with its value."""

    target: Target
    """The quality at which training stops."""

    limits: Limits
    """Where training ends when the target stays out of reach."""

    output: Output
    """Folders to write into."""

    checkpoint: CheckpointPolicy
    """When checkpoints are written."""

    resume_from: Path | None
    """Checkpoint to continue, to evaluate or to predict from."""

    log_every_steps: int
    """Steps between two progress events."""

    def refuse(self, where: str, expected: str, found: object, remedy: str) -> NoReturn:
        """Raise `Refused` in the house's form; `where` is the path in the document, such as `$.precision`."""
        raise Refused(f"{self.path.name}: {where}: expected {expected}, found {found} — {remedy}")


def from_arguments(arguments: list[str]) -> RunConfig:
    """Read the run configuration that `--run-config PATH` names.

    Raises:
        Refused: the arguments are others, or the file is not a valid run configuration.
    """
    if len(arguments) != 2 or arguments[0] != "--run-config":
        found = " ".join(arguments) or "nothing"
        raise Refused(f"arguments: expected --run-config PATH, found {found} — the harness passes exactly that")
    return load(Path(arguments[1]))


def load(path: Path) -> RunConfig:
    """Read and check one run.json.

    Raises:
        Refused: it cannot be read, is not strict JSON, or breaks the schema; the message names the field.
    """
    document = read_json(path)
    check(document, read_json(SCHEMA), path.name, "$")
    data, output = document["data"], document["output"]
    return RunConfig(
        path=path,
        **{name: document[name] for name in _PLAIN},
        data=DataSource(
            directory=_path(data["directory"]),
            dataset_id=data["dataset_id"],
            manifest_sha256=data["manifest_sha256"],
            simulated=data["simulated"],
            inputs=tuple(Path(name) for name in data.get("inputs", ())),
            staging=_staging(data.get("staging")),
        ),
        target=Target(**document["target"]),
        limits=Limits(**document["limits"]),
        output=Output(**{name: Path(folder) for name, folder in output.items()}),
        checkpoint=CheckpointPolicy(**document["checkpoint"]),
        resume_from=_path(document["resume_from"]),
    )


def check_hyperparameters(run: RunConfig, benchmark_file: Path) -> None:
    """Hold the run's hyperparameters against those that the benchmark declares: all of them, and no others.

    Raises:
        Refused: the message names the first hyperparameter that is wrong.
    """
    benchmark = read_json(benchmark_file)
    if run.benchmark != benchmark["name"]:
        run.refuse("$.benchmark", benchmark["name"], run.benchmark, "this implementation serves one benchmark")
    declared = benchmark["hyperparameters"]
    schema = {"type": "object", "properties": declared, "required": list(declared), "additionalProperties": False}
    check(run.hyperparameters, schema, run.path.name, "$.hyperparameters")


def margin(benchmark_file: Path) -> float:
    """Return by how much a result of this benchmark has to beat the best baseline."""
    return float(read_json(benchmark_file)["metric"].get("margin", 0.0))


def read_json(path: Path) -> dict[str, Any]:
    """Parse a JSON object strictly: no name twice, no NaN or Infinity.

    Raises:
        Refused: with the reason.
    """
    try:
        return parse_object(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Refused(f"{path}: expected a readable file, found: {error.strerror} — check the path") from None
    except ValueError as error:
        raise Refused(f"{path}: expected JSON, found: {error} — write the file anew") from None


def check(document: Any, schema: dict[str, Any], name: str, root: str) -> None:
    """Validate `document`; `name` and `root` say in messages which file and which part of it this is.

    Raises:
        Refused: for the first violation, in the order of the document.
    """
    validator = jsonschema.Draft202012Validator(schema, registry=Registry())
    errors = sorted(validator.iter_errors(document), key=lambda error: error.json_path)
    if errors:
        where = root + errors[0].json_path.removeprefix("$")
        raise Refused(f"{name}: {where}: {errors[0].message} — see {schema.get('$id', 'benchmark.json')}")


_PLAIN = (
    "run_id", "benchmark", "implementation", "mode", "scale", "seed", "deterministic", "precision",
    "world_size_expected", "threads_per_rank", "hyperparameters", "log_every_steps",
)  # fmt: skip


def _staging(document: dict[str, Any] | None) -> Staging | None:
    if document is None:
        return None
    return Staging(**document | {"directory": Path(document["directory"])})


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)
