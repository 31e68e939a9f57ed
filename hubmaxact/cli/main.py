"""The command group, and the one place where errors become exit codes.

Exit 0 done; 1 the answer is no; 2 the user can fix it. Data on stdout, the rest on stderr.
Commands import what is heavy inside their bodies, so `--help` stays instant.
"""

import io
import os
import sys
from difflib import get_close_matches
from typing import NoReturn

import click

from hubmaxact import __version__
from hubmaxact.errors import HubmaxactError
from hubmaxact.files import FULL

COMMANDS = ("measure", "validate", "card", "push", "verify", "compare", "check", "catalog")


class Commands(click.Group):
    """Loads a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 click's signature
        """Name the commands in the order a user meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import `hubmaxact.cli.NAME` and return its command."""
        if cmd_name not in COMMANDS:
            return None
        module = __import__(f"hubmaxact.cli.{cmd_name}", fromlist=[cmd_name])
        command: click.Command = getattr(module, cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, and name the command that a misspelled one resembles."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if not (near := get_close_matches(args[0], COMMANDS, n=1)):
                raise
            raise click.UsageError(f"{error.message} Did you mean {near[0]!r}?", ctx) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hubmaxact")
def group() -> None:
    """Measure how large a model's activations get, and publish it with the model."""


def _run() -> None:
    """Run a command, and write out what it said while an error can still be told."""
    try:
        group()
    finally:
        if sys.stdout:  # None where it was closed before the start
            sys.stdout.flush()


def _refuse_full(error: OSError) -> NoReturn:
    """End where what a command says has no room."""
    # Or the interpreter would try once more at its end, and complain in its own words.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    where = error.filename or "standard output"
    click.echo(f"hubmaxact: cannot write {where}: {error.strerror}. Free some space.", err=True)
    sys.exit(2)


def main() -> None:
    """Run the command line; turn errors a user can act on into one sentence and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A report may hold any letter; a terminal or a pipe of another encoding may not. One
            # report gives the same bytes everywhere, so Windows' own line ends are not put in.
            stream.reconfigure(errors="backslashreplace", newline="\n")
    try:
        _run()
    except OSError as error:
        if error.errno not in FULL:
            raise
        _refuse_full(error)
    except HubmaxactError as error:
        if os.environ.get("HUBMAXACT_DEBUG") == "1":
            raise
        click.echo(f"hubmaxact: {error}", err=True)
        sys.exit(error.exit_code)
