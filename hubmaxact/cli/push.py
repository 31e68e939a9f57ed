"""`hubmaxact push`: a report and its section, onto the Hub."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from hubmaxact.hub.plan import Plan

# What could steer a terminal or turn its text around; the lines' own ends may stay.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("repo")
@click.option("--pr", is_flag=True, help="Open a pull request, or update the open one.")
@click.option("--revision", default="main", show_default=True, help="Branch to push to.")
@click.option("--dry-run", is_flag=True, help="Show the exact diff; change nothing.")
@click.option("--json-only", is_flag=True, help="Leave the README alone.")
def push(file: Path, repo: str, *, pr: bool, revision: str, dry_run: bool, json_only: bool) -> None:
    """Publish the report FILE in the model repository REPO (owner/name), with its card section.

    The weights that were measured must be the ones in REPO. Everything goes into one commit; the
    URL to look at is printed. Exits 2 when the weights differ or the Hub refuses.
    """
    from hubmaxact.hub import plan, preview
    from hubmaxact.hub.push import publish
    from hubmaxact.report.read import parse, read_bounded

    content = read_bounded(file)
    request = plan.Push(
        content=content,
        report=parse(content),
        repo_id=repo,
        branch=revision,
        as_pull_request=pr,
        json_only=json_only,
    )
    if dry_run:
        planned = plan.prepare(request)
        _tell(*planned.advice, *_as_planned(planned))
        _show(preview.diff(request, planned))
        return
    outcome = publish(request, _tell)
    _tell(*outcome.advice, "Done." if outcome.changed else f"{repo} is already up to date.")
    if outcome.changed or outcome.pr_url:
        click.echo(outcome.url)


def _as_planned(planned: "Plan") -> list[str]:
    if not planned.changes:
        return ["Already up to date: nothing would be committed."]
    if planned.opens_pull_request:
        return [f"A pull request against {planned.revision} would be opened with this."]
    return [f"This would be committed to {planned.revision}."]


def _tell(*lines: str) -> None:
    for line in lines:
        click.echo(line, err=True)


def _show(diff: bytes) -> None:
    """Write the diff: exact bytes into a pipe or file, no control characters onto a terminal."""
    if sys.stdout.isatty():
        click.echo(CONTROL.sub("?", diff.decode(errors="replace")), nl=False)
    else:
        click.echo(diff, nl=False)
