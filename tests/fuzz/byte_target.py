"""Bytes at random, guided by what they reach in the checker: a target for Atheris, which is libFuzzer for Python.

    python tests/fuzz/byte_target.py FOLDER… [-runs=N] [-max_total_time=SECONDS] [-seed=N]

The first FOLDER takes inputs that reach something new; the others are read. `fuzz.py` calls it with the golden logs.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2])]

with atheris.instrument_imports(include=["compliance", "logging_spec"]):
    from attack import attack


def one_input(data: bytes) -> None:
    """Attack with one input; every form of the verdict is tried on some, because that takes longer than the judging."""
    attack(data, every_form=len(data) % 8 == 0)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
