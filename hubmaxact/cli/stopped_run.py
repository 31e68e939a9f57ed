"""How somebody who stopped a run is told to go on with it."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hubmaxact.errors import StoppedError
from hubmaxact.measurement.distributed.launched import launched

INTERRUPTED = 130


@contextmanager
def told_how_to_go_on(state_dir: Path | None) -> Iterator[None]:
    """Name the command that goes on, where a run is stopped whose state is kept.

    Args:
        state_dir: Where that is. None: nowhere.

    Raises:
        StoppedError: The run was stopped.
    """
    try:
        yield
    except StoppedError as error:
        raise StoppedError(f"{error}. Go on with: {_command()}", error.exit_code) from error
    except KeyboardInterrupt as error:  # between batches: what was kept is kept
        if state_dir is None:
            raise
        raise StoppedError(f"interrupted. Go on with: {_command()}", INTERRUPTED) from error


def _command() -> str:
    if launched() is not None:
        return "the command that started all processes"
    return shlex.join(["hubmaxact", *sys.argv[1:]])
