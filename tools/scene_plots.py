"""Draw the statistics of simulated scenes beside those of a real one: histograms, a spectrum, the edges of clouds.

    python -m datasets.slstr_cloud.statistics real=S3A….SEN3 simulated=data/slstr_cloud-sim-small-v1 --json all.json
    .venv-oracles/bin/python tools/scene_plots.py all.json datasets/slstr_cloud/statistics.png   # needs matplotlib

What comes of a real scene shows derived numbers only, and says whose data they are.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from datasets.slstr_cloud.statistics import BINS, RANGES
from datasets.slstr_cloud.structure import BAND, REACH_PX

matplotlib.use("Agg")
from matplotlib import pyplot as plt

COARSE = 10
"""Bins of the statistics that make one of the picture."""

COLOURS = ("black", "tab:red", "tab:green")
ATTRIBUTION = "Contains modified Copernicus Sentinel data 2021"


def draw(results: dict[str, Any], path: Path) -> None:
    """Draw six panels: values of S7, S8, S9, clear and cloudy; the spectrum and the edges in S8; S2 by ground."""
    figure, axes = plt.subplots(2, 3, figsize=(12, 6.6), constrained_layout=True)
    colours = dict(zip(results, COLOURS, strict=False))
    for axis, channel in zip(axes[0], ("S7", "S8", "S9"), strict=True):
        for name, found in results.items():
            for group, style in (("clear", "-"), ("cloud", ":")):
                histogram(axis, found, channel, group, f"{name}, {group}", colour=colours[name], style=style)
        axis.set(title=f"{channel}, by label bayes", xlabel="brightness temperature, K", ylabel="share per kelvin")
        axis.set_xlim(210, 320)
    spectra(axes[1, 0], results, colours)
    edges(axes[1, 1], results, colours)
    grounds(axes[1, 2], results)
    for axis in axes.flat:
        axis.legend(fontsize=7)
    figure.supxlabel(ATTRIBUTION, fontsize=7)
    figure.savefig(path, dpi=90, metadata={"Software": None})


def histogram(
    axis: Any, found: dict[str, Any], channel: str, group: str, label: str, *, colour: str, style: str
) -> None:
    """Draw one histogram as a line; nothing where the source has none."""
    counts = found["channels"].get(channel, {}).get(group)
    if counts is None:
        return
    low, high = RANGES[channel]
    parts = np.array(counts["histogram"]).reshape(-1, COARSE).sum(1)
    width = (high - low) / BINS * COARSE
    middle = low + width * (np.arange(len(parts)) + 0.5)
    axis.plot(middle, parts / parts.sum() / width, style, color=colour, label=label, linewidth=1)


def spectra(axis: Any, results: dict[str, Any], colours: dict[str, str]) -> None:
    """Draw the mean spectrum of S8 of each source, with the slope that was fitted."""
    for name, found in results.items():
        power = np.array(found["spectra"]["S8"]["power"])
        slope = np.mean([s for s in found["spectra"]["S8"]["slopes"] if s is not None])
        axis.loglog(np.arange(1, len(power)), power[1:], color=colours[name], linewidth=1, label=f"{name}: {slope:.2f}")
    for k in BAND:
        axis.axvline(k, color="grey", linewidth=0.5)
    axis.set(title="power of S8 along rows, slope in the band", xlabel="cycles per 768 km", ylabel="K²")


def edges(axis: Any, results: dict[str, Any], colours: dict[str, str]) -> None:
    """Draw what S8 does on the way from clear sky into cloud."""
    distance = np.arange(2 * REACH_PX) - REACH_PX + 0.5
    for name, found in results.items():
        for label, style in (("bayes", "-"), ("summary", ":")):
            profile = found["edges"][f"S8 {label}"]["profile"]
            if profile is not None:
                axis.plot(distance, profile, style, color=colours[name], label=f"{name}, {label}", linewidth=1)
    axis.set(title="S8 across clean edges of cloud", xlabel="distance into the cloud, km", ylabel="less clear side, K")


def grounds(axis: Any, results: dict[str, Any]) -> None:
    """Draw S2 of the kinds of ground under a clear sky, and of cloud, where a source has it."""
    for name, found in results.items():
        groups = [g for g in found["channels"].get("S2", {}) if g.startswith("clear ")]
        for number, group in enumerate([*groups, "cloud"] if groups else []):
            histogram(axis, found, "S2", group, f"{name}, {group}", colour=f"C{number}", style="-")
    axis.set(title="S2 (the real sample lacks it)", xlabel="reflectance", ylabel="density", yscale="log")
    axis.set_ylim(bottom=1e-2)


def main(arguments: list[str]) -> int:
    """Draw."""
    if len(arguments) != 2 or not Path(arguments[0]).is_file():
        sys.stderr.write("expected the JSON file of datasets.slstr_cloud.statistics and a PNG file to write\n")
        return 2
    draw(json.loads(Path(arguments[0]).read_text(encoding="utf-8")), Path(arguments[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
