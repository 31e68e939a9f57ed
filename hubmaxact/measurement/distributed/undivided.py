"""What several processes do not do together."""

from hubmaxact.errors import OptionsError
from hubmaxact.measurement.distributed.group import Group
from hubmaxact.measurement.options import Options


def refuse_undivided(options: Options, group: Group, *, runs_code: bool) -> None:
    """Refuse what one process alone can do, before any long work.

    Args:
        options: What the run was told.
        group: The processes.
        runs_code: Whether the checkpoint's own code is to be run.

    Raises:
        OptionsError: Names it.
    """
    if group.size == 1:
        return
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
    if runs_code:
        raise OptionsError(
            "--trust-remote-code runs in a process that is shut off from all others. Use one "
            "process."
        )
