"""What both twins start: the benchmark's task put into the story of a run."""

from __future__ import annotations

from collections.abc import Callable

from logging_spec.ranks import Ranks
from reference.runtime import program
from reference.runtime.backend import Backend
from reference.runtime.runconfig import RunConfig

from .task import ToyTask


def main(arguments: list[str], make_backend: Callable[[RunConfig, ToyTask, Ranks], Backend]) -> None:
    """Do the run that `--run-config PATH` describes."""
    program.execute(arguments, make_task=ToyTask, make_backend=make_backend, predict=predict)


def predict(run: RunConfig, task: ToyTask, backend: Backend) -> None:
    """Never called: the task refuses the mode."""
    raise NotImplementedError
