"""`hubmaxact push`: a report and its section, onto the Hub."""

import json
import re
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from hubmaxact.publication.outcome import Outcome

# What could steer a terminal or turn its text around; the lines' own ends may stay.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
PUSH_VERSION = "0.1"


@click.command()
@click.argument("file")
@click.argument("repo")
@click.option("--pr", is_flag=True, help="Open a pull request, or update the open one.")
@click.option("--revision", default="main", show_default=True, help="Branch to push to.")
@click.option("--dry-run", is_flag=True, help="Show the exact diff; change nothing.")
@click.option("--json-only", is_flag=True, help="Leave the README alone.")
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="json: push_version, dry_run, changed, commit_url, pr_url, pr_num; a diff on stderr.",
)
def push(
    file: str, repo: str, *, pr: bool, revision: str, dry_run: bool, json_only: bool, form: str
) -> None:
    """Publish the report FILE in the model repository REPO (owner/name), with its card section.

    FILE may also be a folder that holds activation_maxima.json, OWNER/NAME on the Hub, a URL there,
    or - for standard input. The weights that were measured must be the ones in REPO. Everything
    goes into one commit; the URL to look at is printed. Exits 2 when the weights differ or the Hub
    refuses.

    In the JSON, commit_url is the commit that holds the report now, whether this push made it
    (changed) or found it; null after a dry run, where changed says what a push would do.
    """
    from hubmaxact.publication import push as publication

    outcome = publication.push(
        file,
        repo,
        revision=revision,
        create_pr=pr,
        json_only=json_only,
        dry_run=dry_run,
        tell=_tell,
    )
    _tell(*outcome.advice)
    if outcome.diff is not None:
        _rehearse(outcome, outcome.diff, form)
        return
    _tell("Done." if outcome.changed else f"{repo} is already up to date.")
    if form == "json":
        click.echo(_as_json(outcome))
    elif outcome.changed or outcome.pr_url:
        click.echo(outcome.url)


def _rehearse(outcome: "Outcome", diff: bytes, form: str) -> None:
    """Show what a push would change."""
    if form == "json":
        click.echo(_safe(diff), nl=False, err=True)
        click.echo(_as_json(outcome, dry_run=True))
    else:
        _show(diff)


def _as_json(outcome: "Outcome", *, dry_run: bool = False) -> str:
    document = {
        "push_version": PUSH_VERSION,
        "dry_run": dry_run,
        "changed": outcome.changed,
        "commit_url": outcome.commit_url,
        "pr_url": outcome.pr_url,
        "pr_num": outcome.pr_num,
    }
    return json.dumps(document, indent=1)


def _tell(*lines: str) -> None:
    for line in lines:
        click.echo(line, err=True)


def _show(diff: bytes) -> None:
    """Write the diff: exact bytes into a pipe or file, no control characters onto a terminal."""
    if sys.stdout.isatty():
        click.echo(_safe(diff), nl=False)
    else:
        click.echo(diff, nl=False)


def _safe(diff: bytes) -> str:
    return CONTROL.sub("?", diff.decode(errors="replace"))
