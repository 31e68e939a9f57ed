"""`hubmaxact validate`: is each file a valid report, and if not, where and why."""

import sys

import click

from hubmaxact.errors import HubmaxactError, ReportError

MOST_PROBLEMS = 20


@click.command()
@click.argument("files", nargs=-1, required=True)
def validate(files: tuple[str, ...]) -> None:
    """Check report FILES against the schema and against themselves.

    Each is a file, a folder that holds activation_maxima.json, OWNER/NAME on the Hub, a URL there,
    or - for standard input. What lies beside it is held to the digests that it names. Prints
    `FILE: valid`, or where and why it is not. Exits 0 when all are valid, 1 when one is not, 2 when
    one cannot be read, was written by a newer hubmaxact or is a Git LFS pointer.
    """
    sys.exit(max(map(_validate_one, files)))


def _validate_one(file: str) -> int:
    """Print the answer for one report; return its exit code."""
    from hubmaxact.printable import LONGEST_PATH, printable
    from hubmaxact.report.read import InvalidReportError, parse
    from hubmaxact.report.source import find
    from hubmaxact.sidecars.beside import SidecarError, present
    from hubmaxact.sidecars.error_rows_beside import check_error_rows

    name = printable(file, LONGEST_PATH)
    try:
        found = find(file)
        report = parse(found.content)
        present(report, found)
        check_error_rows(report, found)
    except SidecarError as error:
        click.echo(f"{name}: {error}")
        return 1
    except InvalidReportError as error:
        for problem in error.problems[:MOST_PROBLEMS]:
            click.echo(f"{name}: {problem}")
        if len(error.problems) > MOST_PROBLEMS:
            click.echo(f"{name}: and {len(error.problems) - MOST_PROBLEMS} or more other problems")
        return error.exit_code
    except ReportError as error:
        click.echo(f"{name}: {error}")
        return error.exit_code
    except HubmaxactError as error:
        click.echo(f"hubmaxact: {error}", err=True)
        return error.exit_code
    click.echo(f"{name}: valid")
    return 0
