"""How fast a node's ranks stage a data set, alone and together: `python tests/performance/staging_speed.py`.

It writes scenes of random numbers in the published layout, and stages them into memory as a run does: as files, which
are verified on the way, and as prepared samples. One process, then as many as there are processors, write their shares
of a copy at once; in each round all take turns. Megabytes are those of the original for each second of the clock, the
best round of some. Only figures of one call may be compared.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from read_speed import run_over, scenes

from reference.runtime.copies import MEMORY, Copy, Writer
from reference.runtime.runconfig import Staging
from reference.slstr_cloud.task import CloudTask

FORMS = ("files", "samples")


def copy_of(root: Path, target: Path, form: str, writer: Writer) -> Copy:
    """Return what one rank writes of a copy."""
    staging = Staging(directory=target / "sciml-bench-staged-speed", form=form)  # type: ignore[arg-type]
    run = run_over(root, "slstr_cloud")
    run = replace(run, data=replace(run.data, staging=staging))
    return Copy(run, staging, CloudTask(run).samples, writer)


def share(root: Path, target: Path, form: str, writer: Writer) -> None:
    """Write one rank's share of a copy, of which the first rank has begun."""
    copy = copy_of(root, target, form, writer)
    for _ in copy.share():
        pass


def seconds(root: Path, target: Path, form: str, pool: ProcessPoolExecutor, count: int) -> float:
    """Return how long so many processes take to write a copy."""
    first = copy_of(root, target, form, Writer(index=0, count=count))
    for _ in first.begin():
        pass
    started = time.perf_counter()
    list(
        pool.map(share, *zip(*((root, target, form, Writer(index=i, count=count)) for i in range(count)), strict=True))
    )
    took = time.perf_counter() - started
    first.remove()
    return took


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description="How fast a data set is staged.")
    parser.add_argument("--rounds", type=int, default=4, help="rounds, of which the best counts (%(default)s)")
    parser.add_argument("--scale", type=float, default=2, help="size of the set: 1 is 0.7 GB (%(default)s)")
    options = parser.parse_args()
    counts = sorted({1, os.cpu_count() or 1})
    with (
        tempfile.TemporaryDirectory(prefix="staging-speed-") as folder,
        tempfile.TemporaryDirectory(dir=MEMORY) as target,
    ):
        root = scenes(Path(folder), options.scale).root
        shutil.rmtree(root / "prepared")
        size = sum(path.stat().st_size for path in root.rglob("*.hdf"))
        best: dict[tuple[str, int], float] = {}
        with ProcessPoolExecutor(max(counts), mp_context=get_context("spawn")) as pool:
            for _ in range(options.rounds + 1):
                for key in ((form, count) for form in FORMS for count in counts):
                    took = seconds(root, Path(target), key[0], pool, key[1])
                    best[key] = min(best.get(key, took), took)
    print("| staged as | ranks | MB/s | of one rank |\n|---|---|---|---|")
    for (form, count), took in best.items():
        print(f"| {form} | {count} | {size / 1e6 / took:,.0f} | {best[form, 1] / took:.2f} × |")


if __name__ == "__main__":
    main()
