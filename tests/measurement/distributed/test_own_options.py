"""Each of several processes is told its own device, and what they do not do together is refused."""

from types import SimpleNamespace

import pytest
import torch

from hubmaxact.errors import DeviceError, OptionsError
from hubmaxact.measurement.checkpoint.load import ACCELERATORS
from hubmaxact.measurement.distributed.own_options import own_options
from hubmaxact.measurement.options import Options

SECOND = SimpleNamespace(rank=3, size=4, local_rank=1)  # of its machine


@pytest.mark.parametrize("device", ["cpu", "cuda:0"])
def test_a_device_that_is_named_stays(device):
    assert own_options(Options(device=device), SECOND) == Options(device=device)


def test_without_a_gpu_all_take_the_cpu(monkeypatch):
    monkeypatch.setitem(ACCELERATORS, "cuda", lambda: False)
    assert own_options(Options(), SECOND).device == "auto"


@pytest.mark.parametrize("asked", ["auto", "cuda"])
def test_each_takes_a_gpu_of_its_own(monkeypatch, asked):
    current = []
    monkeypatch.setitem(ACCELERATORS, "cuda", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", current.append)
    assert own_options(Options(device=asked), SECOND).device == "cuda:1"
    assert current == [1]


@pytest.mark.parametrize("number", [0, 1])
def test_more_processes_than_gpus_are_refused(monkeypatch, number):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: number)
    with pytest.raises(DeviceError, match="process 2 of this machine has no cuda device of its"):
        own_options(Options(device="cuda"), SECOND)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (Options(device_map="auto"), "--device-map spreads one model"),
        (Options(batch_tokens=None), "--batch-tokens auto finds its budget by starting over"),
    ],
)
def test_what_is_not_done_together_is_refused(options, said):
    with pytest.raises(OptionsError, match=said):
        own_options(options, SECOND)
