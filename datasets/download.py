"""Download a real data set, with the program that serves it best.

    python -m datasets.download NAME|all DEST [--user USER] [--print] [--endpoint URL]

Without --user the anonymous S3 store is asked through `aws s3 sync`; with --user, rsync over ssh, which resumes
inside a file. Both skip what is there already, so an interrupted download is taken up by the same command.
Exit codes: 0 done or printed, 2 usage, 3 the program is missing, otherwise that of the program.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ENDPOINT = "https://s3.echo.stfc.ac.uk"
MIRROR = "https://sdsc.osn.xsede.org"
S3_PATHS = {
    "em_denoise": "s3://sciml-datasets/ms/em_graphene_sim",
    "dms_classifier": "s3://sciml-datasets/ms/dms_sim",
    "slstr_cloud": "s3://sciml-datasets/es/cloud_slstr_ds1",
}
RSYNC_ROOT = "scarf.rl.ac.uk:/work3/projects/sciml/benchmarks"
EXIT_MISSING = 3


def s3_command(name: str, destination: Path, endpoint: str) -> list[str]:
    """Return the command that copies one data set from the anonymous S3 store."""
    target = str(destination / name)
    return ["aws", "s3", "--no-sign-request", "--endpoint-url", endpoint, "sync", S3_PATHS[name], target]


def rsync_command(name: str, destination: Path, user: str) -> list[str]:
    """Return the command that copies one data set from SCARF; ssh asks for no password."""
    source = f"{user}@{RSYNC_ROOT}/{name}/"
    ssh = "ssh -o BatchMode=yes"
    return ["rsync", "-a", "--partial", "--info=progress2", "-e", ssh, source, str(destination / name) + "/"]


def run(command: Sequence[str]) -> int:
    """Run one download and return its exit code; say what to do where the program is missing or fails."""
    sys.stderr.write(shlex.join(command) + "\n")
    if shutil.which(command[0]) is None:
        package = {"aws": "awscli"}.get(command[0], command[0])
        sys.stderr.write(
            f"{command[0]}: expected this program on PATH, found none — install {package}, "
            "or run the command above where it is\n"
        )
        return EXIT_MISSING
    code = subprocess.run(command, check=False).returncode
    if code:
        advice = f"check the network; the mirror is --endpoint {MIRROR}" if command[0] == "aws" else "check the account"
        sys.stderr.write(f"{command[0]} ended with exit code {code} — {advice}; the same command goes on from here\n")
    return code


def main(argv: Sequence[str] | None = None) -> int:
    """Download data sets with aws or rsync, or print the commands."""
    parser = argparse.ArgumentParser(prog="python -m datasets.download", description=main.__doc__)
    parser.add_argument("name", choices=[*S3_PATHS, "all"], help="data set")
    parser.add_argument("destination", type=Path, help="folder in which a folder of each data set is made")
    parser.add_argument("--user", help="account on SCARF: use rsync over ssh")
    parser.add_argument("--endpoint", default=ENDPOINT, help=f"S3 store (default %(default)s; mirror {MIRROR})")
    parser.add_argument("--print", action="store_true", dest="only_print", help="print the commands and stop")
    options = parser.parse_args(argv)
    names = list(S3_PATHS) if options.name == "all" else [options.name]
    for name in names:
        if options.user:
            command = rsync_command(name, options.destination, options.user)
        else:
            command = s3_command(name, options.destination, options.endpoint)
        if options.only_print:
            sys.stdout.write(shlex.join(command) + "\n")
        elif code := run(command):
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
