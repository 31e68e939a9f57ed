"""How many CPU threads a run had: part of the device's name, because on a CPU it decides bits."""

import re

from hubmaxact.report.document import Environment

NAMED = re.compile(r".* ([1-9]\d{0,2}) threads")


def with_threads(device: str, num_threads: int) -> str:
    """The name of a CPU with so many threads."""
    return f"{device} {num_threads} threads"


def threads_of(environment: Environment) -> int | None:
    """CPU threads of a run, within reason; None where the name tells of none."""
    named = NAMED.fullmatch(environment["device_name"])
    return int(named[1]) if named else None
