"""The report that a repository holds, not yet checked."""

from hubmaxact.errors import HubError
from hubmaxact.hub.repository import read_file
from hubmaxact.report.document import MAX_REPORT_BYTES, REPORT_NAME


def download_report(repo_id: str, commit: str) -> bytes:
    """The report at `commit`, not yet checked.

    Args:
        repo_id: Model repository ("owner/name").
        commit: 40 hexadecimal digits.

    Returns:
        The file, 2 MiB at most.

    Raises:
        HubError: There is none, it is too large, or it cannot be read.
    """
    content = read_file(repo_id, commit, REPORT_NAME, limit=MAX_REPORT_BYTES)
    if content is None:
        raise HubError(
            f"{repo_id} has no {REPORT_NAME} at {commit[:7]}. Measure it with `hubmaxact measure`."
        )
    return content
