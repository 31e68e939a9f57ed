"""What a run is told, as one of several processes is told it; and what they do not do together."""

from dataclasses import replace

from hubmaxact.errors import OptionsError
from hubmaxact.measurement.distributed.group import Group
from hubmaxact.measurement.options import Options


def own_options(options: Options, group: Group) -> Options:
    """Give a process a device of its own, and refuse what one process alone can do.

    Args:
        options: What the user told all of them.
        group: The processes; several.

    Returns:
        What this one is told.

    Raises:
        OptionsError: Something is asked for that they do not do together.
        DeviceError: There are fewer devices than processes on this machine.
    """
    if options.device_map is not None:
        raise OptionsError(
            "--device-map spreads one model over all devices, and each of several processes loads "
            "it on a device of its own. Use one of the two."
        )
    if options.batch_tokens is None:
        raise OptionsError(
            "--batch-tokens auto finds its budget by starting over, which several processes do "
            "not do together. Give a number."
        )
    # It loads torch, which whoever measures alone does later.
    from hubmaxact.measurement.distributed.own_device import own_device

    return replace(options, device=own_device(options.device, group))
