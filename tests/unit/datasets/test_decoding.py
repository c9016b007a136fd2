"""Labels are decoded as a training decodes them, whatever their encoding."""

from __future__ import annotations

import numpy as np
import pytest

from datasets.slstr_cloud.decoding import decode
from reference.runtime.errors import DataError
from reference.slstr_cloud import labels

DTYPES = ("?", "u1", "i1", "u2", ">i2", "i4", "i8", "f4", ">f8")
VALUES = {
    "clear": [0],
    "cloud": [1],
    "0 and 1": [0, 1],
    "flags": [0, 1, 2, 4, 8, 15],
    "flags and spare bits": [0, 2, 3, 16, 128, 255],
    "0 and 255": [0, 255],
    "soft": [0, 20, 127, 128, 220, 255],
    "never filled": [255],
    "fill below": [-999, 0, 1],
    "fill above": [0, 1, 1e20],
    "fill above, soft": [0, 20, 200, 255, 1e20],
    "NaN": [np.nan, 0, 1],
    "NaN and 255": [np.nan, 0, 255],
    "infinite": [0, 2, np.inf],
    "nothing but NaN": [np.nan],
    "nothing but fill": [-1],
}


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")
@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_sheet_and_a_score_see_the_labels_of_a_training(dtype: str, values: str) -> None:
    plane = np.resize(np.array(VALUES[values], "f8"), (8, 9)).astype(dtype)
    cloud, label = decode(plane)
    try:
        expected_cloud, expected_label = labels.decode(plane, labels.encoding_of(plane, "bayes"))
    except DataError:
        assert not label.any()
        assert not cloud.any()
        return
    np.testing.assert_array_equal(label, expected_label)
    np.testing.assert_array_equal(cloud & label, expected_cloud & expected_label)
