"""What a process does when another one failed, or is gone."""

import sys
from time import time

from hubmaxact.measurement.distributed.ending import Ending
from hubmaxact.measurement.distributed.failure import Failure
from hubmaxact.measurement.distributed.launched import Launched
from hubmaxact.measurement.distributed.launcher_summary import write_summary
from hubmaxact.printable import printable


def end_with(place: Launched, end: Ending, failure: Failure) -> None:
    """End this process with another; say why if nobody else on this machine does.

    Args:
        place: Of this process.
        end: Ends it.
        failure: What ended the other.
    """
    elsewhere = failure.machine != printable(place.machine)
    if failure.teller == place.rank or (elsewhere and place.local_rank == 0):
        sys.stderr.write(f"hubmaxact: {failure.told}\n")
        sys.stderr.flush()
    write_summary(f"ended, because of {failure.told}", time() + 1)
    end.end(failure.code)
