"""`python -m compliance diff A B`: exit 0 where no fact differs, 1 where one does, as diff(1) has it; 2 is trouble."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from compliance.diff import forms
from compliance.diff.compare import compare
from compliance.rules import Ruleset
from compliance.sets.members import members
from compliance.sets.refusal import Refused
from compliance.sets.run import Run, read_run
from compliance.sets.verbs import existing

EQUAL, DIFFERENT = 0, 1


def run(options: argparse.Namespace, rules: Ruleset, write: Callable[[str], None]) -> int:
    """Do what the options ask for.

    Raises:
        Refused: a side is nothing that has facts.
        OSError: a file cannot be read.
    """
    compared = compare(_side(options.a, rules), _side(options.b, rules))
    form = forms.as_json if options.format == "json" else forms.as_text
    write(form(options.a, options.b, compared, everything=options.all))
    return EQUAL if compared.equal else DIFFERENT


def _side(path: str, rules: Ruleset) -> list[Run]:
    runs = [read_run(member, rules) for member in members(existing(path))]
    if not any(run.first for run in runs):
        raise Refused(f"{path}: expected a log with events, found none — name a run, a log or a package")
    return runs
