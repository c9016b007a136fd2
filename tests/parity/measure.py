"""Measure how far the twins agree, model by model.

    python tests/parity/measure.py [--only NAME] [--pin [--afresh]]

`--pin` writes what is found into tolerances.json, with limits that follow from it, and docs/parity.md after it. Where
more was found before, as on another kind of processor, that stays, but with `--afresh`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

import parity_processes  # noqa: E402 - this program is started from anywhere
from parity_comparison import QUANTITIES, RANK_QUANTITIES, rank_gaps, twin_gaps  # noqa: E402
from parity_pins import OUTSIDE, Pin, limit, load, pin_of, save  # noqa: E402
from parity_subjects import Subject, subjects  # noqa: E402

PAGE = ROOT / "docs" / "parity.md"


def measure(chosen: list[Subject], folder: Path) -> dict[str, dict[str, float]]:
    """Return what is found now, by subject and quantity."""
    by_twin = parity_processes.twins(chosen, folder / "twins", folder / "data")
    found = {name: twin_gaps(results) for name, results in by_twin.items()}
    on_ranks = [subject for subject in chosen if pin_of(subject).ranks]
    by_ranks = parity_processes.ranks(on_ranks, folder / "ranks", folder / "data") if on_ranks else {}
    return {name: gaps | (rank_gaps(by_ranks[name]) if name in by_ranks else {}) for name, gaps in found.items()}


def pin(found: dict[str, dict[str, float]], *, afresh: bool = False) -> None:
    """Pin what was found, or what was found before where that is more."""
    pins = load()
    for name, values in found.items():
        known = pins.get(name, Pin(found={}, limits={}))
        before = {} if afresh else known.found
        most = {quantity: max(value, before.get(quantity, 0.0)) for quantity, value in values.items()}
        limits = {quantity: limit(quantity, value) for quantity, value in most.items()}
        pins[name] = replace(known, found=most, limits=limits)
    save(pins)


def page(pins: Mapping[str, Pin]) -> str:
    """Return docs/parity.md: a table of the twins and one of the ranks, each with what was found and the limit."""
    inside = {name: pin for name, pin in pins.items() if name != OUTSIDE}
    tables = ["\n".join(_table(quantities, inside)) for quantities in (QUANTITIES, RANK_QUANTITIES)]
    return TEXT.format(twins=tables[0], ranks=tables[1])


TEXT = """\
# Parity

How far the PyTorch and the TensorFlow twin of every model agree, and a step on one rank and on several: from the same
weights and batches, on small images, on a processor. `python tests/parity/measure.py --pin` measures it and writes this
page and `tests/parity/tolerances.json`; `make test TESTS=tests/parity` holds every model to the limits there. The
versions are those of `requirements/*.lock`. Each cell is what was found, the most of any kind of processor that it was
measured on (of AMD: one with AVX2, one with AVX-512), and in brackets the limit: ten times as much, to one digit, and
never below some roundings of float32.

## Between the frameworks

Both twins start from the same weights: the initial ones, shaken by 5 %, so that no zero or one hides anything. They see
the same batches of two training samples (of eight for `dms_classifier`, whose dense layers behind batch normalisation
learn nothing from two), cut to the square in their middle where a model takes any size, and the test samples. Rounding
grows over steps because Adam's step is nearly the sign of a gradient: where a gradient is near zero, rounding chooses
the sign.

{twins}

## Between one rank and several

The global batch is the same on any number of ranks; each computes its share, and a share may be empty. What is summed
over all ranks:

- gradients and loss, in one grouped allreduce per step. A rank sums over its samples and divides by the size of the
  global batch, so uneven shares weigh as they should.
- the statistics of batch normalisation, in training: count, sum and sum of squares of each channel, by one allreduce
  per layer on the way forward and one of their gradients on the way back. Mean and biased variance are those of the
  global batch; a rank without samples takes part with zeros. The running statistics follow them, and are the same on
  every rank.
- in evaluation, the sums from which metrics follow, as float64 or int64.

What is drawn for a sample, such as its crop or the masks of dropout, follows from seed, epoch and the sample's index.
Weights and the moments of Adam travel once, from rank 0 before the first step, and are the same bits on every rank ever
after. The steps measured here have 3, 2 and 1 samples, on 1, 2 and 3 ranks; the worse number of ranks and the worse
twin is shown.

{ranks}
"""


def _table(quantities: Mapping[str, str], pins: Mapping[str, Pin]) -> list[str]:
    """Return a table and the meaning of its columns."""
    columns = {quantity: quantity.removeprefix("ranks_").replace("_", " ") for quantity in quantities}
    lines = [f"| model | {' | '.join(columns.values())} |", "|---" * (len(columns) + 1) + "|"]
    for name, pin in pins.items():
        if columns.keys() & pin.found.keys():
            cells = [_cell(pin.found.get(quantity), pin.limits.get(quantity)) for quantity in columns]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return [*lines, "", *(f"- {columns[quantity]}: {text}" for quantity, text in quantities.items())]


def _cell(value: float | None, most: float | None) -> str:
    return "–" if value is None else f"{value:.1e} ({'–' if most is None else f'{most:.0e}'})"


def main() -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", metavar="NAME", help="subjects whose name holds this")
    parser.add_argument("--pin", action="store_true", help="write tolerances.json and docs/parity.md")
    parser.add_argument("--afresh", action="store_true", help="with --pin: forget what was found before")
    options = parser.parse_args()
    chosen = [subject for subject in subjects() if (options.only or "") in subject.name]
    with tempfile.TemporaryDirectory() as folder:
        found = measure(chosen, Path(folder))
    if options.pin:
        pin({subject.name: found[subject.name] for subject in chosen if not subject.outside}, afresh=options.afresh)
        PAGE.write_text(page(load()), encoding="utf-8")
    for subject in chosen:
        for quantity, value in found[subject.name].items():
            print(f"{subject.name} {quantity}: {_cell(value, pin_of(subject).limits.get(quantity))}")


if __name__ == "__main__":
    main()
