"""`hubmaxact card`: a report as Markdown, printed or put into a README."""

import hashlib
import sys
from pathlib import Path

import click

from hubmaxact.printable import LONGEST_PATH, printable

STDIN = ("-", "/dev/stdin")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(("section", "summary")),
    default="section",
    show_default=True,
    help="What is printed: the whole section, or its sentence and table, for a job's summary.",
)
@click.option("--readme", type=click.Path(path_type=Path), help="The README the section goes into.")
@click.option("--write", is_flag=True, help="Write README and picture instead of showing a diff.")
def card(file: Path, form: str, readme: Path | None, *, write: bool) -> None:
    """Print the model-card section of the report FILE, or a summary of it; - reads stdin.

    With --readme, shows what would change in that README as a diff; with --write, changes it and
    puts activation_maxima/layers.svg beside it. Nothing outside the section's markers changes,
    but for one tag in the front matter.
    """
    from hubmaxact.rendering import section, summary
    from hubmaxact.report.read import parse

    if write and readme is None:
        raise click.UsageError("--write needs --readme.")
    if form == "summary" and readme is not None:
        raise click.UsageError("--format summary is printed; what goes into a README is a section.")
    content = _content(file)
    # Of the very file, which another program may have laid out anew.
    report, sha256 = parse(content), hashlib.sha256(content).hexdigest()
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
    if not placement.changes:
        click.echo(f"{printable(str(readme), LONGEST_PATH)} is already up to date.", err=True)
    elif write:
        folder.write(placement)
        click.echo(f"The section is in {printable(str(readme), LONGEST_PATH)}.", err=True)
    else:
        _show(folder.diff(placement))


def _content(file: Path) -> bytes:
    """The report's bytes, from standard input too, which may be a pipe."""
    from hubmaxact.report.document import MAX_REPORT_BYTES
    from hubmaxact.report.read import content_of

    if str(file) in STDIN:
        return sys.stdin.buffer.read(MAX_REPORT_BYTES + 1)
    return content_of(file)


def _show(diff: bytes) -> None:
    """Exact bytes into a pipe or file; nothing that steers onto a terminal."""
    if not sys.stdout.isatty():
        click.echo(diff, nl=False)
        return
    for line in diff.decode(errors="replace").splitlines():
        click.echo(printable(line, len(line)))
