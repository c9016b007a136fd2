"""Watch the log of a run while it is written, and say when it can no longer be compliant.

The checker does the watching, as the program that it is. It looks only at what no later event can mend.
"""

from __future__ import annotations

import sys
import tempfile
from types import TracebackType
from typing import IO

from harness.errors import RunFailed
from harness.paths import ROOT
from harness.process import Companion
from harness.registry import Benchmark
from harness.rundir import RunDirectory
from logging_spec.events import LineError, parse_object

HOPELESS = 1
"""Exit code with which the checker says so."""


class Watch:
    """The checker beside a run. That it cannot watch ends no run, and is said."""

    def __init__(self, directory: RunDirectory, benchmark: Benchmark) -> None:
        argv = [sys.executable, "-m", "compliance", "check", "--follow", "--until-hopeless", "--format", "json"]
        argv += ["--benchmark", str(benchmark.path)] if benchmark.home != ROOT else []
        self._argv = [*argv, "--", str(directory.root)]
        self._checker: Companion | None = None
        self._trouble = ""

    def __enter__(self) -> Watch:
        self._out, self._err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        try:
            self._checker = Companion(self._argv, cwd=ROOT, stdout=self._out, stderr=self._err)
        except RunFailed as error:
            self._trouble = str(error)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        code = self._checker.poll() if self._checker else None
        if code not in (None, 0, HOPELESS):
            self._trouble = (_text(self._err).splitlines() or [f"it ended with {code}"])[-1]
        if self._checker is not None:
            self._checker.end()
        self._out.close()
        self._err.close()

    @property
    def trouble(self) -> str:
        """Why nothing was watched, or not to the end; empty where all went well."""
        return self._trouble

    def verdict(self) -> str | None:
        """What it is that can no longer be mended; None while there is hope."""
        if self._checker is None or self._checker.poll() != HOPELESS:
            return None
        try:
            findings = parse_object(_text(self._out))["files"][0]["findings"]
        except (LineError, LookupError, TypeError) as error:
            self._trouble = f"the checker's answer is no verdict: {error}"
            self._checker = None
            return None
        return next(
            f"{found['rule']} {found['where']}: expected {found['expected']}, found {found['found']}"
            for found in findings
            if found["severity"] == "error"
        )


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")
