"""The options that say where a report goes, of every command that makes one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

OUTPUT = click.option(
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="Where to write the report; - is standard output.  "
    "[default: activation_maxima.json, unless --write-into]",
)
WRITE_INTO = click.option(
    "--write-into",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder that gets the report, the picture and its README's section.",
)


def report_options(command: Command) -> Command:
    """Give a command `--output` and `--write-into`.

    Args:
        command: Takes both as paths, or None.

    Returns:
        The same command.
    """
    return OUTPUT(WRITE_INTO(command))
