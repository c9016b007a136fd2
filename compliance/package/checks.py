"""The checks of a package as a whole: pure functions over what it holds, listed in one table at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from compliance.finding import NOTHING, Finding, name, show
from compliance.package import manifest, minisign, power
from compliance.package.contents import Contents, Log, unfit_signature
from compliance.package.rules import PackageRules
from compliance.schemas import is_integer, same

Found = Iterator[tuple[str, Finding]]
"""Findings, each with the name of the file that it is about; the empty name is the package itself."""

Check = Callable[[Contents, PackageRules], Found]

PACKAGE = ""


def check_layout(contents: Contents, _rules: PackageRules) -> Found:
    """One organisation, and every file in its place."""
    orgs = sorted({file.split("/")[0] for file in [*contents.places, *contents.others]})
    if len(orgs) != 1:
        found = ", ".join(orgs[:4]) or NOTHING
        yield (
            PACKAGE,
            _finding("sciml-package-006", "package", "the folder of one organisation", name(found), "pack one"),
        )
    for file in contents.others:
        expected = "one of the places of SPEC.md, section 6.1"
        advice = "put it below benchmarks/<benchmark>/implementations/<name>/, or take it out"
        yield file, _finding("sciml-package-007", "file", expected, "another one", advice)


def check_references(contents: Contents, rules: PackageRules) -> Found:
    """Results have their system and their code; systems have results."""
    systems = contents.of_kind("system")
    described = {(place.org, place.system) for place in systems.values()}
    coded = {(place.org, place.benchmark) for place in contents.of_kind("code").values()}
    results = contents.sets()
    if not results:
        advice = "build a package from runs"
        yield PACKAGE, _finding("sciml-package-008", "results", "at least one set of runs", NOTHING, advice)
    for org, system, benchmark in results:
        first = results[org, system, benchmark][0].name
        if (org, system) not in described:
            expected = rules.layout.name_of("system", org=org, system=system)
            yield first, _finding("sciml-package-008", "system", expected, NOTHING, "describe the system of the runs")
        if (org, benchmark) not in coded:
            expected = f"{org}/benchmarks/{benchmark}/implementations/"
            yield first, _finding("sciml-package-008", "code", expected, NOTHING, "add the code that made the runs")
    used = {(org, system) for org, system, _ in results}
    for file, place in systems.items():
        if (place.org, place.system) not in used:
            advice = "take it out, or add the runs on it"
            yield file, _finding("sciml-package-008", "results", "runs on this system", NOTHING, advice)


def check_counts(contents: Contents, rules: PackageRules) -> Found:
    """As many runs as the rules ask for, numbered from 0 without a gap."""
    for (_, _, benchmark), logs in contents.sets().items():
        numbers = [log.place.run for log in logs]
        expected = rules.runs_of(benchmark)
        if numbers != list(range(expected)):
            text = ", ".join(map(str, numbers[:24]))
            yield logs[0].name, _finding(
                "sciml-package-009", "set of runs", f"{expected} runs, result_0.txt to result_{expected - 1}.txt",
                f"{len(numbers)}: {text}", "package all runs of the set, and no others",
            )  # fmt: skip


def check_code(contents: Contents, rules: PackageRules) -> Found:
    """Each implementation has its scripts and its sources, and none of them is empty."""
    found: dict[tuple[str, str, str], dict[str, str]] = {}
    for file, place in contents.of_kind("code").items():
        found.setdefault((place.org, place.benchmark, place.implementation), {})[place.rest] = file
    for (org, benchmark, implementation), files in found.items():
        folder = f"{org}/benchmarks/{benchmark}/implementations/{implementation}"
        for script in rules.scripts:
            if script not in files:
                advice = "say how the code is set up and run"
                yield folder, _finding("sciml-package-010", script, "a file of that name", NOTHING, advice)
            elif contents.sizes[files[script]] == 0:
                yield files[script], _finding("sciml-package-010", "size", "some bytes", "none", "write it")
            elif script.endswith(".sh") and not contents.heads[files[script]].startswith(b"#!"):
                found_first = show(contents.heads[files[script]].decode("latin-1"))
                advice = "begin a script with the program that runs it"
                yield files[script], _finding("sciml-package-010", "first line", "#! and a shell", found_first, advice)
        sources = [rest for rest in files if rest.endswith(rules.source_suffixes) and rest not in rules.scripts]
        if not any(contents.sizes[files[rest]] for rest in sources):
            expected = f"a source file ({', '.join(rules.source_suffixes[:4])}, …)"
            yield folder, _finding("sciml-package-010", "sources", expected, NOTHING, "add the code that made the runs")


def check_sets(contents: Contents, rules: PackageRules) -> Found:
    """The runs of a set are of one benchmark, one system and one implementation, and differ in nothing that counts."""
    coded = {(place.org, place.benchmark, place.implementation) for place in contents.of_kind("code").values()}
    for (org, _, benchmark), logs in contents.sets().items():
        for log in logs:
            told = log.facts.value.get("submission_benchmark", benchmark)
            if told != benchmark:
                yield _of(
                    log, "submission_benchmark", show(benchmark), show(told), "put the log below its own benchmark"
                )
            implementation = log.facts.value.get("implementation")
            if isinstance(implementation, str) and (org, benchmark, implementation) not in coded:
                expected = "an implementation of the package"
                yield _of(log, "implementation", expected, show(implementation), "add the code that made the run")
        yield from _differences(logs, rules)


def _differences(logs: list[Log], rules: PackageRules) -> Found:
    for key in rules.same_in_a_set:
        told = [log for log in logs if key in log.facts.value]
        for log in told[1:]:
            if not same(log.facts.value[key], told[0].facts.value[key]):
                expected = f"{show(told[0].facts.value[key])}, as in result_{told[0].place.run}.txt"
                yield _of(log, key, expected, show(log.facts.value[key]), "package runs of one configuration together")


def check_seeds(contents: Contents, _rules: PackageRules) -> Found:
    """Each run of a set has its own seed."""
    for logs in contents.sets().values():
        yield from _distinct(logs, "seed", "sciml-package-012", "run with another seed")
        for log in logs:
            seed = log.facts.value.get("seed")
            if not is_integer(seed):
                found = show(seed) if "seed" in log.facts.value else NOTHING
                line = log.facts.line.get("seed", max(1, log.judgement.lines))
                advice = "log the seed in effect, from rank 0"
                yield log.name, _finding("sciml-package-012", "seed", "an integer", found, advice, line)


def check_copies(contents: Contents, _rules: PackageRules) -> Found:
    """No run stands in the package twice."""
    logs = sorted(contents.logs, key=lambda log: (log.name.rpartition("/")[0], log.place.run))
    yield from _distinct(logs, "run_id", "sciml-package-013", "package each run once")


def _distinct(logs: list[Log], key: str, rule: str, advice: str) -> Found:
    first: dict[Any, Log] = {}
    for log in logs:
        value = log.facts.value.get(key)
        if not isinstance(value, str | int):
            continue
        other = first.setdefault(value, log)
        if other is not log:
            expected = f"another than that of {other.name.split('/', 2)[-1]}"
            yield log.name, _finding(rule, key, expected, show(value), advice, log.facts.line[key])


def check_seals(contents: Contents, _rules: PackageRules) -> Found:
    """Each log is sealed."""
    for log in contents.logs:
        if "log_seal" not in log.facts.line:
            advice = "run with a harness that chains the lines; such a log can be edited unnoticed"
            line = max(1, log.judgement.lines)
            yield log.name, _finding("sciml-package-015", "log_seal", "the seal of the log", NOTHING, advice, line)


def check_systems(contents: Contents, rules: PackageRules) -> Found:
    """System descriptions agree with the logs of the runs on them."""
    for (org, system, _), logs in contents.sets().items():
        file = rules.layout.name_of("system", org=org, system=system)
        document = contents.systems.get(file)
        if document is None:
            continue
        for log in logs:
            yield from _disagreements(log, document, f"systems/{system}.json", rules)


def _disagreements(log: Log, document: dict[str, Any], file: str, rules: PackageRules) -> Found:
    for field, key in AGREEMENTS.items():
        told = log.facts.value.get(key)
        in_words = rules.system_status.get(told, told) if field == "status" and isinstance(told, str) else told
        if key in log.facts.value and field in document and str(in_words) != str(document[field]):
            expected = f"{show(document[field])}, as $.{field} in {file}"
            yield _of(log, key, expected, show(told), "describe the system of these runs", "sciml-package-017")


AGREEMENTS = {
    "submitter": "submission_org",
    "division": "submission_division",
    "status": "submission_status",
    "system_name": "submission_platform",
    "number_of_nodes": "number_of_nodes",
    "accelerators_per_node": "accelerators_per_node",
}
"""Field of a system description → key of a log that says the same."""


def check_power(contents: Contents, rules: PackageRules) -> Found:
    """Power logs cover their runs, at their rate, and every run of a set has those of the same nodes."""
    logs = {(log.place.org, log.place.system, log.place.benchmark, log.place.run): log for log in contents.logs}
    for file, power_log in contents.powers.items():
        place = contents.places[file]
        log = logs.get((place.org, place.system, place.benchmark, place.run))
        if log is None:
            advice = "keep power logs beside their result"
            yield file, _finding("sciml-package-025", "run", f"result_{place.run}.txt", NOTHING, advice)
        elif {"run_start", "run_stop"} <= log.facts.time_ms.keys():
            times = log.facts.time_ms
            for finding in power.check_run(power_log, times["run_start"], times["run_stop"], rules.power):
                yield file, finding
    yield from _nodes(contents)


def _nodes(contents: Contents) -> Found:
    powers = [place for place in contents.places.values() if place.kind == "power"]
    for key, logs in contents.sets().items():
        measured = [place for place in powers if (place.org, place.system, place.benchmark) == key]
        for log in logs if measured else ():
            nodes = sorted(place.node for place in measured if place.run == log.place.run)
            expected = log.facts.value.get("number_of_nodes")
            if is_integer(expected) and nodes != list(range(expected)):
                text = ", ".join(f"node_{node}" for node in nodes[:12]) or NOTHING
                words = f"node_0.txt to node_{expected - 1}.txt" if expected > 1 else "node_0.txt"
                advice = "package power logs of all nodes and all runs of a set, or of none"
                yield log.name, _finding("sciml-package-025", "power logs", words, text, advice)


def check_manifest(contents: Contents, rules: PackageRules) -> Found:
    """The manifest is there, and lists each file with its digest."""
    orgs = sorted({file.split("/")[0] for file in contents.digests})
    for org in orgs:
        own = rules.layout.name_of("manifest", org=org)
        unlisted = {own, rules.layout.name_of("signature", org=org)}
        if own not in contents.digests:
            advice = "build the package with sciml-bench package"
            yield PACKAGE, _finding("sciml-package-026", own, "a manifest", NOTHING, advice)
        elif own in contents.listed:
            there = {
                file.removeprefix(f"{org}/"): digest
                for file, digest in contents.digests.items()
                if file.startswith(f"{org}/") and file not in unlisted
            }
            for file, finding in manifest.compare(contents.listed[own], there):
                yield (f"{org}/{file}" if file in there else own), finding


def check_signature(contents: Contents, rules: PackageRules, key: minisign.PublicKey | None) -> Found:
    """The signature is that of the manifest, by the key that the reader trusts."""
    signed = contents.of_kind("signature")
    for file, place in signed.items():
        content = contents.manifests.get(rules.layout.name_of("manifest", org=place.org))
        signature = contents.signatures.get(file)
        if signature is None or content is None:
            continue
        if key is None:
            advice = "name the key of whom you trust: --public-key"
            yield file, _finding("sciml-package-029", "signature", "a key to verify it with", NOTHING, advice)
            continue
        try:
            minisign.verify(content, signature, key)
        except minisign.SignatureError as error:
            yield file, unfit_signature(error)
    if key is not None and not signed:
        advice = "ask for the package with its signature"
        yield PACKAGE, _finding("sciml-package-028", "signature", "one by the key that was named", NOTHING, advice)


def tolerated(contents: Contents, rules: PackageRules, errors: frozenset[str]) -> dict[str, Finding]:
    """Return the logs that honestly missed the target, as far as their number is allowed, with what to say instead.

    Args:
        contents: the package.
        rules: how many may miss it, and which rules that breaks.
        errors: rules whose breach is an error.
    """
    found: dict[str, Finding] = {}
    for logs in contents.sets().values():
        missed = [log for log in logs if _missed(log, rules, errors)]
        for log in missed if len(missed) <= rules.unconverged_at_most else ():
            expected = "a run that reached its target"
            advice = "olympic scoring takes it as the slowest run"
            line = log.facts.line.get("run_stop", 1)
            found[log.name] = _finding("sciml-package-014", "run_stop", expected, "one that missed it", advice, line)
    return found


def _missed(log: Log, rules: PackageRules, errors: frozenset[str]) -> bool:
    broken = Counter(finding.rule for finding in log.judgement.findings if finding.rule in errors)
    return bool(broken) and broken.keys() <= rules.unconverged_rules


CHECKS: tuple[Check, ...] = (
    check_layout,
    check_references,
    check_counts,
    check_code,
    check_sets,
    check_seeds,
    check_copies,
    check_seals,
    check_systems,
    check_power,
    check_manifest,
)
"""Checks of the whole package. The signature has one of its own, because it needs a key."""


def _of(
    log: Log, key: str, expected: str, found: str, advice: str, rule: str = "sciml-package-011"
) -> tuple[str, Finding]:
    return log.name, _finding(rule, key, expected, found, advice, log.facts.line.get(key, 1))


def _finding(rule: str, where: str, expected: str, found: str, advice: str, line: int = 1) -> Finding:
    return Finding(rule=rule, line=line, where=where, expected=expected, found=found, advice=advice)
