"""From what the user said to a fully resolved configuration: command line over file over scale over defaults.

Everything is checked here, before anything is launched, and all faults are reported together.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import checkpoints, environment, gpus, registry, yamldoc
from harness.configuration import Configuration, Submission
from harness.documents import Fault, faults, is_text, unfit
from harness.errors import ConfigError
from harness.launchers import detect
from harness.launchers.plan import Host, parse_hostfile, parse_hosts, ranks_per_node
from harness.paths import output_root
from harness.settings import SETTINGS, file_schema, option_of

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - it is where a file in memory lies


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the user asked for, not yet checked."""

    benchmark: str
    """Name of the benchmark."""

    given: Mapping[str, Any]
    """Settings from the command line; hyperparameters are under their own name."""

    hyperparameters: Mapping[str, Any]
    """Hyperparameters from the command line."""

    file: Path | None = None
    """Configuration file."""


def resolve(request: Request) -> Configuration:
    """Work out one run.

    Raises:
        ConfigError: with one line for each fault.
    """
    benchmark = registry.load(request.benchmark)
    document = yamldoc.load(request.file) if request.file else None
    schema = file_schema(benchmark.hyperparameters)
    found = _file_faults(document, schema, benchmark.name) + _option_faults(request, schema)
    if found:
        raise ConfigError("\n".join(found))
    values = _settings(request, document)
    scale = benchmark.scales.get(values["scale"])
    if scale is None:
        known = ", ".join(benchmark.scales)
        raise ConfigError(f"--scale: expected one of {known}, found {values['scale']} — {benchmark.name} has no other")
    from_file = document.value.get("hyperparameters", {}) if document else {}
    defaults = {name: schema["default"] for name, schema in benchmark.hyperparameters.items()}
    asked_for = {**from_file, **request.hyperparameters}
    scale = benchmark.scale_of(values["scale"], {**defaults, **asked_for}.get("model"))
    return _configuration(benchmark, scale, values, {**defaults, **scale.hyperparameters, **asked_for})


def _settings(request: Request, document: yamldoc.Document | None) -> dict[str, Any]:
    from_file = document.value if document else {}
    return {
        setting.name: request.given.get(setting.name, from_file.get(setting.name, setting.default))
        for setting in SETTINGS
    }


def _configuration(
    benchmark: registry.Benchmark, scale: registry.Scale, values: Mapping[str, Any], hyperparameters: Mapping[str, Any]
) -> Configuration:
    """The cross-field rules: each part may refuse, and all refusals are reported together."""
    refusals: list[str] = []

    def attempt(part: Any, *arguments: Any, **named: Any) -> Any:
        try:
            return part(*arguments, **named)
        except ConfigError as error:
            refusals.append(str(error))
            return None

    wanted = values["implementation"] or next(iter(benchmark.implementations))
    implementation = attempt(registry.implementation, benchmark, wanted)
    placed = attempt(_place, values)
    hosts, ranks = placed or ((), 1)
    launcher = attempt(detect.choose, values["launcher"], ranks=ranks, several_hosts=bool(hosts)) if placed else None
    resume = attempt(checkpoints.find, Path(values["resume"])) if values["resume"] else None
    target = attempt(_target, values, scale)
    stage = attempt(_stage, values)
    output = attempt(_output, values)
    if refusals or launcher is None:
        raise ConfigError("\n".join(refusals))
    precision, reason = _precision(values["precision"])
    return Configuration(
        benchmark=benchmark,
        implementation=implementation,
        scale=values["scale"],
        ranks=ranks,
        threads=max(1, environment.usable_cores() // ranks_per_node(hosts, ranks)),
        hosts=hosts,
        launcher=launcher,
        seed=values["seed"] if values["seed"] is not None else secrets.randbelow(2**31),
        precision=precision,
        precision_reason=reason,
        deterministic=values["deterministic"],
        hyperparameters=_whole_numbers(hyperparameters, benchmark.hyperparameters),
        target=target,
        max_epochs=int(values["epochs"] or scale.max_epochs),
        max_seconds=values["max_seconds"],
        stall_seconds=values["stall_seconds"],
        grace_seconds=values["grace_seconds"],
        data_dir=Path(values["data_dir"]).resolve() if values["data_dir"] else None,
        stage=stage,
        stage_as=values["stage_as"],
        stage_compress=values["stage_compress"],
        output_dir=output,
        resume_from=resume,
        **{name: int(values[name]) for name in ("log_every_steps", "checkpoint_every", "checkpoint_keep")},
        submission=Submission(
            org=values["org"],
            platform=values["platform"] or socket.gethostname(),
            status=values["status"],
            division=values["division"],
        ),
    )


def _place(values: Mapping[str, Any]) -> tuple[tuple[Host, ...], int]:
    """Hosts and number of ranks."""
    if values["hosts"] and values["hostfile"]:
        raise ConfigError("--hosts and --hostfile: expected one of them, found both — leave one out")
    hosts: tuple[Host, ...] = ()
    if values["hosts"]:
        hosts = parse_hosts(values["hosts"])
    elif values["hostfile"]:
        hosts = parse_hostfile(Path(values["hostfile"]))
    room = sum(host.slots for host in hosts)
    ranks = int(values["ranks"] or room or environment.default_ranks())
    if hosts and ranks > room:
        raise ConfigError(
            f"--np: expected at most the {room} slots of the hosts, found {ranks} — give hosts more slots"
        )
    return hosts, ranks


def _output(values: Mapping[str, Any]) -> Path:
    """Folder for run directories: the named one, or the usual one, whose place is the user's environment's."""
    folder = Path(values["output_dir"]).resolve() if values["output_dir"] else output_root()
    if not is_text(str(folder)):
        raise ConfigError(
            f"--output-dir: expected a path in UTF-8, found {str(folder)!a} — run.json could not name it; "
            "choose another folder"
        )
    return folder


def _target(values: Mapping[str, Any], scale: registry.Scale) -> float:
    if values["target"] is None:
        return scale.target
    if values["division"] == "closed" and values["target"] != scale.target:
        raise ConfigError(
            f"--target: expected {scale.target} in the closed division, found {values['target']} — "
            "leave it out, or add --division open"
        )
    return float(values["target"])


def _stage(values: Mapping[str, Any]) -> Path | None:
    """Folder to stage into. It is looked at on each node, which may see other folders than this one."""
    if values["stage"] is None:
        for name, otherwise in (("stage_as", "files"), ("stage_compress", "none")):
            if values[name] != otherwise:
                option = "--" + name.replace("_", "-")
                raise ConfigError(f"{option}: expected --stage beside it, found none — say where the copy goes")
        return None
    return SHARED_MEMORY if values["stage"] == "memory" else Path(values["stage"]).absolute()


def _precision(wanted: str) -> tuple[str, str]:
    if wanted != "auto":
        return wanted, "asked for"
    try:
        cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        cpuinfo = ""
    return environment.default_precision(cpuinfo, gpus.compute_capabilities())


def _file_faults(document: yamldoc.Document | None, schema: Mapping[str, Any], benchmark: str) -> list[str]:
    if document is None:
        return []
    found = [*faults(document.value, schema), *unfit(document.value)]
    named = document.value.get("benchmark", benchmark)
    if isinstance(named, str) and registry.normalise(named) != benchmark:
        text = f"expected {benchmark}, found {named} — run `sciml-bench {named} --config {document.name}`"
        found.append(Fault(path=("benchmark",), text=text))
    found.sort(key=lambda fault: document.lines.get(fault.path, 0))
    return [f"{document.where(fault.path)}: {fault.pointer()}: {fault.text}" for fault in found]


def _option_faults(request: Request, schema: Mapping[str, Any]) -> list[str]:
    value = {**request.given, "hyperparameters": dict(request.hyperparameters)}
    return [f"{option_of(fault.path)}: {fault.text}" for fault in [*faults(value, schema), *unfit(value)]]


def _whole_numbers(values: Mapping[str, Any], schemas: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """JSON Schema takes 8.0 for an integer; implementations get 8, and 1 for a number becomes 1.0."""
    convert = {"integer": int, "number": float}
    return {name: convert.get(str(schemas[name].get("type")), lambda v: v)(value) for name, value in values.items()}
