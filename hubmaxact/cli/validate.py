"""`hubmaxact validate`: is each file a valid report, and if not, where and why."""

import sys
from pathlib import Path

import click

from hubmaxact.errors import HubmaxactError

MOST_PROBLEMS = 20


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def validate(files: tuple[Path, ...]) -> None:
    """Check report FILES against the schema and against themselves.

    Prints `FILE: valid`, or where and why it is not. Exits 0 when all are valid, 1 when one is
    not, 2 when one cannot be read, was written by a newer hubmaxact or is a Git LFS pointer.
    """
    sys.exit(max(map(_validate_one, files)))


def _validate_one(path: Path) -> int:
    """Print the answer for one file; return its exit code."""
    from hubmaxact.printable import LONGEST_PATH, printable
    from hubmaxact.report.read import InvalidReportError, UnreadableFileError, read_report

    name = printable(str(path), LONGEST_PATH)
    try:
        read_report(path)
    except InvalidReportError as error:
        for problem in error.problems[:MOST_PROBLEMS]:
            click.echo(f"{name}: {problem}")
        if len(error.problems) > MOST_PROBLEMS:
            click.echo(f"{name}: and {len(error.problems) - MOST_PROBLEMS} or more other problems")
        return error.exit_code
    except UnreadableFileError as error:
        click.echo(f"hubmaxact: {error}", err=True)
        return error.exit_code
    except HubmaxactError as error:
        click.echo(f"{name}: {error}")
        return error.exit_code
    click.echo(f"{name}: valid")
    return 0
