"""`hubmaxact compare`: reports side by side, for people, for a page or for a program."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from hubmaxact.comparison.comparison import Comparison

FORMATS = ("terminal", "markdown", "json")


@click.command()
@click.argument("files", nargs=-1, required=True)
@click.option("--format", "form", type=click.Choice(FORMATS), default="terminal", show_default=True)
@click.option("--across-protocols", is_flag=True, help="Compare all the same; say what differs.")
def compare(files: tuple[str, ...], form: str, *, across_protocols: bool) -> None:
    """Put two to eight report FILES side by side.

    Each is a file, a folder that holds activation_maxima.json, OWNER/NAME on the Hub, a URL there,
    or - for standard input.

    M and its place, maxima by role and by layer, number formats, INT8 rows; between releases of
    one model also what changed. Exits 2, naming every difference, when the protocols differ and
    --across-protocols is not given; exits 1 when a file is not a valid report.
    """
    from hubmaxact.comparison import build

    try:
        comparison = build.compare(*files, across_protocols=across_protocols)
    except build.NumberOfReportsError as error:
        raise click.UsageError(str(error)) from error
    _print(comparison, form)


def _print(comparison: "Comparison", form: str) -> None:
    if form == "json":
        from hubmaxact.comparison import to_json

        click.echo(to_json.render(comparison), nl=False)
    elif form == "markdown":
        from hubmaxact.comparison import to_markdown

        click.echo(to_markdown.render(comparison), nl=False)
    else:
        from hubmaxact.cli.progress_bar import console
        from hubmaxact.comparison.to_terminal import show

        show(comparison, console(stderr=False))
