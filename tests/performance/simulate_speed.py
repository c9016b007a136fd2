"""How fast the simulators make data, on one core and on two: `python simulate_speed.py [ROUNDS]`.

For each simulator the best of a few rounds: wall and process time of one sample, MB/s of the files' bytes, and the rate
of two processes over that of one, by the pool that `--jobs` uses. Rounds take turns; numerical libraries have one
thread. Process time beside wall time tells what others on the machine took; a ratio below 2 on a busy machine says
little.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from datasets.common.making import run_all
from datasets.dms_classifier import simulate as dms
from datasets.em_denoise import simulate as em
from datasets.slstr_cloud import simulate as slstr
from datasets.slstr_cloud.extras import NO_EXTRAS

ROWS, COLUMNS = 1200, 1500
DOSES = (1e4, 1e6)
WARM_UP = 4
"""Results of a round before its clock runs: processes have started by then."""


@dataclass(frozen=True, kw_only=True)
class Simulator:
    """One kind of sample."""

    name: str
    """What is made."""

    work: Callable[[Any], Any]
    """Makes a sample, as the command does."""

    todo: Sequence[Any]
    """Jobs of a round."""

    megabytes: float
    """Of a sample in the files."""

    prototype_ms: float | None
    """What a prototype of the same physics took on a core, where there was one."""


def timed(job: tuple[Callable[[Any], Any], Any]) -> tuple[float, Any]:
    """Return the process time of one sample in seconds, and the sample, which has to come back to be written."""
    work, given = job
    started = time.process_time()
    result = work(given)
    return time.process_time() - started, result


def simulators(folder: Path) -> list[Simulator]:
    """Return what is measured; scenes are written into a folder, over each other in each round."""
    pairs = {mode: [em.PairJob(seed=1, number=n, doses=DOSES, mode=mode) for n in range(64)] for mode in em.MODES}
    patterns = [dms.PatternJob(seed=1, number=n, label=n % 2, most_domains=1, spread=1.0) for n in range(64)]
    scenes = [
        slstr.SceneJob(
            path=folder / f"scene{n}.hdf", seed=1, number=n, rows=ROWS, columns=COLUMNS, night=False, extras=NO_EXTRAS
        )
        for n in range(WARM_UP + 4)
    ]
    pair_mb, pattern_mb, scene_mb = (
        count / 1e6 for count in (em.BYTES_PER_PAIR, dms.BYTES_PER_PATTERN, ROWS * COLUMNS * slstr.BYTES_PER_PIXEL)
    )
    return [
        Simulator(name="em_denoise pair", work=em.run_job, todo=pairs["hrtem"], megabytes=pair_mb, prototype_ms=47),
        Simulator(
            name="em_denoise pair, stem", work=em.run_job, todo=pairs["stem"], megabytes=pair_mb, prototype_ms=None
        ),
        Simulator(
            name="dms_classifier pattern", work=dms.run_job, todo=patterns, megabytes=pattern_mb, prototype_ms=54
        ),
        Simulator(name="slstr_cloud scene", work=slstr.run_job, todo=scenes, megabytes=scene_mb, prototype_ms=1000),
    ]


def one_round(simulator: Simulator, jobs: int) -> tuple[float, float]:
    """Return wall seconds per sample, all processes together, and process seconds per sample."""
    arrivals, used = [], []
    for seconds, _ in run_all(timed, [(simulator.work, job) for job in simulator.todo], jobs):
        arrivals.append(time.perf_counter())
        used.append(seconds)
    counted = len(arrivals) - WARM_UP
    return (arrivals[-1] - arrivals[WARM_UP - 1]) / counted, sum(used[WARM_UP:]) / counted


def measure(simulator: Simulator, rounds: int) -> str:
    """Return a line of the table."""
    alone, together = [], []
    for _ in range(rounds):
        alone.append(one_round(simulator, 1))
        together.append(one_round(simulator, 2))
    wall, used = (1000 * min(values) for values in zip(*alone, strict=True))
    wall_2, used_2 = (1000 * min(values) for values in zip(*together, strict=True))
    prototype = "–" if simulator.prototype_ms is None else f"{simulator.prototype_ms:.0f}"
    return (
        f"| {simulator.name} | {wall:.0f} | {used:.0f} | {prototype} | {1000 * simulator.megabytes / wall:.0f} "
        f"| {wall_2:.0f} | {used_2:.0f} | {wall / wall_2:.2f} |"
    )


def main() -> None:
    """Measure each simulator and print a table."""
    parser = argparse.ArgumentParser(description="How fast the simulators are.")
    parser.add_argument("rounds", nargs="?", type=int, default=3, help="rounds, of which the best counts (%(default)s)")
    rounds = parser.parse_args().rounds
    print("| sample | ms | process ms | prototype ms | MB/s | two: ms | process ms | rate of two over one |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for simulator in simulators(Path(folder)):
            print(measure(simulator, rounds), flush=True)
    if hasattr(os, "getloadavg"):
        print(f"\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
