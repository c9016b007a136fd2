"""Attack the checker for a while, in three ways, and write down what came out: `make fuzz`.

    python tests/fuzz/fuzz.py [--seconds 600] [--seed 1] [--write]

1. Mutations: single faults in every valid golden log, each of which must be called what expectations.json says.
2. Structures: logs that are nearly right, from Hypothesis, which shrinks what it finds.
3. Bytes: Atheris, which is guided by what an input reaches, with limits of time and memory for each.

Each way gets a third of the time. With --write, RESULTS.md is written anew. An input that breaks the checker goes to
`found/`; when it is mended, it moves to `corpus/`, which every `make test` tries.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT)]

import judging  # noqa: E402 - the two folders have to be on the path first
from hypothesis import HealthCheck, given, seed, settings  # noqa: E402
from mutations import KINDS  # noqa: E402

FOUND = HERE / "found"
RESULTS = HERE / "RESULTS.md"
LONGEST_INPUT_S, MEMORY_MB, LONGEST_INPUT_BYTES = 60, 1024, 80_000
LONGEST_SEED_BYTES = 30_000


@dataclass(kw_only=True)
class Outcome:
    """What one way of attacking came to."""

    way: str
    """Its name."""

    tried: int = 0
    """Inputs."""

    seconds: float = 0.0
    """Time."""

    note: str = ""
    """What else there is to say."""

    faults: list[str] = field(default_factory=list)
    """What was wrong, a sentence each."""


def rounds(seconds: float) -> Iterator[int]:
    """Count rounds until the time is over; there is one at least."""
    deadline, number = time.monotonic() + seconds, 0
    while number == 0 or time.monotonic() < deadline:
        yield number
        number += 1


def attack_by_mutations(seconds: float, first_seed: int) -> Outcome:
    """Draw a few faults of every kind in every valid log, round by round, and hold the answers against the table."""
    outcome, kinds = Outcome(way="mutations"), Counter[str]()
    logs = judging.valid_logs()
    before = {name: {finding.rule for finding in judging.findings(content)} for name, content in logs.items()}
    for number in rounds(seconds):
        for name, content in logs.items():
            for mutation in judging.mutations(name, content, seed=f"{first_seed + number}", count=len(KINDS)):
                kinds[mutation.kind] += 1
                if text := judging.complaint(mutation, name, before[name]):
                    outcome.faults.append(text)
    outcome.tried = kinds.total()
    outcome.note = f"{len(kinds)} kinds of change in {len(logs)} logs, {outcome.tried // len(logs)} in each"
    return outcome


def attack_by_structures(seconds: float, first_seed: int) -> Outcome:
    """Let Hypothesis draw logs, round by round, each with its own seed."""
    from attack import attack
    from structures import logs

    outcome = Outcome(way="structures")

    def one(content: bytes) -> None:
        outcome.tried += 1
        attack(content)

    for number in rounds(seconds):
        checks = settings(max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        try:
            seed(first_seed + number)(checks(given(content=logs())(one)))()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look for
            outcome.faults.append(f"seed {first_seed + number}: {type(error).__name__}: {error}".splitlines()[0])
    outcome.note = f"seeds {first_seed} to {first_seed + number}"
    return outcome


def attack_by_bytes(seconds: float, first_seed: int) -> Outcome:
    """Let Atheris look for bytes, from the golden logs and the corpus, with the words of logs at hand."""
    outcome = Outcome(way="bytes")
    FOUND.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        new, words, seeds = Path(folder, "new"), Path(folder, "words"), Path(folder, "seeds")
        new.mkdir()
        seeds.mkdir()
        write_seeds(seeds)
        words.write_text("".join(f'"{word}"\n' for word in dictionary()), encoding="ascii")
        command = [sys.executable, str(HERE / "byte_target.py"), str(new), str(seeds), str(HERE / "corpus")]
        command += [f"-max_total_time={max(1, round(seconds))}", f"-seed={first_seed}", f"-dict={words}"]
        command += [f"-timeout={LONGEST_INPUT_S}", f"-rss_limit_mb={MEMORY_MB}", f"-max_len={LONGEST_INPUT_BYTES}"]
        command += [f"-artifact_prefix={FOUND}/", "-print_final_stats=1"]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", cwd=ROOT, check=False)
        said = done.stdout + done.stderr
        kept = len(list(new.iterdir()))
    runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", said)
    memory = re.search(r"stat::peak_rss_mb:\s*(\d+)", said)
    outcome.tried = int(runs.group(1)) if runs else 0
    outcome.note = f"{kept} inputs reached something new; {memory.group(1) if memory else '?'} MB at most"
    if done.returncode != 0 or not runs:
        last = [line for line in said.splitlines() if "Error" in line or "ERROR" in line or "Test unit" in line]
        outcome.faults.append(" ".join(last)[:500] or f"it ended with {done.returncode}")
    return outcome


def write_seeds(folder: Path) -> None:
    """Write the golden logs: whole ones, and of each some lines as inputs of their own."""
    lines: dict[bytes, None] = {}
    golden = [path for path in sorted((HERE.parent / "golden").rglob("*")) if ".mllog" in path.suffixes]
    for number, path in enumerate(golden):
        content = path.read_bytes()
        if len(content) < LONGEST_SEED_BYTES:
            (folder / f"{number}-{path.name}").write_bytes(content)
            lines |= dict.fromkeys(content.splitlines(keepends=True)[:: number % 7 + 3])
    for number, line in enumerate(list(lines)[:400]):
        (folder / f"line-{number}").write_bytes(line)


def dictionary() -> list[str]:
    """Return words of logs: the token, the fields, the keys, and numbers at the limits."""
    names = {name for known in judging.RULES.keys.values() for name in known.metadata_schema.get("properties", ())}
    words = [":::MLLOG ", ":::ML", "NaN", "1e999", str(2**63), "null", "\\\\ud800", "\\xff", "\\x0a", "\\x0d"]
    words += ["\\x1f\\x8b\\x08", "\\x28\\xb5\\x2f\\xfd"]  # gzip, Zstandard
    fields = ("namespace", "time_ms", "event_type", "key", "value", "metadata", "file", "lineno")
    types = ("INTERVAL_START", "INTERVAL_END", "POINT_IN_TIME", "success", "aborted", "closed", "open", "max", "min")
    return [*words, *fields, *types, *sorted(names), *sorted(judging.RULES.keys)]


WAYS = (attack_by_mutations, attack_by_structures, attack_by_bytes)


def table(outcomes: list[Outcome], command: str) -> str:
    """Return RESULTS.md."""
    rows = [
        f"| {found.way} | {found.tried:,} | {found.seconds:.0f} | {len(found.faults)} | {found.note} |"
        for found in outcomes
    ]
    faults = [f"* {found.way}: {text}" for found in outcomes for text in found.faults]
    return "\n".join(
        [
            "# What the attacks on the checker came to",
            "",
            f"Written by `{command}`; rules {judging.RULES.name}, sha256 {judging.RULES.sha256[:16]}…",
            "",
            "| way | inputs | seconds | faults | |",
            "|---|---|---|---|---|",
            *rows,
            "",
            *(faults or ["No input ended in a traceback, took long, took much memory, or was called something wrong."]),
            "",
        ]
    )


def main() -> int:
    """Attack, and return 1 where something was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    seconds = float(os.environ.get("FUZZ_SECONDS") or 600)
    parser.add_argument("--seconds", type=float, default=seconds, help="time in all (%(default)s, or $FUZZ_SECONDS)")
    parser.add_argument("--seed", type=int, default=1, help="where chance starts (%(default)s)")
    parser.add_argument("--write", action="store_true", help="write RESULTS.md")
    options = parser.parse_args()
    outcomes = []
    for way in WAYS:
        started_s = time.monotonic()
        outcomes.append(way(options.seconds / len(WAYS), options.seed))
        outcomes[-1].seconds = time.monotonic() - started_s
    command = f"python tests/fuzz/fuzz.py --seconds {options.seconds:g} --seed {options.seed} --write"
    text = table(outcomes, command)
    sys.stdout.write(text)
    if options.write:
        RESULTS.write_text(text, encoding="utf-8")
    return int(any(outcome.faults for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
