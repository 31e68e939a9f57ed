"""`hubmaxact check`: a report held to limits; the gate of a pipeline."""

from pathlib import Path
from typing import Any

import click

from hubmaxact.cli.format_name import FormatName
from hubmaxact.formats import LARGEST_FINITE

PATH = click.Path(path_type=Path)
FORMATS = ("text", "markdown", "json")


class FormatAndNumber(click.ParamType[tuple[str, float]]):
    """FORMAT=NUMBER, such as int8=20 or int8:clip_q0.999=12."""

    def __init__(self, unit: str, example: str) -> None:
        self.name = f"format={unit}"
        self.example = example

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, float]:
        """Split at the last equals sign; what a number may be is the library's to say."""
        name, _, decibels = str(value).rpartition("=")
        try:
            number = float(decibels)
        except ValueError:
            number = None
        if number is None or not name:
            self.fail(f"give {self.name.upper()}, such as {self.example}.", param, ctx)
        return name, number


@click.command()
@click.argument("file")
@click.option("--max-abs", type=float, help="M may be at most this.")
@click.option(
    "--not-exceeding",
    multiple=True,
    type=FormatName(tuple(LARGEST_FINITE)),
    help="No watched tensor may exceed this format, unscaled. Repeatable.",
)
@click.option(
    "--cache-not-exceeding",
    multiple=True,
    type=FormatName(tuple(LARGEST_FINITE)),
    help="No key or value may exceed this format, as a cache without scales has it. Repeatable.",
)
@click.option(
    "--min-sqnr-db",
    multiple=True,
    type=FormatAndNumber("db", "int8=20"),
    help="SQNR at the site that carries M, max-abs scale unless FORMAT is int8:POLICY; of all "
    "linear inputs where it is FORMAT/GRANULARITY[/POLICY], of the worst with lowest: before it, "
    "of keys with @key behind it, of values with @value. Repeatable.",
)
@click.option(
    "--max-loss-change",
    multiple=True,
    type=FormatAndNumber("nats", "int8/per_token=0.02"),
    help="How much the loss may grow, in nats a token, when [TARGET:]FORMAT/GRANULARITY[/POLICY] "
    "is rounded; the upper end of its interval. Repeatable.",
)
@click.option("--against", metavar="REPORT", help="An earlier report, of the same protocol.")
@click.option("--max-ratio", type=float, help="M may be at most this times the earlier M.")
@click.option(
    "--require-complete/--no-require-complete",
    default=None,
    help="Everything expected was seen, and all of it was finite.",
)
@click.option(
    "--no-remote-code/--allow-remote-code",
    default=None,
    help="No code of the checkpoint's own was run.",
)
@click.option("--config", type=PATH, help="TOML file with the same rules; options override it.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
def check(file: str, config: Path | None, form: str, **options: Any) -> None:
    """Hold the report FILE to limits; exit 1 naming every rule that failed.

    FILE may also be a folder that holds activation_maxima.json, OWNER/NAME on the Hub, a URL there,
    or - for standard input.

    A value that is null fails with its reason; so does any bound on M where NaN or infinity was
    seen. Exits 2 when no rule is given or --against has another protocol.
    """
    from hubmaxact.gate import gate, limits

    given = _given(options)
    settings = limits.merged(limits.settings_of(config) if config else {}, given)
    try:
        verdict = gate.check(file, settings)
    except limits.NoLimitError as error:
        example = "give at least one rule, such as --not-exceeding float16."
        raise click.UsageError(example) from error
    written = {"text": gate.as_text, "markdown": gate.as_markdown, "json": gate.as_json}[form]
    click.echo(written(verdict), nl=False)
    if not verdict.passed:
        raise gate.GateFailedError(verdict)


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """The options that were given, under the names that a TOML file has."""
    given = {name: value for name, value in options.items() if value not in (None, ())}
    for table in ("min_sqnr_db", "max_loss_change"):
        pairs = given.get(table, ())
        if pairs:
            given[table] = dict(pairs)
            if len(given[table]) < len(pairs):
                raise click.UsageError(f"--{table.replace('_', '-')} names a format twice.")
    return given
