"""What single pixels tell: methods that see one pixel at a time, beside the U-Net on the same pixels.

    python tools/single_pixels.py data/slstr_cloud-sim-small-v1 discriminant network         # needs PyTorch
    .venv-oracles/bin/python tools/single_pixels.py data/slstr_cloud-sim-small-v1 tree       # needs scikit-learn
    python tools/single_pixels.py --table                                                    # into the README

Each method is trained on every seventh valid pixel of the training tiles, label `bayes`, with nine channels and with
the three thermal ones, and scored on every valid pixel of the test tiles, read as a training reads them. Scores go into
`reference/slstr_cloud/single_pixels.json`; `--table` lays them beside the last epoch of the kept logs of the U-Net.

discriminant: Fisher's, with the class shares as priors. tree: 300 boosted trees of 63 leaves on histograms, rate 0.1,
ended early where a twentieth of the pixels, held out, no longer gains. network: two hidden layers of 64, Adam at 3e-3,
600 steps of 4096 pixels, seed 0.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from datasets.slstr_cloud.baseline import fit_discriminant
from logging_spec import events
from logging_spec.whole import whole_file
from reference.runtime.errors import DataError
from reference.slstr_cloud import metrics
from reference.slstr_cloud.data import Tiles
from reference.slstr_cloud.facts import CHANNELS, METRICS
from reference.slstr_cloud.scene import Scene

HERE = ROOT / "reference" / "slstr_cloud"
SCORES = HERE / "single_pixels.json"
MARKED = re.compile(r"(<!-- single pixels -->\n).*?(<!-- /single pixels -->)", re.DOTALL)
NAMES = {"discriminant": "linear discriminant", "tree": "boosted trees", "network": "small network"}
WORDS = {"all": "nine", "thermal": "S7 to S9"}
DATASET = "slstr_cloud-sim-small-v1"
"""Set of the table."""

THINNING = 7
"""Of the training pixels, every seventh is kept: neighbours say nearly the same, and the rest fits into memory."""

Pixels = NDArray[np.float32]
Flags = NDArray[np.bool_]
Predict = Callable[[Pixels], Flags]


def discriminant(images_PC: Pixels, cloud_P: Flags) -> Predict:
    """Fit Fisher's linear discriminant."""
    return fit_discriminant(images_PC.astype(np.float64), cloud_P).predict


def tree(images_PC: Pixels, cloud_P: Flags) -> Predict:
    """Fit gradient-boosted trees."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=300, max_leaf_nodes=63, random_state=0, early_stopping=True, validation_fraction=0.05
    ).fit(images_PC, cloud_P)
    return lambda images_PC: np.asarray(model.predict(images_PC), bool)


def network(images_PC: Pixels, cloud_P: Flags) -> Predict:
    """Train a small network."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    images, labels = torch.from_numpy(images_PC), torch.from_numpy(cloud_P.astype(np.float32))
    layers = [nn.Linear(images.shape[1], 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1)]
    model = nn.Sequential(*layers)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(600):
        chosen = torch.randint(len(images), (4096,))
        loss = nn.functional.binary_cross_entropy_with_logits(model(images[chosen])[:, 0], labels[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    @torch.inference_mode()
    def predict(images_PC: Pixels) -> Flags:
        return np.asarray(model(torch.from_numpy(images_PC))[:, 0] >= 0)

    return predict


METHODS = {"discriminant": discriminant, "tree": tree, "network": network}


NEEDED = {"tree": "sklearn", "network": "torch"}


def can_run(method: str) -> bool:
    """Tell whether the environment has what a method needs."""
    return method not in NEEDED or importlib.util.find_spec(NEEDED[method]) is not None


def training_pixels(tiles: Tiles) -> tuple[Pixels, Flags]:
    """Return every THINNING-th valid pixel of the tiles, images_PC and cloud_P."""
    parts = [pixels(tiles, index) for index in range(len(tiles))]
    images, cloud = (np.concatenate(part) for part in zip(*parts, strict=True))
    return images[::THINNING], cloud[::THINNING]


def pixels(tiles: Tiles, index: int) -> tuple[Pixels, Flags]:
    """Return images_PC and cloud_P of a tile's valid pixels."""
    batch = tiles.batch(np.array([index]))
    valid = batch["valid_NHW"].astype(bool)
    return batch["images_NHWC"][valid], batch["label_NHW"][valid].astype(bool)


def score(predict: Predict, tiles: Tiles) -> dict[str, float]:
    """Score every valid pixel of the tiles."""
    counts = np.zeros(4, np.int64)
    for index in range(len(tiles)):
        images, cloud = pixels(tiles, index)
        counts += metrics.count(predict(images), cloud, np.ones_like(cloud))
    return {name: round(value, 4) for name, value in metrics.confusion(counts).as_scores().items()}


def measure(root: Path, methods: list[str]) -> None:
    """Train and score the methods on a data set, and note each score as soon as it is there."""
    manifest = json.loads((root / "manifest.json").read_text(encoding="utf-8"))
    for channels in CHANNELS:
        tiles = {
            split: Tiles([Scene(root / path, channels=channels) for path in paths], "bayes")
            for split, paths in manifest["splits"].items()
        }
        images, cloud = training_pixels(tiles["train"])
        for method in methods:
            scores = score(METHODS[method](images, cloud), tiles["test"])
            sys.stdout.write(f"{manifest['dataset_id']}, {channels}, {NAMES[method]}: {scores}\n")
            known = noted()
            known.setdefault(manifest["dataset_id"], {}).setdefault(channels, {})[method] = scores
            write(SCORES, json.dumps(known, indent=2, sort_keys=True) + "\n")


def noted() -> dict[str, Any]:
    """Return all scores so far, by data set, channels and method."""
    known: dict[str, Any] = json.loads(SCORES.read_text(encoding="utf-8")) if SCORES.is_file() else {}
    return known


def kept_networks() -> list[tuple[str, str, dict[str, float]]]:
    """Return channels, name and scores after the last epoch of every kept training of the U-Net at scale small."""
    rows = []
    for path in sorted((HERE / "convergence" / "small").rglob("*-*.log.gz")):
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        log = [event for event in map(events.parse_line, lines) if event]
        value = {event.key: event.value for event in log}
        epochs = sum(event.key == "eval_accuracy" for event in log)
        name = f"U-Net, {path.parent.name}, {path.name.split('.')[0].replace('-', ' ')}, {epochs} epochs"
        scores = {metric: value[f"eval_{metric}"] for metric in METRICS if metric != "loss"}
        rows.append((value["hyperparameters"]["channels"], name, scores))
    return rows


def table(known: dict[str, Any]) -> str:
    """Return the Markdown table of one data set: single pixels by method, then the kept U-Nets."""
    rows = [(channels, NAMES[m], known[channels][m]) for channels in CHANNELS for m in METHODS if m in known[channels]]
    shown = [metric for metric in METRICS if metric != "loss"]
    lines = [f"| channels | method | {' | '.join(map(str, shown))} |", f"|{'---|' * (2 + len(shown))}"]
    for channels, name, scores in sorted([*rows, *kept_networks()], key=lambda row: list(CHANNELS).index(row[0])):
        cells = " | ".join(f"{scores[metric]:.3f}" for metric in shown)
        lines.append(f"| {WORDS[channels]} | {name} | {cells} |")
    return "\n".join(lines)


def write(path: Path, text: str) -> None:
    """Write a file whole."""
    with whole_file(path) as file:
        file.write(text.encode())


def main(arguments: list[str]) -> int:
    """Measure methods, or write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", nargs="?", type=Path, help="folder of a slstr_cloud data set with a manifest")
    parser.add_argument("methods", nargs="*", metavar="METHOD", help=f"{', '.join(METHODS)}; what can run here")
    parser.add_argument("--table", action="store_true", help="write the table into the README, from what is known")
    options = parser.parse_args(arguments)
    for method in options.methods:
        if method not in METHODS:
            parser.error(f"{method}: expected one of {', '.join(METHODS)}")
        if not can_run(method):
            parser.error(f"{method}: expected {NEEDED[method]} in this environment, found none — use the other one")
    if options.data:
        if not (options.data / "manifest.json").is_file():
            parser.error(f"{options.data}: expected the folder of a slstr_cloud data set, found no manifest.json there")
        try:
            measure(options.data, options.methods or [name for name in METHODS if can_run(name)])
        except DataError as error:
            parser.error(str(error))
    if options.table:
        readme = HERE / "README.md"
        text = readme.read_text(encoding="utf-8")
        write(readme, MARKED.sub(lambda m: f"{m[1]}{table(noted()[DATASET])}\n{m[2]}", text))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
