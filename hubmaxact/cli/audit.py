"""`hubmaxact audit`: the static scales of a quantized checkpoint against what was measured."""

import click

FORMATS = ("terminal", "json")


@click.command()
@click.argument("report")
@click.argument("checkpoint")
@click.option("--revision", help="Branch, tag or commit, when CHECKPOINT is on the Hub.")
@click.option(
    "--tolerance",
    type=float,
    default=0.0,
    show_default=True,
    help="By this share what was measured may exceed what a scale stands for. One that an observer "
    "chose below the maximum on purpose is not held to it.",
)
@click.option("--format", "form", type=click.Choice(FORMATS), default="terminal", show_default=True)
def audit(report: str, checkpoint: str, revision: str | None, tolerance: float, form: str) -> None:
    """Hold the static scales of the quantized CHECKPOINT against REPORT.

    REPORT is of the model that it was quantized from: a file, a folder that holds
    activation_maxima.json, OWNER/NAME on the Hub, a URL there, or - for standard input. CHECKPOINT
    is a folder or a Hub id; headers and scales are read, and no weights.

    Exits 1 naming the inputs, keys and values that saturate by more than --tolerance, and when the
    report is not valid; 2 when the two cannot be held against each other, as where the
    report knows no tensor that a scale is of.
    """
    from hubmaxact.cli.audit_progress import AuditProgress
    from hubmaxact.shipped_scales import audit as library

    with AuditProgress() as watcher:
        found = library.audit(
            report, checkpoint, revision=revision, tolerance=tolerance, watcher=watcher
        )
    if form == "json":
        from hubmaxact.shipped_scales import to_json

        click.echo(to_json.render(found), nl=False)
    else:
        from hubmaxact.cli.progress_bar import console
        from hubmaxact.shipped_scales.to_terminal import show

        show(found, console(stderr=False))
    if not found.passed:
        raise library.AuditFailedError(found)
