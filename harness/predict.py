"""The story of one prediction: a model and scenes in; masks, pictures and scores out. Nothing is judged."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from harness import checkpoints, display, process, provenance, registry, runconfig, rundir
from harness.config import Request, resolve
from harness.configuration import Configuration
from harness.documents import read_json
from harness.errors import ConfigError, DataError, Exit
from harness.execution import carry_out
from harness.files import write_json
from harness.launch import Launch
from harness.paths import ROOT
from harness.rundir import RunDirectory
from harness.stops import Stops

CONVERT_TIMEOUT_S = 1800.0
SCORES = ("accuracy", "f1", "iou", "balanced_accuracy")


@dataclass(frozen=True, kw_only=True)
class PredictRequest:
    """What the user asked for."""

    benchmark: str
    """Name of the benchmark."""

    model: Path
    """Run directory or checkpoint."""

    inputs: Sequence[Path]
    """Files, or folders that the data room converts."""

    given: Mapping[str, Any]
    """Settings from the command line."""

    hyperparameters: Mapping[str, Any]
    """Hyperparameters from the command line."""

    quiet: bool = False
    """Say nothing but the result."""


def predict(request: PredictRequest) -> int:
    """Carry out one prediction; the exit code is that of errors.py.

    Raises:
        Refusal: the model, an input or the configuration is refused.
        OSError: the run directory could not be written.
    """
    checkpoint = checkpoints.find(request.model)
    configuration = _configuration(request, checkpoint)
    _require_inputs(request.inputs)
    directory = rundir.plan(configuration.output_dir, configuration.benchmark.name, configuration.implementation.name)
    with Stops() as stops:
        show = display.choose(quiet=request.quiet)
        try:
            rundir.create(directory)
            inputs = [_ready(path, configuration, directory, stops) for path in request.inputs]
            write_json(directory.run_json, runconfig.prediction(configuration, directory, inputs), mode=0o444)
            show.say(f"model: {checkpoint}\nrun directory: {directory.root}")
            ended = carry_out(configuration, directory, show=show, stops=stops, announce=_nothing, mode="predict")
        finally:
            show.close()
    if ended.exit_code != Exit.OK:
        sys.stderr.write(f"sciml-bench: {ended.text}\n")
        return ended.exit_code
    _show(read_json(directory.root / "artifacts" / "predictions.json"), directory, Console())
    return Exit.OK


def _configuration(request: PredictRequest, checkpoint: Path) -> Configuration:
    """The training run's own hyperparameters, where its run.json lies beside the checkpoint, under the user's."""
    trained = _trained_with(checkpoint)
    known = registry.load(request.benchmark).implementations
    kept: dict[str, Any] = {name: trained[name] for name in ("scale", "implementation") if name in trained}
    if kept.get("implementation") not in known:
        kept.pop("implementation", None)
    given = {"ranks": 1, "launcher": "local", **kept, **request.given}
    other = trained.get("benchmark", request.benchmark)
    if other != request.benchmark:
        expected = f"expected a model of {request.benchmark}, found one of {other}"
        raise ConfigError(f"--model {request.model}: {expected} — name another run")
    hyperparameters = {**trained.get("hyperparameters", {}), **request.hyperparameters}
    resolved = resolve(Request(benchmark=request.benchmark, given=given, hyperparameters=hyperparameters))
    return dataclasses.replace(resolved, resume_from=checkpoint)


def _nothing(_launch: Launch, _commit: provenance.Commit) -> None:
    """A prediction is not judged: the harness logs nothing of its own."""


def _trained_with(checkpoint: Path) -> dict[str, Any]:
    path = checkpoint.parent.parent / "run.json"
    return read_json(path) if path.is_file() else {}


def _require_inputs(inputs: Sequence[Path]) -> None:
    missing = [path for path in inputs if not path.exists()]
    if missing:
        raise DataError("\n".join(f"{path}: expected a scene, found nothing — check the path" for path in missing))


def _ready(path: Path, configuration: Configuration, directory: RunDirectory, stops: Stops) -> Path:
    """A file as it is; a SEN3 folder converted to the layout of the data set.

    Raises:
        DataError: it cannot be converted.
        Stopped: a signal came.
    """
    if path.is_file():
        return path.resolve()
    folder = directory.root / "artifacts" / "inputs"
    folder.mkdir(exist_ok=True)
    target = folder / f"{path.resolve().stem}.hdf"
    argv = [sys.executable, "-m", f"datasets.{configuration.benchmark.dataset}.convert_sen3"]
    done = process.run([*argv, str(path.resolve()), str(target)], timeout_s=CONVERT_TIMEOUT_S, cwd=ROOT, stops=stops)
    if done.returncode != 0:
        words = done.stderr.strip().splitlines()[-1:] or [f"the converter ended with {done.returncode}"]
        raise DataError(words[0])
    return target


def _show(document: Mapping[str, Any], directory: RunDirectory, console: Console) -> None:
    """Scores against each label plane, with those of trivial methods beside them, and where the files are."""
    for scene in document["predictions"]:
        share = scene.get("cloud_share")
        cloud = "no valid pixel" if share is None else f"{share:.1%} of the valid pixels are cloud"
        console.print(f"\n{Path(scene['input']).name}: {cloud}", markup=False, highlight=False)
        console.print(_scores(scene["scores"]))
        for name, plane in scene["scores"].items():
            if plane.get("reason"):
                console.print(f"  {name}: no scores: {plane['reason']}", markup=False, highlight=False)
        for kind in ("mask", "picture"):
            console.print(f"  {kind}: {directory.root / 'artifacts' / scene[kind]}", markup=False, soft_wrap=True)


def _scores(planes: Mapping[str, Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("against", "method", *SCORES):
        table.add_column(heading)
    for plane, methods in planes.items():
        for method, scores in methods.items():
            if isinstance(scores, dict):
                table.add_row(plane, method.replace("_", " "), *[_number(scores.get(name)) for name in SCORES])
    return table


def _number(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, (int, float)) else "–"
