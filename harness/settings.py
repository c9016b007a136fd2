"""Every setting of a run, once: its name in a configuration file, its option, its schema, its text.

The options of the command line and the schema of configuration files are both made from this table, and those of the
hyperparameters from the benchmark's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting."""

    name: str
    """Name in a configuration file; the option is the same with dashes."""

    schema: Mapping[str, Any]
    """JSON Schema of its value."""

    text: str
    """What it does, in a sentence for `--help`."""

    option: str = ""
    """The option, where it is not `--` and the name."""

    short: str = ""
    """A second option: a letter, or another name."""

    metavar: str = ""
    """Placeholder in `--help`."""

    shown_default: str = ""
    """Default as `--help` shows it, where the value is worked out later."""

    default: Any = None
    """Value where nothing else is said; None is worked out later."""

    @property
    def flag(self) -> str:
        """The long option."""
        return self.option or f"--{self.name.replace('_', '-')}"


_TEXT = {"type": "string", "minLength": 1, "maxLength": 4096}

SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="implementation", schema=_TEXT, short="-i", metavar="NAME|PATH.json",
        text="Implementation: a name, or a file that declares one from outside the repository.",
        shown_default="the benchmark's first",
    ),
    Setting(
        name="scale", schema={"enum": ["tiny", "small", "full"]}, default="small",
        text="Size of the problem: the data set, the target, and the hyperparameters' defaults.",
    ),
    Setting(
        name="ranks", schema={"type": "integer", "minimum": 1, "maximum": 1_000_000}, option="--np", short="-n",
        text="Number of ranks.", shown_default="the hosts' slots, or 2 where there are two cores",
    ),
    Setting(
        name="hosts", schema=_TEXT, metavar="a:2,b:2",
        text="Machines and how many ranks each takes; they see the same file system.",
    ),
    Setting(name="hostfile", schema=_TEXT, metavar="FILE", text="The same as a file: lines of NAME slots=N."),
    Setting(
        name="launcher", schema={"enum": ["auto", "local", "openmpi", "mpich", "srun"]}, default="auto",
        text="What starts the ranks; local is one rank without a launcher.",
    ),
    Setting(
        name="seed", schema={"type": "integer", "minimum": 0, "maximum": 2**63 - 1},
        text="Seed of the initial weights and of the order of samples.", shown_default="drawn, and logged",
    ),
    Setting(
        name="precision", schema={"enum": ["auto", "fp32", "bf16"]}, default="auto",
        text="Arithmetic of the compute-heavy operations; auto is bf16 where matrix units compute in it.",
    ),
    Setting(
        name="deterministic", schema={"type": "boolean"}, default=False,
        text="Ask for deterministic kernels: the same seed gives the same result on the same machine, more slowly.",
    ),
    Setting(
        name="epochs", schema={"type": "integer", "minimum": 1}, short="--max-epochs",
        text="Epochs after which the run ends without the target.", shown_default="the scale's",
    ),
    Setting(
        name="max_seconds", schema={"type": "number", "exclusiveMinimum": 0},
        text="Seconds of training after which the run ends without the target.", shown_default="no limit",
    ),
    Setting(
        name="stall_seconds", schema={"type": "number", "exclusiveMinimum": 0}, default=1800,
        text="Seconds without any event after which the run is stopped as stalled.",
    ),
    Setting(
        name="grace_seconds", schema={"type": "number", "minimum": 0}, default=30,
        text="Seconds that ranks get to finish their step and write a checkpoint when the run is stopped.",
    ),
    Setting(
        name="division", schema={"enum": ["closed", "open"]}, default="closed",
        text="Closed: the reference's model and rules. Open: anything that reaches the target.",
    ),
    Setting(
        name="target", schema={"type": "number"},
        text="Value that the metric has to reach; only in the open division.", shown_default="the scale's",
    ),
    Setting(
        name="data_dir", schema=_TEXT, metavar="DIR",
        text="Folder of the data set, or of data sets.", shown_default="$SCIML_BENCH_DATA, or data/ in the checkout",
    ),
    Setting(
        name="stage", schema=_TEXT, metavar="memory|DIR",
        text="Copy the data set into memory, or a folder near to the ranks, which each node has, before it is read. "
        "The run's clock counts it, and the copy goes with the run.",
        shown_default="read the data where they are",
    ),
    Setting(
        name="stage_as", schema={"enum": ["files", "samples"]}, default="files",
        text="Copy the files as they are, or prepare samples as the network takes them, for faster epochs.",
    ),
    Setting(
        name="stage_compress", schema={"enum": ["none", "bitshuffle-lz4"]}, default="none",
        text="How the copy is compressed; reading takes longer then, and less room is needed.",
    ),
    Setting(
        name="output_dir", schema=_TEXT, metavar="DIR",
        text="Folder for run directories.", shown_default="$SCIML_BENCH_OUTPUT, or runs/ here",
    ),
    Setting(
        name="resume", schema=_TEXT, metavar="RUN|CHECKPOINT",
        text="Continue from the newest good checkpoint of a run, or from a checkpoint file.",
    ),
    Setting(
        name="log_every_steps", schema={"type": "integer", "minimum": 1}, default=10,
        text="Steps between two progress events; after five seconds there is one anyway.",
    ),
    Setting(
        name="checkpoint_every", schema={"type": "integer", "minimum": 0}, default=1,
        text="Epochs between two checkpoints; 0 writes none.",
    ),
    Setting(
        name="checkpoint_keep", schema={"type": "integer", "minimum": 1}, default=2,
        text="Newest checkpoints that stay.",
    ),
    Setting(name="org", schema=_TEXT, default="unofficial", text="Organisation that stands behind the run."),
    Setting(name="platform", schema=_TEXT, text="Name of the system.", shown_default="this machine's name"),
    Setting(
        name="status", schema={"enum": ["onprem", "cloud", "research"]}, default="research",
        text="Availability of the system.",
    ),
)  # fmt: skip

BY_NAME: dict[str, Setting] = {setting.name: setting for setting in SETTINGS}


def file_schema(hyperparameters: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """JSON Schema of a configuration file for a benchmark with these hyperparameters."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "benchmark": _TEXT,
            **{setting.name: dict(setting.schema) for setting in SETTINGS},
            "hyperparameters": {
                "type": "object",
                "additionalProperties": False,
                "properties": {name: dict(schema) for name, schema in hyperparameters.items()},
            },
        },
    }


def option_of(path: tuple[str | int, ...]) -> str:
    """The option by which a value can be given on the command line."""
    if len(path) == 1 and path[0] in BY_NAME:
        return BY_NAME[str(path[0])].flag
    return f"--{str(path[-1]).replace('_', '-')}" if path else "the command line"
