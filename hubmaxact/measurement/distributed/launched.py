"""What torchrun, and whatever starts processes as it does, tells each one of them."""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass

from hubmaxact.errors import HubmaxactError
from hubmaxact.printable import printable

NAMES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
BY_ACCELERATE = "ACCELERATE_USE_CPU"  # of one process; with MASTER_ADDR, where more were asked for
LONGEST = 60  # characters of a value that is shown
MOST_PORT = 65_535
START = "Start the processes with torchrun or accelerate launch"


class LaunchError(HubmaxactError):
    """Raised when the environment says half of what several processes need, or nonsense."""


@dataclass(frozen=True, slots=True)
class Launched:
    """The place of this process among those that were started together.

    Attributes:
        rank: Among all, from 0.
        size: How many there are; at least 2.
        local_rank: Among those of this machine, from 0.
        address: Host name or address of the machine that rank 0 runs on.
        port: Where the processes find each other there.
        machine: The name of this machine.
    """

    rank: int
    size: int
    local_rank: int
    address: str
    port: int
    machine: str


def launched(now: Mapping[str, str] = os.environ) -> Launched | None:
    """Read the place of this process from its environment.

    Args:
        now: The environment's variables.

    Returns:
        The place. None: this process was started alone.

    Raises:
        LaunchError: A variable is missing, or says what cannot be.
    """
    if not (now.get("RANK") or now.get("WORLD_SIZE")):
        return None
    size = _number(now, "WORLD_SIZE", 1)
    rank = _number(now, "RANK", 0, size - 1)
    if size == 1:
        return None
    local_rank = _number(now, "LOCAL_RANK", 0, rank)
    port = _number(now, "MASTER_PORT", 0, MOST_PORT)
    return Launched(rank, size, local_rank, _value(now, "MASTER_ADDR"), port, platform.node())


def named_rank(now: Mapping[str, str] = os.environ) -> str:
    """How a sentence of this process begins: with its rank, where there are several."""
    try:
        place = launched(now)
    except LaunchError:
        return ""
    return "" if place is None else f"rank {place.rank}: "


def left_alone(now: Mapping[str, str] = os.environ) -> str:
    """Say that several processes were asked for, and one was started.

    Args:
        now: The environment's variables.

    Returns:
        A sentence. Empty: nothing tells of that.
    """
    if launched(now) is None and now.get(BY_ACCELERATE) and now.get("MASTER_ADDR"):
        return (
            "accelerate launch was told of several processes, and started this one alone: on a CPU "
            "it starts several only with --multi_gpu."
        )
    return ""


def _value(now: Mapping[str, str], name: str) -> str:
    """A variable that has to be there."""
    if value := now.get(name):
        return value
    given = " and ".join(each for each in NAMES if now.get(each))
    raise LaunchError(
        f"{given} {'is' if given.count(' ') == 0 else 'are'} set in the environment, and {name} is "
        f"not, so this process does not know its place among several. {START}, which set "
        f"{', '.join(NAMES[:-1])} and {NAMES[-1]}; or unset RANK and WORLD_SIZE to measure in one "
        "process."
    )


def _number(now: Mapping[str, str], name: str, least: int, most: int | None = None) -> int:
    """A variable that is a whole number within bounds."""
    value = _value(now, name)
    # isdecimal alone takes digits of every script, and so would int.
    number = int(value) if value.isascii() and value.isdecimal() and len(value) < 10 else -1
    if number >= least and (most is None or number <= most):
        return number
    allowed = f"{least} or more" if most is None else f"from {least} to {most}"
    raise LaunchError(
        f"{name} is {printable(value, LONGEST)!r} in the environment, and here it has to be a "
        f"whole number {allowed}. {START}; or unset RANK and WORLD_SIZE to measure in one process."
    )
