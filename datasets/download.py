"""Download a real data set so that it survives: kills, broken lines, changes at the source, a full disk.

    python -m datasets.download NAME|all DEST [--user USER] [--source s3|rsync|http|ADDRESS] [--mirror NAME|ADDRESS]
                                [--jobs N] [--verify-only] [--print]

Each set comes into DEST/NAME. Without --user the anonymous S3 stores of sources/mirrors.json are asked, one after the
other; with --user, rsync over ssh. The same command goes on where it was stopped. A file has its final name only when
it is whole; what is not is NAME.part. downloaded.jsonl keeps the SHA-256 of everything that came. At the end every
file is read from the disk once more, for manifest.json and croissant.json.
Exit codes: 0 all is there and sound, 2 usage, 3 data, network or disk are at fault, 130 interrupted.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datasets.common.failures import DataError, UsageError, failing_politely, one_line, say
from datasets.common.files import MANIFEST
from datasets.common.making import MARK, require_jobs, stop_like_ctrl_c
from datasets.common.published import known_sets, read_published
from datasets.croissant import write_croissant
from datasets.sources.mirrors import Choice, commands, sources
from datasets.transfer import download
from datasets.transfer_check import describe, is_described, raise_all, verify
from datasets.transfer_file import Policy
from datasets.transfer_record import writing


def bring(name: str, root: Path, choice: Choice, policy: Policy) -> None:
    """Download one set into a folder of its name and describe it; one that is there and unchanged is left alone.

    Raises:
        UsageError: the choice makes no sense, or the folder holds a simulated set.
        DataError: a source, the network or what is here is at fault.
        OSError: the disk refuses.
    """
    if (root / MARK).exists():
        raise UsageError(
            f"{root}: expected a downloaded set or nothing, found one that simulate made — name another DEST"
        )
    folder = known_sets()[name]
    published = read_published(folder)
    asked = sources(name, published, choice)
    with writing(root) as record:
        arrival = download(asked, record, root, policy, say=say)
        if arrival.new or not is_described(name, root):
            say(f"{root}: {arrival.files} files are here; reading them once more for {MANIFEST}")
            describe(name, root, arrival, record, published)
        elif arrival.published is not None:
            arrival.published.unlink()
        write_croissant(root)
    say(
        f"{root}: complete, {arrival.files} files from {arrival.source}{'' if arrival.new else '; nothing was missing'}"
    )


def chosen_sets(names: str) -> list[str]:
    """Return the sets that a word of the command line means: all, one, or several with commas between.

    Raises:
        UsageError: one is not known.
    """
    known = list(known_sets())
    chosen = known if names == "all" else names.split(",")
    for name in chosen:
        if name not in known:
            raise UsageError(f"{name}: expected all or one of {', '.join(known)}, found another name")
    return chosen


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    line = argparse.ArgumentParser(prog="python -m datasets.download", description="Download published data sets.")
    line.add_argument("names", help="data set, several with commas between, or all")
    line.add_argument("destination", type=Path, help="folder in which a folder of each set is made")
    line.add_argument("--user", help="account at the mirror of kind rsync, asked over ssh")
    line.add_argument(
        "--source", help="s3, rsync, http, or the address of the set's folder, in which {name} stands for the set"
    )
    line.add_argument("--mirror", action="append", default=[], help="mirror of the list or address, first one first")
    line.add_argument("--jobs", type=int, default=4, help="files at once (default %(default)s)")
    line.add_argument("--verify-only", action="store_true", help="read what is here against its hashes; ask nobody")
    line.add_argument("--print", action="store_true", dest="show", help="print the commands of other programs and stop")
    return line


def run(options: Any) -> int:
    """Do what the command line asks for every set; one that fails does not keep the next ones from coming."""
    require_jobs(options.jobs)
    choice = Choice(source=options.source, mirrors=tuple(options.mirror), user=options.user, jobs=options.jobs)
    names = chosen_sets(options.names)
    if len(names) > 1 and "://" in (options.source or "") and "{name}" not in options.source:
        source = one_line(options.source)
        raise UsageError(f"--source {source}: expected {{name}} in the address of several sets, found none")
    faults: list[str] = []
    code = 0
    for name in names:
        root = options.destination / name
        if options.show:
            found = map(shlex.join, commands(name, read_published(known_sets()[name]), root, choice))
            say("\n# or: ".join(found))
            continue
        try:
            if options.verify_only:
                code = max(code, verify(name, root))
            else:
                bring(name, root, choice, Policy(jobs=options.jobs))
        except DataError as fault:
            faults.append(str(fault))
    raise_all(faults)
    return code


def main(argv: Sequence[str] | None = None) -> int:
    """Download published data sets. Exit codes: 0 sound, 2 usage, 3 data, network or disk, 130 interrupted."""
    options = parser().parse_args(argv)
    stop_like_ctrl_c()
    with failing_politely():
        return run(options)


if __name__ == "__main__":
    sys.exit(main())
