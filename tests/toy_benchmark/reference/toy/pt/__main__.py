"""Start the PyTorch implementation: `python -m reference.toy.pt --run-config run.json`."""

from __future__ import annotations

import sys

from reference.toy.program import main
from reference.toy.task import ToyTask

from logging_spec.ranks import Ranks
from reference.runtime.backend import Backend
from reference.runtime.errors import run_program
from reference.runtime.runconfig import RunConfig


def make_backend(run: RunConfig, task: ToyTask, place: Ranks) -> Backend:
    """Import the framework, which takes seconds, only once the configuration is known to be good."""
    from . import train

    return train.make_backend(run, task, place)


if __name__ == "__main__":
    sys.exit(run_program(lambda: main(sys.argv[1:], make_backend)))
