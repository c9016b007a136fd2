"""Statistics of scenes, simulated beside real: values by channel and ground, spectra, edges of clouds, cloud shares.

    python -m datasets.slstr_cloud.statistics NAME=PATH [NAME=PATH …] [--json FILE] [--readme FILE]

PATH is a data set with a manifest, one S3A….hdf file, or one .SEN3 product. Markdown tables go to stdout or, between
the markers of `--readme`, into a file; `--json` keeps all numbers, histograms and spectra included, for pictures.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from datasets.common.failures import UsageError, failing_politely, say
from datasets.slstr_cloud.histograms import BINS, RANGES, histogram
from datasets.slstr_cloud.measured import GROUNDS, Flags, Measured, scenes_of
from datasets.slstr_cloud.statistics_tables import inserted, tables
from datasets.slstr_cloud.structure import LENGTH_PX, REACH_PX, Edges, cloud_edges, row_spectrum, spectral_slope
from logging_spec.whole import whole_file

PERCENTILES = (1, 25, 50, 75, 99)
EDGE_CHANNELS = ("S8", "S2")
"""Channels that are followed across cloud edges: heat and light."""


class Counts:
    """Sums over scenes, from which all statistics follow; a scene is added and forgotten."""

    def __init__(self) -> None:
        """Begin with no scene."""
        self.scenes = self.pixels = self.seen = 0
        self.cloud: dict[str, dict[str, int]] = {}
        self.values: dict[str, dict[str, Any]] = {}
        self.powers: dict[str, list[Any]] = {}
        self.edges: dict[str, list[Edges]] = {}

    def add(self, scene: Measured) -> None:
        """Count one scene."""
        self.scenes += 1
        self.pixels += scene.valid.size
        self.seen += int(scene.valid.sum())
        groups = _groups(scene)
        for name, where in groups.items():
            found = self.cloud.setdefault(name, {"pixels": 0, "bayes": 0, "summary": 0})
            found["pixels"] += int(where.sum())
            for label, cloud in scene.clouds.items():
                found[label] += int((cloud & where).sum())
        for channel, image in scene.channels.items():
            for name, where in groups.items():
                sums = self.values.setdefault(channel, {})
                sums[name] = sums.get(name, 0) + histogram(channel, image[where])
            power = row_spectrum(np.where(scene.valid, image, np.nan))
            if power is not None:
                self.powers.setdefault(channel, []).append(power)
        for channel in EDGE_CHANNELS:
            for label, cloud in scene.clouds.items():
                if channel in scene.channels:
                    edges = cloud_edges(scene.channels[channel], cloud, scene.valid)
                    self.edges.setdefault(f"{channel} {label}", []).append(edges)

    def results(self) -> dict[str, Any]:
        """Return everything as JSON: shares, percentiles, histograms, spectra with slopes, edges."""
        return {
            "scenes": self.scenes,
            "fill_share": 1 - self.seen / self.pixels,
            "groups": {
                name: {
                    "share": found["pixels"] / self.seen,
                    **{label: found[label] / found["pixels"] for label in ("bayes", "summary")},
                }
                for name, found in self.cloud.items()
                if found["pixels"]
            },
            "channels": {
                channel: {
                    name: {"percentiles": percentiles(channel, counts), "histogram": counts.tolist()}
                    for name, counts in groups.items()
                    if counts.sum()
                }
                for channel, groups in self.values.items()
            },
            "spectra": {
                channel: {"slopes": [spectral_slope(power) for power in powers], "power": _mean_power(powers)}
                for channel, powers in self.powers.items()
            },
            "edges": {name: _edges(edges) for name, edges in self.edges.items()},
        }


def _groups(scene: Measured) -> dict[str, Flags]:
    """Return where the groups of pixels are: all, each kind of ground under a clear sky, and cloud."""
    cloud = scene.clouds["bayes"]
    groups = {"all": scene.valid, "cloud": scene.valid & cloud, "clear": scene.valid & ~cloud}
    if scene.ground is not None:
        groups |= {name: scene.valid & (scene.ground == index) for index, name in enumerate(GROUNDS)}
        groups |= {f"clear {name}": groups[name] & ~cloud for name in GROUNDS}
    return groups


def percentiles(channel: str, counts: Any) -> list[float]:
    """Return PERCENTILES of a channel from its histogram: the middle of the bin in which each falls."""
    low, high = RANGES[channel]
    at = np.searchsorted(np.cumsum(counts), np.array(PERCENTILES) / 100 * counts.sum())
    return [float(low + (high - low) * (index + 0.5) / BINS) for index in np.minimum(at, BINS - 1)]


def _mean_power(powers: Sequence[Any]) -> list[float] | None:
    """Return the mean spectrum of the scenes of full width; None where there is none."""
    whole = [power for power in powers if len(power) == LENGTH_PX // 2 + 1]
    return np.mean(whole, axis=0).tolist() if whole else None


def _edges(edges: Sequence[Edges]) -> dict[str, Any]:
    steps = np.concatenate([edge.steps for edge in edges])
    profiles = sum(edge.profiles for edge in edges)
    profile = np.sum([edge.profile_sum for edge in edges], axis=0) / max(profiles, 1)
    return {
        "per_1000_pixels": 1000 * len(steps) / sum(edge.pairs for edge in edges),
        "step_percentiles": np.percentile(steps, [50, 90]).tolist() if len(steps) else None,
        "profile": profile.tolist() if profiles else None,
        "clean_edges": profiles,
        "at_edge": float((profile[REACH_PX] - profile[REACH_PX - 1]) / profile[-4:].mean()) if profiles else None,
    }


def measure(scenes: Iterable[Measured]) -> dict[str, Any]:
    """Return the statistics of some scenes."""
    counts = Counts()
    for scene in scenes:
        counts.add(scene)
    return counts.results()


def named(text: str) -> tuple[str, Path]:
    """Split NAME=PATH. Raises UsageError where it is not of that form."""
    name, sign, path = text.partition("=")
    if not (name and sign and path):
        raise UsageError(f"{text}: expected NAME=PATH, for example real=S3A….SEN3")
    return name, Path(path)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure scenes and lay them side by side. Exit codes: 0 done, 2 usage, 3 data missing or bad."""
    parser = argparse.ArgumentParser(prog="python -m datasets.slstr_cloud.statistics", description=main.__doc__)
    parser.add_argument("sources", nargs="+", metavar="NAME=PATH", help="a name for the table, and what it names")
    parser.add_argument("--json", type=Path, help="file to write all numbers to")
    parser.add_argument("--readme", type=Path, help="file with <!-- statistics --> markers to put the tables between")
    options = parser.parse_args(argv)
    with failing_politely():
        results = {name: measure(scenes_of(path)) for name, path in map(named, options.sources)}
        if options.json:
            with whole_file(options.json) as file:
                file.write(json.dumps(results, allow_nan=False).encode())
        if options.readme:
            text = inserted(options.readme.read_text(encoding="utf-8"), tables(results), where=str(options.readme))
            with whole_file(options.readme) as file:
                file.write(text.encode())
        else:
            say(tables(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
