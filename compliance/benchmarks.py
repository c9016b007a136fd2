"""Write the part of a rule set that knows benchmarks, from the benchmarks' own benchmark.json files.

    python -m compliance.benchmarks reference/*/benchmark.json > compliance/rulesets/sciml-1.0/benchmarks.json

Only files cross from one room to another: nothing here imports a benchmark. A test holds the two to each other.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from logging_spec.events import parse_object

SCALE_FACTS = ("dataset_id", "simulated", "target")


def collect(paths: list[Path]) -> dict[str, Any]:
    """Return what the checker needs of each benchmark, by name."""
    documents = [parse_object(path.read_text(encoding="utf-8")) for path in paths]
    return {document["name"]: _facts(document) for document in sorted(documents, key=lambda found: str(found["name"]))}


def _facts(document: dict[str, Any]) -> dict[str, Any]:
    scales = {name: {fact: scale[fact] for fact in SCALE_FACTS} for name, scale in sorted(document["scales"].items())}
    return {
        "metric": document["metric"]["name"],
        "direction": document["metric"]["direction"],
        "margin": document["metric"].get("margin", 0),
        "models": {name: _model(model) for name, model in sorted(document.get("models", {}).items())},
        "scales": scales,
    }


def _model(model: dict[str, Any]) -> dict[str, Any]:
    own = {name: scale["target"] for name, scale in sorted(model.get("scales", {}).items()) if "target" in scale}
    return {"parameters": model["parameters"], "targets": own}


def main() -> None:
    """Print what the benchmarks of the command line are to a checker."""
    line = argparse.ArgumentParser(
        prog="python -m compliance.benchmarks", description="Print the part of a rule set that knows benchmarks."
    )
    line.add_argument("paths", nargs="+", type=Path, metavar="benchmark.json", help="file of a benchmark")
    sys.stdout.write(json.dumps(collect(line.parse_args().paths), indent=2) + "\n")


if __name__ == "__main__":
    main()
