"""The story of one prediction: a model and inputs in; files and scores out. Nothing is judged."""

from __future__ import annotations

import dataclasses
import os
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
from harness.documents import read_json, require_valid
from harness.errors import ConfigError, DataError, Exit, RunFailed
from harness.execution import carry_out
from harness.files import write_json
from harness.launch import Launch
from harness.paths import SCHEMAS, python_path
from harness.rundir import RunDirectory
from harness.stops import Stops

CONVERT_TIMEOUT_S = 1800.0
CONVERTER = "convert_sen3"
"""Module of a data set that turns a product, folder or zip, into a file of the set's layout; few data sets have one."""


@dataclass(frozen=True, kw_only=True)
class PredictRequest:
    """What the user asked for."""

    benchmark: str
    """Name of the benchmark."""

    model: Path
    """Run directory or checkpoint."""

    inputs: Sequence[Path]
    """Files, or products, folders or zips, which the data room converts where it can."""

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
            with rundir.kept(directory):
                inputs = [_ready(path, configuration, directory, stops) for path in request.inputs]
                write_json(directory.run_json, runconfig.prediction(configuration, directory, inputs), mode=0o444)
                show.say(f"model: {checkpoint}\nrun directory: {directory.root}")
                ended = carry_out(configuration, directory, show=show, stops=stops, announce=_nothing, mode="predict")
        finally:
            show.close()
    if ended.exit_code != Exit.OK:
        sys.stderr.write(f"sciml-bench: {ended.text}\n")
        return ended.exit_code
    _show(_document(directory), directory, Console())
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
        raise DataError("\n".join(f"{path}: expected an input, found nothing — check the path" for path in missing))


def _ready(path: Path, configuration: Configuration, directory: RunDirectory, stops: Stops) -> Path:
    """An input as it is, or converted: a folder or a zip, where its data set has a converter.

    Raises:
        DataError: it cannot be converted.
        Stopped: a signal came.
    """
    dataset, home = configuration.benchmark.dataset, configuration.benchmark.home
    product, zipped = path.resolve(), path.suffix.lower() == ".zip"
    if not (path.is_dir() or zipped) or not (home / "datasets" / dataset / f"{CONVERTER}.py").is_file():
        return product
    if path.name not in ("", ".."):
        product = path.absolute()  # a link keeps its name: archives lead names of products to folders that are numbered
    folder = directory.root / "artifacts" / "inputs"
    folder.mkdir(exist_ok=True)
    target = folder / f"{(product.stem if zipped else product.name).removesuffix('.SEN3')}.hdf"
    if target.exists():
        raise DataError(
            f"{path}: expected products once, found one of the same name before it — predict one of the two"
        )
    argv = [sys.executable, "-m", f"datasets.{dataset}.{CONVERTER}", str(product), str(target)]
    environment = {**os.environ, "PYTHONPATH": python_path()}
    done = process.run(argv, timeout_s=CONVERT_TIMEOUT_S, cwd=home, environment=environment, stops=stops)
    if done.returncode != 0:
        words = done.stderr.strip().splitlines()[-1:] or [f"the converter ended with {done.returncode}"]
        raise DataError(words[0])
    return target


def _document(directory: RunDirectory) -> dict[str, Any]:
    """What the implementation has written.

    Raises:
        RunFailed: it has not written what SPEC.md asks for in mode predict.
    """
    path = directory.root / "artifacts" / "predictions.json"
    try:
        document = read_json(path)
        require_valid(document, read_json(SCHEMAS / "predictions.schema.json"), str(path))
    except ConfigError as error:
        raise RunFailed(str(error)) from None
    return document


def _show(document: Mapping[str, Any], directory: RunDirectory, console: Console) -> None:
    """What came out of each input, its scores and files, and how long an item takes."""

    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    for found in document["predictions"]:
        say(f"\n{Path(found['input']).name}: {found['summary']}")
        metrics = _metrics(found["scores"])
        if metrics:
            console.print(_scores(found["scores"], metrics))
        for against, methods in found["scores"].items():
            if isinstance(methods.get("reason"), str):
                say(f"  {against}: no scores: {methods['reason']}")
        for kind, name in found["files"].items():
            say(f"  {kind}: {directory.root / 'artifacts' / name}")
    say(_timing(document["timing"]))


def _metrics(scores: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Names of the scores that are numbers, in the order in which they first come."""
    methods = [method for named in scores.values() for method in named.values() if isinstance(method, dict)]
    return list(dict.fromkeys(name for method in methods for name, value in method.items() if _is_number(value)))


def _scores(scores: Mapping[str, Mapping[str, Any]], metrics: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("against", "method", *metrics):
        table.add_column(heading.replace("_", " "))
    for against, methods in scores.items():
        for method, values in methods.items():
            if isinstance(values, dict):
                table.add_row(against, method.replace("_", " "), *[_number(values.get(name)) for name in metrics])
    return table


def _timing(timing: Mapping[str, Any]) -> str:
    """One line: how many items, how fast, and the percentiles of one item's time."""
    unit, speed, latency = timing["unit"], timing["throughput"], timing["latency_ms"]
    if speed is None or None in latency.values():
        return f"\ntiming: no {unit} were timed"
    percentiles = ", ".join(f"{name} {value:.1f} ms" for name, value in latency.items())
    items = f"{timing['items']} {unit if timing['items'] != 1 else unit.removesuffix('s')}"
    return f"\ntiming: {items}, {speed:.2f} {unit}/s; {percentiles}; warm-up {timing['warmup']}"


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _number(value: object) -> str:
    if not isinstance(value, (int, float)):
        return "–"
    return f"{value:.4f}" if value == 0 or abs(value) >= 0.001 else f"{value:.2e}"
