"""Build a package from run directories, which are read as files, and refuse what the checker would refuse."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compliance import rundir
from compliance.judge import Judgement, judge
from compliance.mismatch import mismatches
from compliance.package import code, manifest, minisign, system, write
from compliance.package import rules as package_rules
from compliance.package.check import check_package
from compliance.package.rules import PackageRules
from compliance.rules import LOGGING_SPEC, Ruleset
from compliance.schemas import same
from logging_spec.events import LineError, parse_line, parse_object

SYSTEM = "system.json"
POWER = "power/result_0"

SAME_SYSTEM = (
    "host_processors_per_node", "host_processor_model_name", "host_processor_core_count", "host_memory_capacity",
    "accelerator_model_name", "framework", "other_software_stack", "operating_system",
)  # fmt: skip
"""Fields in which all runs of a package agree: they are facts of the machine and its software, not of the moment."""


class BuildError(ValueError):
    """The package is not built. Each line of the message says what was expected, what was found, and what to do."""


class NotCompliantError(Exception):
    """The package would not be compliant; the judgements say why."""

    def __init__(self, judgements: list[Judgement]) -> None:
        super().__init__("the package would not be compliant")
        self.judgements = judgements


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to package, and where to."""

    runs: tuple[Path, ...]
    """Run directories, or folders of them."""

    out: Path
    """The package: a tar or a zip by its ending, else a folder."""

    org: str | None = None
    """Name of the organisation's folder; None takes that of the logs."""

    system: str | None = None
    """Name of the system's files and folders; None takes that of the logs."""

    stated: Mapping[str, str]
    """Fields of the system description that a person states."""

    code: Mapping[str, Path]
    """Folders with the code of implementations, by name; the empty name is for any."""

    commit: str | None = None
    """Commit of the checkout, with `-dirty` where it was changed; None where that is not known."""

    power: bool = True
    """Whether power logs are packaged, where runs have them."""

    sign: Path | None = None
    """File of the secret key that signs."""

    password: Callable[[], str]
    """Asks for the password of that key."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run directory."""

    path: Path
    """Where it is."""

    config: dict[str, Any]
    """run.json."""

    system: dict[str, Any]
    """system.json."""

    facts: dict[str, Any]
    """First value of each key of its log."""


@dataclass(frozen=True, kw_only=True)
class Built:
    """A package that was built."""

    files: int
    """Number of its files."""

    runs: int
    """Number of its runs."""

    manifest_sha256: str
    """SHA-256 of its manifest, which stands for all of it."""

    judgements: list[Judgement]
    """What the checker says of it: warnings at most."""


def build(request: Request, rules: Ruleset) -> Built:
    """Build a package, judge it, and only then give it its name.

    Raises:
        BuildError: the runs do not make a package.
        NotCompliantError: the package breaks rules.
        SignatureError: the key is none.
        OSError: something cannot be read or written, or `out` is there already.
    """
    package = package_rules.load(rules.name)
    secret = minisign.read_secret_key(request.sign, request.password) if request.sign else None
    runs = _read_runs(request, rules, package)
    files = _files(runs, request, package)
    org = next(iter(files)).partition("/")[0]
    digests = {name: hashlib.sha256(write.content_of(source)).hexdigest() for name, source in files.items()}
    listing = manifest.text({name.removeprefix(f"{org}/"): digest for name, digest in digests.items()}).encode()
    files[package.layout.name_of("manifest", org=org)] = listing
    if secret:
        comment = f"package of {org}, {len(digests)} files, {len(runs)} runs"
        files[package.layout.name_of("signature", org=org)] = minisign.sign(listing, secret, comment).encode()
    with write.published(request.out) as draft:
        write.writer_of(request.out)(files, draft)
        key = minisign.public_key(secret) if secret else None
        judgements = check_package(draft, rules, key, name=str(request.out))
        if any(rules.rules[finding.rule].severity == "error" for judged in judgements for finding in judged.findings):
            raise NotCompliantError(judgements)
    return Built(
        files=len(files),
        runs=len(runs),
        manifest_sha256=hashlib.sha256(listing).hexdigest(),
        judgements=judgements,
    )


def _read_runs(request: Request, rules: Ruleset, package: PackageRules) -> list[Run]:
    paths = list(dict.fromkeys(found.resolve() for path in request.runs for found in rundir.runs_below(path)))
    judged = [(path, judge(path, rules)) for path in paths if path.is_dir()]
    faults = [f"{path}: expected a run directory, found a file — name its folder" for path in paths if path.is_file()]
    allowed = package.unconverged_rules
    bad = [
        judgement
        for _, judgement in judged
        if any(rules.rules[f.rule].severity == "error" and f.rule not in allowed for f in judgement.findings)
    ]
    if bad:
        raise NotCompliantError(bad)
    runs = []
    for path, _ in judged:
        try:
            runs.append(_read_run(path))
        except (LineError, OSError, BuildError) as error:
            faults.append(f"{path}: {error}")
    faults += _differences(runs)
    if faults:
        raise BuildError("\n".join(faults))
    return sorted(runs, key=lambda run: (run.config["benchmark"], run.config["run_id"]))


def _read_run(path: Path) -> Run:
    facts: dict[str, Any] = {}
    config = rundir.read_config(path).content
    assert config is not None, "a run without a run.json that is one has an error"
    with (path / rundir.LOG).open(encoding="utf-8") as log:
        for line in log:
            event = parse_line(line)
            if event is not None:
                facts.setdefault(
                    event.key, event.value if event.key != "code_commit" else (event.value, event.metadata)
                )
    try:
        document = parse_object((path / SYSTEM).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BuildError(f"expected {SYSTEM}, found none — run it with a harness that describes the system") from None
    schema = parse_object((LOGGING_SPEC / "schemas" / "system.schema.json").read_text(encoding="utf-8"))
    if faults := list(mismatches(schema, document)):
        fault = faults[0]
        raise BuildError(f"{SYSTEM} $.{fault.path}: expected {fault.expected}, found {fault.found} — run it anew")
    return Run(path=path, config=config, system=document, facts=facts)


def _differences(runs: list[Run]) -> list[str]:
    """Say in what the runs differ that one package cannot hold."""
    faults = [] if runs else ["RUN: expected run directories, found none — name those of one set"]
    for run in runs[1:]:
        for key in ("submission_org", "submission_platform", "submission_division"):
            faults += _differs(run, runs[0], key, run.facts.get(key), runs[0].facts.get(key))
        for field in SAME_SYSTEM:
            own, first = (one.system["mlperf"][field]["value"] for one in (run, runs[0]))
            faults += _differs(run, runs[0], f"{SYSTEM} {field}", own, first)
    first_of: dict[str, Run] = {}
    for run in runs:
        other = first_of.setdefault(run.config["benchmark"], run)
        faults += _differs(run, other, "implementation", run.config["implementation"], other.config["implementation"])
    return faults


def _differs(run: Run, other: Run, what: str, found: Any, expected: Any) -> list[str]:
    if same(found, expected):
        return []
    advice = "package them apart, each under its own --system"
    return [f"{run.path}: {what}: expected {expected!r}, as in {other.path.name}, found {found!r} — {advice}"]


def _files(runs: list[Run], request: Request, package: PackageRules) -> dict[str, write.Source]:
    layout, first = package.layout, runs[0]
    org = _folder_name("--org", request.org, first.facts["submission_org"], package, strict=True)
    name = _folder_name("--system", request.system, first.facts["submission_platform"], package, strict=False)
    described = system.flattened(first.system, request.stated, package.system_status)
    files: dict[str, write.Source] = {layout.name_of("system", org=org, system=name): _document(described)}
    for benchmark in sorted({run.config["benchmark"] for run in runs}):
        of_set = [run for run in runs if run.config["benchmark"] == benchmark]
        files |= _results(of_set, package, org, name, power=request.power)
        implementation = of_set[0].config["implementation"]
        place = {"org": org, "benchmark": benchmark, "implementation": implementation}
        for rest, source in _code(of_set, request).items():
            files[layout.name_of("code", **place, rest=rest)] = source
        settings = layout.name_of(
            "settings", org=org, benchmark=benchmark, system=name, rest=f"{name}_{implementation}.json"
        )
        files[settings] = _document(_settings(of_set))
    return files


def _results(runs: list[Run], package: PackageRules, org: str, name: str, *, power: bool) -> dict[str, write.Source]:
    files: dict[str, write.Source] = {}
    for number, run in enumerate(runs):
        place = {"org": org, "system": name, "benchmark": run.config["benchmark"], "run": number}
        files[package.layout.name_of("result", **place)] = run.path / rundir.LOG
        for path in sorted((run.path / POWER).glob("node_*.txt")) if power else ():
            node = path.stem.removeprefix("node_")
            files[package.layout.name_of("power", **place, node=node)] = path
    return files


def _code(runs: list[Run], request: Request) -> write.Files:
    benchmark, name = runs[0].config["benchmark"], runs[0].config["implementation"]
    folder = request.code.get(name, request.code.get(""))
    own = not code.is_of_a_suite(benchmark, name, folder or code.SUITE)
    if folder is None:
        if own:
            raise BuildError(
                f"{benchmark}: expected the code of {name!r}, found none in the suite — name it: --code DIR"
            )
        _require_commit(runs, request.commit)
    implementation = code.Implementation(
        benchmark=benchmark,
        name=name,
        division=runs[0].facts["submission_division"],
        config=runs[0].config,
        folder=folder or code.SUITE,
        own=own,
    )
    try:
        return code.files_of(implementation)
    except code.CodeError as error:
        raise BuildError(str(error)) from None


def _require_commit(runs: list[Run], checkout: str | None) -> None:
    """The code that is packaged has to be the code that was run, as far as git can tell."""
    for run in runs:
        commit, metadata = run.facts.get("code_commit", (None, {}))
        if commit is None or checkout is None or metadata.get("dirty"):
            continue  # the log says so, and the checker warns
        if checkout != commit:
            advice = "check out that commit, or name a checkout of it: --code DIR"
            raise BuildError(f"{run.path}: code_commit: expected {checkout}, as checked out, found {commit} — {advice}")


def _settings(runs: list[Run]) -> dict[str, Any]:
    """What all runs of a set were told, save for paths, and the seed of each."""
    config = runs[0].config
    told = (
        "benchmark",
        "implementation",
        "scale",
        "deterministic",
        "precision",
        "world_size_expected",
        "threads_per_rank",
    )
    return {
        **{name: config[name] for name in told},
        "dataset_id": config["data"]["dataset_id"],
        "dataset_manifest_sha256": config["data"]["manifest_sha256"],
        "hyperparameters": config["hyperparameters"],
        "target": config["target"],
        "limits": config["limits"],
        "seeds": [run.config["seed"] for run in runs],
    }


def _folder_name(option: str, given: str | None, logged: str, package: PackageRules, *, strict: bool) -> str:
    plain = re.sub(r"[^A-Za-z0-9_.+=@,~-]+", "_", logged).strip("._")
    chosen = plain if given is None else given
    if not package.component.fullmatch(chosen) or chosen in (".", ".."):
        raise BuildError(f"{option}: expected letters, digits and -_.+=@,~, found {chosen!r} — choose a plain name")
    if strict and plain and chosen not in (plain, logged):
        advice = f"the logs say {logged!r}; package them under that name, or run under the other"
        raise BuildError(f"{option}: expected {plain}, found {chosen} — {advice}")
    return chosen


def _document(content: Any) -> bytes:
    return (json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
