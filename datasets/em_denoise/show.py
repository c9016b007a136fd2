"""Draw pairs of a set of micrographs: `python -m datasets.em_denoise.show FOLDER [--out PNG] [--count N]`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from datasets.common.files import reading
from datasets.common.sheet import Panel, Samples, grey, limits, show

USUAL = 2


def samples(root: Path, count: int) -> Samples:
    """Return a row for each of the first test pairs: noisy, clean, and their difference."""
    rows = []
    noise, clean = (root / "test" / f"graphene_img_{kind}.h5" for kind in ("noise", "clean"))
    with reading(noise) as noisy_file, reading(clean) as clean_file:
        for index in range(min(count, len(noisy_file["images"]), len(clean_file["images"]))):
            noisy, truth = noisy_file["images"][index, ..., 0], clean_file["images"][index, ..., 0]
            off = noisy - truth
            low, high = limits(truth, 0.5, 99.5)
            most = limits(np.abs(off), 0, 99)[1]
            psnr = 10 * np.log10(float(np.ptp(truth)) ** 2 / max(float(np.mean(off**2)), 1e-12))
            rows.append(
                [
                    Panel(f"noisy, pair {index}: PSNR {psnr:.1f} dB", grey(noisy, *limits(noisy, 0.5, 99.5))),
                    Panel(f"clean: {low:.2f} black to {high:.2f} white", grey(truth, low, high)),
                    Panel(f"difference: -{most:.2f} to {most:.2f}", grey(off, -most, most)),
                ]
            )
    return Samples("test pairs; PSNR over the range of the clean image, beam profile and dead pixels included", rows)


if __name__ == "__main__":
    sys.exit(show("em_denoise", samples, USUAL, None))
