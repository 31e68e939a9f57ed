"""Where `measure --shard` puts what it saw: a file, for `merge`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hubmaxact.files import WriteError, check_place
from hubmaxact.printable import LONGEST_PATH, printable

if TYPE_CHECKING:
    from hubmaxact.measurement.shards import Shard


def check_shard(path: Path) -> None:
    """Refuse, before any long work, a place where no shard could be written.

    Args:
        path: Where it is to go.

    Raises:
        WriteError: It is no file, or cannot be written.
    """
    if str(path) == "-" or (path.exists() and not path.is_file()):
        raise WriteError(f"cannot write a shard to {_shown(path)}: it is no file. Name a file.")
    check_place(path)


def write_shard(shard: "Shard", path: Path) -> None:
    """Write a shard, and say what is done with it.

    Args:
        shard: What was seen.
        path: Where it goes.

    Raises:
        WriteError: It cannot be written; what was there before is still there.
    """
    shard.write(path)
    click.echo(
        f"Wrote {_shown(path)}, share {shard.share} of the run. `hubmaxact merge` makes a report "
        f"of all {shard.share.of}.",
        err=True,
    )


def _shown(path: Path) -> str:
    return printable(str(path), LONGEST_PATH)
