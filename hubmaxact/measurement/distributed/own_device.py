"""Which device each of several processes takes: of GPUs, each one of its own."""

import torch

from hubmaxact.errors import DeviceError
from hubmaxact.measurement.checkpoint.load import ACCELERATORS, device_of
from hubmaxact.measurement.distributed.group import Group
from hubmaxact.printable import counted

ONE_EACH = ("cuda", "xpu")
"""Kinds of which a machine may have many; there the device is the one with the process's number."""


def own_device(device: str, group: Group) -> str:
    """Find the device of this process, and make it torch's current one.

    Args:
        device: What the user asked for. With an index, as in "cuda:0", all processes do as told:
            for machines where each process sees a GPU of its own alone.
        group: The processes; several.

    Returns:
        What was asked for, with an index where several processes would take one device.

    Raises:
        DeviceError: There are fewer devices than processes on this machine, or none.
    """
    kind = device_of(device) if device == "auto" else device
    if kind not in ACCELERATORS:  # the CPU, or one by its index, or what will be refused as it is
        return device
    devices = torch.get_device_module(kind)
    index = group.local_rank
    if index >= (number := devices.device_count()):
        raise DeviceError(
            f"process {index + 1} of this machine has no {kind} device of its own: "
            f"{counted(number, 'such device')} can be seen. Start at most as many processes on a "
            f"machine as it has, or use --device cpu; where each process sees one alone, use "
            f"--device {kind}:0."
        )
    if kind not in ONE_EACH:
        return kind
    devices.set_device(index)  # before anything makes room for itself on the first one
    return f"{kind}:{index}"
