"""Every fact of the benchmark once, with its unit and source.

Sources: SciML-Bench v0.5 and v1.2 `em_denoise` (github.com/stfc-sciml/sciml-bench): images, pairs, the U-Net. The other
denoisers come from their papers (`models/`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

BENCHMARK_FILE: Final = Path(__file__).with_name("benchmark.json")

SIDE: Final = 256
"""Rows and columns of an image."""

NOISE_FILE: Final = "graphene_img_noise.h5"
CLEAN_FILE: Final = "graphene_img_clean.h5"
TRUTH_FILE: Final = "graphene_truth.h5"
"""Files of a split; only simulated sets hold the last one."""

KEY: Final = "images"

CLASSES: Final = ("pristine", "vacancy", "stone_wales", "substitution")
"""Kinds of defect that `graphene_truth.h5` tells apart."""

DIVISIBLE_BY: Final = 8
"""Rows and columns that every model takes are multiples of this: three halvings."""

METRICS: Final = ("psnr", "ssim", "mse", "loss")
"""Metrics of an evaluation, in the order in which they are logged."""

NEEDS_NOISE_LEVEL: Final = frozenset({"ffdnet"})
"""Models that are told the standard deviation of the noise."""

NEEDS_CLASS: Final = frozenset({"class_aware"})
"""Models that are told the kind of defect."""
