"""Draw the statistics of simulated scenes beside those of a real one: histograms, a spectrum, the edges of clouds.

    python -m datasets.slstr_cloud.statistics real=S3A….SEN3 simulated=data/slstr_cloud-sim-small-v1 --json all.json
    .venv-oracles/bin/python tools/scene_plots.py all.json datasets/slstr_cloud/statistics.png   # needs matplotlib

What comes of a real scene shows derived numbers only, and says whose data they are.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from pathlib import Path
from typing import Any

try:
    import matplotlib
except ModuleNotFoundError:
    sys.exit(
        "tools/scene_plots.py: expected matplotlib, found none — run it by .venv-oracles/bin/python (make oracles)"
    )
import numpy as np
from PIL import Image, ImageColor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from datasets.common.page import few_colours
from datasets.slstr_cloud.histograms import BINS, RANGES
from datasets.slstr_cloud.structure import BAND, REACH_PX

matplotlib.use("Agg")
from matplotlib import pyplot as plt

COARSE = 10
"""Bins of the statistics that make one of the picture."""

COLOURS = ("#191c21", "#d55e00", "#0072b2")
"""Of the sources. They and the next are those of Okabe and Ito, which are told apart with any sight of colours."""

GROUND_COLOURS = ("#0072b2", "#009e73", "#e69f00", "#56b4e9", "#cc79a7", "#191c21")
PAPER = "#f8f9fa"
"""Ground of the picture, opaque, so that dark pages show it too."""

GRID = "#e3e6ea"
STYLE = {
    "figure.facecolor": PAPER, "axes.facecolor": "white", "axes.edgecolor": "#5c626b", "axes.linewidth": 0.7,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": GRID,
    "grid.linewidth": 0.6, "axes.titlelocation": "left", "axes.titlesize": 10.5, "axes.titleweight": "bold",
    "axes.labelsize": 9, "axes.labelcolor": "#3a3f47", "xtick.labelsize": 8.5, "ytick.labelsize": 8.5,
    "xtick.color": "#5c626b", "ytick.color": "#5c626b", "legend.fontsize": 8, "legend.frameon": False,
    "lines.linewidth": 1.3, "axes.axisbelow": True,
}  # fmt: skip
ATTRIBUTION = "Contains modified Copernicus Sentinel data 2021"


def draw(results: dict[str, Any], path: Path) -> None:
    """Draw six panels: values of S7, S8, S9, clear and cloudy; the spectrum and the edges in S8; S2 by ground."""
    plt.rcParams.update(STYLE)
    figure, axes = plt.subplots(2, 3, figsize=(12, 7), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.14, hspace=0.04, wspace=0.03)
    colours = dict(zip(results, COLOURS, strict=False))
    for axis, channel in zip(axes[0], ("S7", "S8", "S9"), strict=True):
        for name, found in results.items():
            for group, style in (("clear", "-"), ("cloud", "--")):
                histogram(axis, found, channel, group, f"{name}, {group}", colour=colours[name], style=style)
        axis.set(title=f"{channel} by the label bayes", xlabel="brightness temperature in K", ylabel="share per K")
        axis.set_xlim(210, 320)
        axis.set_ylim(bottom=0)
    spectra(axes[1, 0], results, colours)
    edges(axes[1, 1], results, colours)
    grounds(axes[1, 2], results)
    for axis in (axes[0, 0], axes[1, 0], axes[1, 1]):
        axis.legend(loc="upper left" if axis is axes[0, 0] else "lower left")
    axes[1, 2].legend(ncols=2, loc="upper right")
    figure.supxlabel(ATTRIBUTION, fontsize=8, color="#5c626b", x=0.01, ha="left")
    held = io.BytesIO()
    figure.savefig(held, dpi=96, metadata={"Software": None})
    # Lines and letters need few colours, and a picture of few is a third as large.
    kept = [ImageColor.getrgb(colour) for colour in (PAPER, "white", GRID, *COLOURS, *GROUND_COLOURS)]
    few_colours(Image.open(held).convert("RGB"), 160, kept).save(path, "PNG", optimize=True)


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
    axis.plot(middle, parts / parts.sum() / width, style, color=colour, label=label)


def spectra(axis: Any, results: dict[str, Any], colours: dict[str, str]) -> None:
    """Draw the mean spectrum of S8 of each source, with the slope that was fitted."""
    for name, found in results.items():
        power = np.array(found["spectra"]["S8"]["power"])
        slope = np.mean([s for s in found["spectra"]["S8"]["slopes"] if s is not None])
        axis.loglog(np.arange(1, len(power)), power[1:], color=colours[name], label=f"{name}: slope {slope:.2f}")
    for k in BAND:
        axis.axvline(k, color="#5c626b", linewidth=0.7, linestyle=":")
    axis.set(title="power of S8 along rows", xlabel="cycles per 768 km; slopes between the lines", ylabel="power in K²")


def edges(axis: Any, results: dict[str, Any], colours: dict[str, str]) -> None:
    """Draw what S8 does on the way from clear sky into cloud."""
    distance = np.arange(2 * REACH_PX) - REACH_PX + 0.5
    for name, found in results.items():
        for label, style in (("bayes", "-"), ("summary", "--")):
            profile = found["edges"][f"S8 {label}"]["profile"]
            if profile is not None:
                axis.plot(distance, profile, style, color=colours[name], label=f"{name}, {label}")
    axis.set(
        title="S8 across clean edges of cloud",
        xlabel="distance into the cloud in km",
        ylabel="less the clear side, in K",
    )


def grounds(axis: Any, results: dict[str, Any]) -> None:
    """Draw S2 of the kinds of ground under a clear sky, and of cloud, where a source has it."""
    shown = {
        name: [g for g in found["channels"].get("S2", {}) if g.startswith("clear ")] for name, found in results.items()
    }
    shown = {name: groups for name, groups in shown.items() if groups}
    for name, groups in shown.items():
        for number, group in enumerate([*groups, "cloud"]):
            colour, style = GROUND_COLOURS[number % len(GROUND_COLOURS)], "--" if group == "cloud" else "-"
            label = group if len(shown) == 1 else f"{name}, {group}"
            histogram(axis, results[name], "S2", group, label, colour=colour, style=style)
    axis.set(
        title=f"S2 by ground: {', '.join(shown) or 'none'}", xlabel="reflectance", ylabel="share per 1", yscale="log"
    )
    axis.set_xlim(-0.02, 1.12)
    axis.set_ylim(1e-2, 1e3)


def main(arguments: list[str]) -> int:
    """Draw."""
    line = argparse.ArgumentParser(description="Draw the statistics of scenes.")
    line.add_argument("numbers", type=Path, help="JSON file of datasets.slstr_cloud.statistics")
    line.add_argument("picture", type=Path, help="PNG file to write")
    given = line.parse_args(arguments)
    if not given.numbers.is_file():
        line.error(f"{given.numbers}: expected the JSON file of datasets.slstr_cloud.statistics, found none")
    draw(json.loads(given.numbers.read_text(encoding="utf-8")), given.picture)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
