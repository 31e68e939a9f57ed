"""A report and its section onto the Hub: planned, then shown or committed."""

from collections.abc import Callable
from pathlib import Path

from hubmaxact.publication import attempts, plan, preview
from hubmaxact.publication.outcome import Outcome, rehearsed
from hubmaxact.report.document import Report
from hubmaxact.report.inputs import read_input
from hubmaxact.report.read import parse
from hubmaxact.report.source import Found
from hubmaxact.sidecars.beside import read_present


def push(
    report: bytes | str | Path,
    repo_id: str,
    *,
    revision: str = "main",
    create_pr: bool = False,
    json_only: bool = False,
    dry_run: bool = False,
    tell: Callable[[str], None] | None = None,
) -> Outcome:
    """Publish a report in its model's repository: file, picture, card section and tag, one commit.

    What lies beside the report goes with it, into the folder of the picture.

    Every other byte of the README stays. Pushing the same report again changes nothing. A commit
    that fails is tried again only when that cannot make a second one. The token is the one that
    huggingface_hub finds: HF_TOKEN, or where `hf auth login` left it.

    Args:
        report: The report's file, a folder that holds it, an id on the Hub, or a URL there; or its
            bytes: the very file is pushed, not a copy of what is in it.
        repo_id: Model repository ("owner/name"). It must hold the weights that were measured.
        revision: Branch to commit to, or that a pull request is against.
        create_pr: Whether to open a pull request, or to update the one of ours that is open.
        json_only: Whether to leave README and picture alone.
        dry_run: Whether to change nothing and return the diff.
        tell: Hears of each failed try, in a line. None: nobody does.

    Returns:
        The commit and the pull request that hold the report now, or would.

    Raises:
        UnreadableFileError: The file is missing, not a regular file, or may not be read.
        AddressError: The URL is not the Hub's, or leads to no model repository.
        ReportError: It is not a valid report.
        SidecarError: A file beside it is not the one that it names.
        DigestMismatchError: The repository holds other weights than the report speaks of.
        ReadmeError: The README cannot be edited without risk; `json_only` leaves it alone.
        HubError: The Hub refused, cannot be reached, or it cannot be found out what it did.
    """
    content, read, found = _read(report)
    request = plan.Push(
        content=content,
        report=read,
        repo_id=repo_id,
        sidecars=read_present(read, found),
        branch=revision,
        as_pull_request=create_pr,
        json_only=json_only,
    )
    if dry_run:
        planned = plan.prepare(request)
        return rehearsed(request, planned, preview.diff(request, planned))
    return attempts.publish(request, tell or _nobody)


def _read(report: str | Path | bytes) -> tuple[bytes, Report, Found | None]:
    """The very bytes that go to the Hub, what they say, and where they lay."""
    if isinstance(report, bytes):
        return report, parse(report), None
    read = read_input(report)
    assert read.found is not None
    return read.found.content, read.report, read.found


def _nobody(line: str) -> None:
    """Hear a line and keep it."""
