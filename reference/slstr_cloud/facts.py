"""Every fact of the benchmark once, with its unit and source.

Sources: SciML-Bench v0.5 and v1.2 `slstr_cloud` (github.com/stfc-sciml/sciml-bench) and MLCommons Science `cloudmask`
(github.com/mlcommons/science), which agree on tiles and network; the fixed normalisation is that of v0.5 and
`cloudmask`, and `normalisation.py` has that of v1.2 beside it. The channels are those of the SLSTR Level-1 RBT product
(Sentinel-3 SLSTR Land User Handbook, S3MPC.ACR.HBK.003).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

BENCHMARK_FILE: Final = Path(__file__).with_name("benchmark.json")

REFLECTANCES: Final = ("S1", "S2", "S3", "S4", "S5", "S6")
"""Channels of the key `refs`, dimensionless."""

TEMPERATURES: Final = ("S7", "S8", "S9")
"""Channels of the key `bts`, in kelvin."""

CHANNELS: Final = {"all": (*REFLECTANCES, *TEMPERATURES), "thermal": TEMPERATURES}
"""Input channels of the model, in this order, for each choice of the hyperparameter `channels`."""

REFLECTANCE_OFFSET: Final = 0.5
"""A reflectance enters the model as ρ − 0.5."""

TEMPERATURE_OFFSET_K: Final = 270.0
TEMPERATURE_SCALE_K: Final = 22.0
"""A brightness temperature enters the model as (T − 270 K) / 22 K."""

NORMALISATION: Final = dict.fromkeys(REFLECTANCES, (REFLECTANCE_OFFSET, 1.0)) | dict.fromkeys(
    TEMPERATURES, (TEMPERATURE_OFFSET_K, TEMPERATURE_SCALE_K)
)
"""Offset and scale of each channel: x enters the model as (x − offset) / scale."""

TILE: Final = 256
"""Rows and columns of a tile."""

STRIDE: Final = 176
"""Rows and columns from one inference window to the next."""

CROP: Final = (TILE - STRIDE) // 2
"""Border of a window, in pixels, that inference drops: 40."""

WIDTHS: Final = (32, 64, 128, 256)
"""Channels of the U-Net's four levels, the last being the bottleneck."""

PARAMETERS: Final = {"all": 1_948_609, "thermal": 1_946_881}
"""Trainable parameters of the U-Net; 9 − 3 channels make 3 · 3 · 6 · 32 = 1,728 of a difference."""

METRICS: Final = ("accuracy", "balanced_accuracy", "f1", "iou", "loss")
"""Metrics of an evaluation, in the order in which they are logged."""
