"""What lies on one device is folded into what lies on another.

The meta device, which keeps no values, stands for the other one.
"""

import pytest
import torch

from hubmaxact.measurement.statistics.bf16_histogram import Bf16Histogram
from hubmaxact.measurement.statistics.experts import ExpertMaxima
from hubmaxact.measurement.statistics.float_values import FloatValues
from hubmaxact.measurement.statistics.values_by_dtype import values_for

KINDS = {
    "Bf16Histogram": Bf16Histogram,
    "FloatValues": FloatValues,
    "ExpertMaxima": lambda device: ExpertMaxima(3, device),
    "values of bf16": lambda device: values_for(torch.bfloat16, device),
    "values of fp16": lambda device: values_for(torch.float16, device),
}


def devices(accumulator):
    """Where an accumulator keeps what is not a plain number."""
    plain = {"numbers", "extremes", "sums/digits"}
    return {tensor.device.type for name, tensor in accumulator.state().items() if name not in plain}


@pytest.mark.parametrize("kind", KINDS)
def test_a_merge_stays_on_its_own_device(kind):
    there = KINDS[kind]("meta")
    there.merge(KINDS[kind]("cpu"))
    assert devices(there) == {"meta"}
