"""MANIFEST.sha256: one line for each file of a package, as `sha256sum` writes and checks it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from compliance.finding import Finding, name

NAME = "MANIFEST.sha256"
_LINE = re.compile(r"([0-9a-f]{64})  ([^\n]+)")


def text(digests: Mapping[str, str]) -> str:
    """Return the manifest of files; `digests` are SHA-256 by name within the organisation's folder."""
    return "".join(f"{digests[file]}  {file}\n" for file in sorted(digests))


def read(content: bytes) -> tuple[dict[str, str], list[Finding]]:
    """Return the digests by name, and what is wrong with the form."""
    entries: dict[str, str] = {}
    findings = []
    lines = content.decode("utf-8", "replace").split("\n")
    if lines[-1]:
        findings.append(_finding("sciml-package-026", len(lines), "line", "a line feed at its end", "none"))
    for number, line in enumerate(lines[:-1], start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            expected = "64 hexadecimal digits, two blanks and a name"
            findings.append(_finding("sciml-package-026", number, "line", expected, name(line)))
        elif match.group(2) in entries:
            findings.append(_finding("sciml-package-026", number, name(match.group(2)), "each name once", "it again"))
        else:
            entries[match.group(2)] = match.group(1)
    if not entries:
        findings.append(_finding("sciml-package-026", 1, NAME, "a line for each file", "none"))
    return entries, findings


def compare(listed: Mapping[str, str], there: Mapping[str, str]) -> Iterator[tuple[str, Finding]]:
    """Yield each file that is not what the manifest says, with its name."""
    for file in sorted({*listed, *there}):
        if file not in there:
            yield file, _finding("sciml-package-027", 1, name(file), "the file that is listed", "none of that name")
        elif file not in listed:
            yield file, _finding("sciml-package-027", 1, NAME, "a line for each file", "none for this one")
        elif listed[file] != there[file]:
            found = f"{there[file][:16]}…"
            yield file, _finding("sciml-package-027", 1, "SHA-256", f"{listed[file][:16]}…, as in {NAME}", found)


def _finding(rule: str, line: int, where: str, expected: str, found: str) -> Finding:
    advice = "build the package anew from its runs; it was changed, or cut"
    return Finding(rule=rule, line=line, where=where, expected=expected, found=found, advice=advice)
