"""Magnitudes rounded at several thresholds at once are those that tensors are rounded to."""

import numpy as np
import pytest
import torch

from hubmaxact.deployed_formats import MAX_ABS, PER_TENSOR
from hubmaxact.measurement.rounding.one_scale import rounded_at
from hubmaxact.measurement.rounding.tensors import rounded
from hubmaxact.measurement.statistics.bf16_histogram import INFINITE, pattern_values

THRESHOLDS = [9.2e-41, 1.2e-38, 3e-5, 0.3, 1.0, 1.9921875, 6.5, 127.0, 448.0, 57344.0, 1e30, 3e38]


@pytest.mark.parametrize("way", [each for each in PER_TENSOR if each.policy == MAX_ABS])
def test_every_bf16_magnitude_is_rounded_as_in_a_tensor(way):
    x = pattern_values()[:INFINITE].astype(np.float32)
    thresholds = torch.tensor(THRESHOLDS).to(torch.bfloat16).tolist()
    found = rounded_at(x, way.format, np.array(thresholds, np.float32))
    for row, threshold in zip(found, thresholds, strict=True):
        expected = rounded(torch.from_numpy(x)[None], way, threshold).values[0].numpy()
        assert row.tobytes() == expected.tobytes(), threshold
