"""Whether all processes measure the same: what they have counted would add up to nonsense else."""

import json
from typing import Any

from hubmaxact.errors import HubmaxactError
from hubmaxact.measurement.distributed.group import Group
from hubmaxact.measurement.state.differences import differences, told


class OtherRunError(HubmaxactError):
    """Raised when a process measures something else than rank 0."""


def require_same(group: Group, run: dict[str, Any]) -> None:
    """Refuse processes of which one has another checkpoint, corpus, plan, version or device.

    Args:
        group: The processes.
        run: What this one measures, as JSON.

    Raises:
        OtherRunError: On rank 0, which names the first one and what differs.
    """
    if group.size == 1:
        return
    runs = group.gather(json.dumps(run).encode()) or []
    for rank, content in enumerate(runs):
        if content != runs[0] and (found := differences(json.loads(content), json.loads(runs[0]))):
            raise OtherRunError(
                f"rank {rank} measures something else than rank 0: {told(found)}. Give "
                "all processes the same checkpoint, corpus, versions and kind of device."
            )
    group.broadcast(b"" if group.rank == 0 else None)  # nobody goes on before
