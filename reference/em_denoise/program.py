"""What both twins start: the benchmark's task and prediction put into the story of a run."""

from __future__ import annotations

from collections.abc import Callable

from logging_spec.ranks import Ranks
from reference.runtime import program
from reference.runtime.backend import Backend
from reference.runtime.runconfig import RunConfig

from .predict import predict
from .task import DenoiseTask


def main(arguments: list[str], make_backend: Callable[[RunConfig, DenoiseTask, Ranks], Backend]) -> None:
    """Do the run that `--run-config PATH` describes."""
    program.execute(arguments, make_task=DenoiseTask, make_backend=make_backend, predict=predict)
