"""`hubmaxact card`: a report as Markdown, printed or put into a README."""

import hashlib
import sys
from pathlib import Path

import click

from hubmaxact.printable import LONGEST_PATH, printable


@click.command()
@click.argument("file")
@click.option(
    "--format",
    "form",
    type=click.Choice(("section", "summary")),
    default="section",
    show_default=True,
    help="What is printed: the whole section, or its sentence and table, for a job's summary.",
)
@click.option("--readme", type=click.Path(path_type=Path), help="The README the section goes into.")
@click.option("--write", is_flag=True, help="Write README and pictures instead of showing a diff.")
def card(file: str, form: str, readme: Path | None, *, write: bool) -> None:
    """Print the model-card section of the report FILE, or a summary of it.

    FILE may also be a folder that holds activation_maxima.json, OWNER/NAME on the Hub, a URL
    there, or - for standard input.

    With --readme, shows what would change in that README as a diff; with --write, changes it and
    puts the section's pictures into activation_maxima/ beside it: layers.svg always, others where
    the report has what they draw. Nothing outside the section's markers changes, but for one tag
    in the front matter.
    """
    from hubmaxact.rendering import section, summary
    from hubmaxact.report.inputs import read_input

    if write and readme is None:
        raise click.UsageError("--write needs --readme.")
    if form == "summary" and readme is not None:
        raise click.UsageError("--format summary is printed; what goes into a README is a section.")
    read = read_input(file)
    assert read.found is not None
    # Of the very file, which another program may have laid out anew.
    report, sha256 = read.report, hashlib.sha256(read.found.content).hexdigest()
    if form == "summary":
        click.echo(summary.render(report))
        return
    if readme is None:
        click.echo(section.compose(report, sha256), nl=False)
        return
    from hubmaxact.publication import folder

    placement = folder.plan(report, readme, sha256)
    for line in placement.advice:
        click.echo(line, err=True)
    if write:
        folder.write(placement)
    if not placement.changes:
        click.echo(f"{printable(str(readme), LONGEST_PATH)} is already up to date.", err=True)
    elif write:
        click.echo(f"The section is in {printable(str(readme), LONGEST_PATH)}.", err=True)
    else:
        _show(folder.diff(placement))


def _show(diff: bytes) -> None:
    """Exact bytes into a pipe or file; nothing that steers onto a terminal."""
    if not sys.stdout.isatty():
        click.echo(diff, nl=False)
        return
    for line in diff.decode(errors="replace").splitlines():
        click.echo(printable(line, len(line)))
