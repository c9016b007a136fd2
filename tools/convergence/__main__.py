"""How many epochs, and how long, to the target: train with many seeds, keep the logs, make the tables from them.

    python -m tools.convergence em_denoise --impl pt --np 2      # what is not kept yet is trained; then the tables
    python -m tools.convergence em_denoise --table               # the tables alone, anew from the kept logs
    python -m tools.convergence em_denoise --explore --seeds 3   # to the last epoch, whatever the target
    python -m tools.convergence em_denoise --derive              # quality by epoch, and the target that follows
    python -m tools.convergence em_denoise --batch-size 64       # another point of the reference, kept beside the first

Without `--seeds`, the default model gets 5 seeds, or 10 where its first run takes less than two minutes, and each
further model 2. A run whose log is kept is not done again; one that was interrupted is. A run that missed its target is
kept and counted. Logs gather in runs/convergence/logs, which git ignores, so that the checkout of a campaign stays as
it was committed; at its end, or with --table, they move to reference/<benchmark>/convergence/.

Exit codes: 0 done; 1 a run failed, or, with --check, a table is not up to date; 2 and 3 usage and data; 4 stopped for
want of time, go on with the same command; 130 and 143 after Ctrl-C and SIGTERM.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from harness import registry
from harness.errors import DataError, Stopped, guarded
from harness.files import write_whole
from harness.paths import ROOT

from . import derive, kept, plan, tables
from .runs import Campaign, Manner, alone, collect

DONE, UNDONE, OUT_OF_TIME = 0, 1, 4


def main(arguments: Sequence[str]) -> int:
    """Do what the options ask for."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _stopped)
    return guarded(lambda: _main(options))


def _main(options: argparse.Namespace) -> int:
    benchmarks = [registry.load(name) for name in options.benchmarks]
    manner = _manner(options, benchmarks)
    if options.derive:
        for benchmark in benchmarks:
            records = _records(manner.collected[benchmark.name], manner.waiting(benchmark.name))
            sys.stdout.write(derive.derive(benchmark, records, options.within))
        return DONE
    if options.check:
        return UNDONE if [path for benchmark in benchmarks for path in _stale(manner, benchmark)] else DONE
    code = DONE
    with alone(manner.workshop) as lock:
        if not options.table:
            code = _train(benchmarks, manner, options, lock)
        if options.table or (code == DONE and not options.no_table):
            for benchmark in benchmarks:
                _write_tables(manner, benchmark)
    return code


def _train(benchmarks: Sequence[registry.Benchmark], manner: Manner, options: argparse.Namespace, lock: int) -> int:
    groups = [
        group
        for benchmark in benchmarks
        for group in plan.groups(
            benchmark,
            scales=options.scale,
            models=options.models,
            implementations=options.impl,
            batch_size=options.batch_size,
        )
    ]  # fmt: skip
    campaign = Campaign(manner, {benchmark.name: benchmark.direction for benchmark in benchmarks}, lock, _say)
    in_time = campaign.run(groups)
    if campaign.failed:
        _say(f"failed: {', '.join(campaign.failed)}")
        return UNDONE
    if not in_time:
        _say("stopped for want of time; the same command goes on, and --table makes the tables of what there is")
    return DONE if in_time else OUT_OF_TIME


def _write_tables(manner: Manner, benchmark: registry.Benchmark) -> None:
    """Collect the logs, and write what differs from what they say."""
    moved = collect(manner, benchmark.name)
    if moved:
        _say(f"{benchmark.name}: {moved} logs moved to {manner.collected[benchmark.name]}")
    readme = manner.collected[benchmark.name].parent / "README.md"
    for path, text in _made(manner, benchmark).items():
        write_whole(path, text.encode())
        _say(f"{path}: written")
    if not readme.is_file() or not tables.MARKED.search(readme.read_text(encoding="utf-8")):
        _say(f"{readme}: expected <!-- convergence --> and <!-- /convergence -->, found neither — no table put there")


def _stale(manner: Manner, benchmark: registry.Benchmark) -> list[Path]:
    """Files that are not what the collected logs say; each is named."""
    stale = [
        path
        for path, text in _made(manner, benchmark).items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    for path in stale:
        _say(f"{path}: expected what the kept logs say — make it with --table")
    return stale


def _made(manner: Manner, benchmark: registry.Benchmark) -> dict[Path, str]:
    """Files that follow from the collected logs; none where no run to the target is among them."""
    folder = manner.collected[benchmark.name]
    records = _records(folder)
    if not any(record.kind == kept.SEED for record in records):
        return {}
    made = {
        folder / "README.md": tables.page(benchmark, records),
        folder / "rcp.json": tables.reference_points(benchmark, records),
    }
    readme = manner.collected[benchmark.name].parent / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    with_summary = tables.inserted(text, tables.summary(benchmark, records))
    return {**made, readme: with_summary} if with_summary is not None else made


def _records(*folders: Path) -> list[kept.Record]:
    records = [record for folder in folders for record in kept.read_all(folder)]
    if not records:
        raise DataError(f"{folders[0]}: expected kept logs, found none — train first")
    return records


def _manner(options: argparse.Namespace, benchmarks: Sequence[registry.Benchmark]) -> Manner:
    settings: list[str] = []
    for option, value in (("--np", options.np), ("--precision", options.precision), ("--data-dir", options.data_dir)):
        settings += [option, str(value)] if value is not None else []
    return Manner(
        workshop=options.out.resolve(),
        collected={
            benchmark.name: (options.into / benchmark.name if options.into else benchmark.path.parent).resolve()
            / "convergence"
            for benchmark in benchmarks
        },
        explore=options.explore,
        seeds=options.seeds,
        max_hours=options.max_hours,
        settings=tuple(settings),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.convergence", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("benchmarks", metavar="BENCHMARK", nargs="+", help=f"one of {', '.join(registry.names())}")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--table", action="store_true", help="train nothing; make the tables from the kept logs")
    what.add_argument("--check", action="store_true", help="say whether the tables are what the kept logs say")
    what.add_argument("--derive", action="store_true", help="print quality by epoch, and the target that follows")
    what.add_argument("--explore", action="store_true", help="train to the last epoch, in the open division")
    parser.add_argument("--impl", type=_names, default=[], metavar="A,B", help="implementations (all)")
    parser.add_argument("--models", type=_names, default=[], metavar="A,B", help="models (all)")
    parser.add_argument("--scale", type=_names, default=["small"], metavar="A,B", help="scales (small)")
    parser.add_argument("--seeds", type=_positive, metavar="N", help="seeds 1 to N of each group (see above)")
    parser.add_argument("--np", type=_positive, metavar="N", help="ranks (as sciml-bench run)")
    parser.add_argument("--batch-size", type=_positive, metavar="N",
                        help="another batch size than the benchmark's, over all ranks")  # fmt: skip
    parser.add_argument("--precision", help="precision (as sciml-bench run)")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="folder of data sets (as sciml-bench run)")
    parser.add_argument("--max-hours", type=float, metavar="H", help="start no run that would end after them")
    parser.add_argument("--within", type=_positive, metavar="N", help="epochs for --derive (half of the scale's)")
    parser.add_argument("--no-table", action="store_true", help="leave the logs where they gather")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "convergence", metavar="DIR",
                        help="folder for runs and logs under way (runs/convergence)")  # fmt: skip
    parser.add_argument("--into", type=Path, metavar="DIR",
                        help="folder of the benchmarks' folders, for kept logs and tables (reference)")  # fmt: skip
    return parser


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _stopped(number: int, _frame: FrameType | None) -> NoReturn:
    raise Stopped(number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
