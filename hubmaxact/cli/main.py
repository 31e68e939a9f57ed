"""The command group, and the one place where errors become exit codes.

Exit 0 done; 1 the answer is no; 2 the user can fix it; 130 and 141, as shells count them, where
somebody interrupts or no longer reads. Data on stdout, the rest on stderr. Commands import what is
heavy inside their bodies, so `--help` stays instant.
"""

import atexit
import gc
import os
import sys
from difflib import get_close_matches
from typing import Any, NoReturn

import click

from hubmaxact import __version__
from hubmaxact.cli import streams
from hubmaxact.errors import HubmaxactError

COMMANDS = (
    "measure",
    "merge",
    "validate",
    "card",
    "push",
    "verify",
    "compare",
    "check",
    "export",
    "audit",
    "catalog",
)


class InterruptedRunError(HubmaxactError):
    """Raised when somebody stops a command."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("interrupted.")


class UnreadError(HubmaxactError):
    """Raised when nobody reads standard output any more."""

    exit_code = 141


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

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; click itself would end it with 1, which is an answer here."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise InterruptedRunError from error
        except BrokenPipeError as error:
            raise UnreadError from error


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


def _end(sentence: str, exit_code: int = 2) -> NoReturn:
    from hubmaxact.measurement.distributed.launched import named_rank

    click.echo(f"hubmaxact: {named_rank()}{sentence}", err=True)
    sys.exit(exit_code)


def main() -> None:
    """Run the command line; turn errors a user can act on into one sentence and an exit code."""
    streams.make_ready()
    atexit.register(gc.freeze)  # what is left goes with the process: no second's search for cycles
    try:
        _run()
    except (UnreadError, BrokenPipeError):  # the second where what is left over is written out
        streams.give_up_output()
        sys.exit(UnreadError.exit_code)
    except HubmaxactError as error:
        if os.environ.get("HUBMAXACT_DEBUG") == "1":
            raise
        _end(str(error), error.exit_code)
    except (OSError, MemoryError, ImportError) as error:
        from hubmaxact.measurement.failures.lacking import lacking

        if (sentence := lacking(error)) is None:
            raise
        streams.give_up_output()
        _end(sentence)
