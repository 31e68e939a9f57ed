"""`hubmaxact verify`: a report against its checkpoint, in one forward pass."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from hubmaxact.report.document import Report


@click.command()
@click.argument("file")
@click.argument("checkpoint", required=False)
@click.option("--revision", help="Branch, tag or commit, when FILE or CHECKPOINT is on the Hub.")
@click.option("--corpus", help="Where the report's corpus lies, when hubmaxact does not carry it.")
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, mps, ...")
def verify(
    file: str, checkpoint: str | None, revision: str | None, corpus: str | None, device: str
) -> None:
    """Verify FILE, a report or a Hub repository that holds one, against CHECKPOINT.

    CHECKPOINT is a folder or a Hub id; without it, the report's own repository and commit are
    taken. Exits 1 if the report is not reproduced.
    """
    from hubmaxact.cli.measure_progress import RichWatcher
    from hubmaxact.errors import NotReproducedError
    from hubmaxact.verification import verify as verification

    report, checkpoint, revision = _find(file, checkpoint, revision)
    failed, watcher = None, RichWatcher()
    checks = verification.verify(
        report, checkpoint, revision=revision, corpus=corpus, device=device, watcher=watcher
    )
    with watcher:
        for check in checks:
            click.echo(f"{'ok  ' if check.passed else 'FAIL'} {check.name}: {check.detail}")
            failed = failed if check.passed else check
    if failed is not None:
        raise NotReproducedError(f"not reproduced: {failed.name} differs ({failed.detail}).")
    peak = report["global_max"]
    assert peak is not None
    click.echo(f"Reproduced: M = {peak['value']:g} at {peak['module']}.")


def _find(
    file: str, checkpoint: str | None, revision: str | None
) -> tuple["Report", str | None, str | None]:
    """The report, the checkpoint it is to be held against (None: its own), and its revision."""
    from hubmaxact.report.document import REPORT_NAME
    from hubmaxact.report.read import read_report

    path = Path(file)
    if path.is_dir():
        path = path / REPORT_NAME
        checkpoint = checkpoint or file
    if path.exists() or path.suffix == ".json":
        return read_report(path), checkpoint, revision
    report, commit = _fetch(file, revision)
    return report, checkpoint or file, None if checkpoint else commit


def _fetch(repository: str, revision: str | None) -> tuple["Report", str]:
    """The report of a Hub repository, and the commit it was read at."""
    from hubmaxact.errors import HubError
    from hubmaxact.hub.repository import resolve_commit
    from hubmaxact.publication.download import download_report
    from hubmaxact.recognition.folder import not_here
    from hubmaxact.report.read import read_report

    try:
        commit = resolve_commit(repository, revision)
    except HubError as error:  # it may have been meant as a file or a folder
        raise HubError(f"{error} {not_here(repository)}") from error
    return read_report(download_report(repository, commit)), commit
