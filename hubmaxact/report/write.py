"""A report as bytes: valid, deterministic, finite, small, and readable line by line."""

from hashlib import sha256
from pathlib import Path

from hubmaxact.errors import ReportError
from hubmaxact.report.destination import write_content
from hubmaxact.report.document import MAX_WRITTEN_BYTES, MOST_MEASURED_BYTES, Report
from hubmaxact.report.json_layout import layout
from hubmaxact.report.validate import validate


class UnwritableReportError(ReportError):
    """Raised when what was measured makes no valid report."""

    exit_code = 2

    def __init__(self, fault: str) -> None:
        super().__init__(
            f"this report must not be written: {fault}. That is a fault of hubmaxact, or of a name "
            "in the checkpoint if one stands there, and no fault of yours; please report it as an "
            "issue."
        )


def write_report(report: Report, path: str | Path) -> None:
    """Write a report, all or nothing: a reader never sees half of one.

    Equal reports give equal bytes, so a file's digest is the report's. What a link leads to is
    written, and a pipe or a device is written through.

    Args:
        report: What `measure` or `read_report` returned.
        path: File to write or replace; its folder must be there.

    Raises:
        UnwritableReportError: The report is not valid, or larger than 1 MiB.
        WriteError: The folder is missing, read-only or full, or nobody reads the pipe; an old file
            is intact.
    """
    write_content(Path(path), report_bytes(report))


def report_bytes(report: Report) -> bytes:
    """Return the file's content: ASCII, keys in document order, a newline at the end.

    Equal reports in equal key order give equal bytes, and parse() returns the same report. Spaces
    within a line are left out only of a report that would be too large with them.

    Args:
        report: What `measure` or `read_report` returned.

    Returns:
        The content, 1 MiB at most.

    Raises:
        UnwritableReportError: The report is not valid, or too large to be read back.
    """
    plain = _plain(report)
    found = validate(plain)
    if found:
        raise UnwritableReportError(str(found[0]))
    content = _content(plain)
    if len(content) > MAX_WRITTEN_BYTES:
        raise UnwritableReportError(
            f"it has {len(content):,} bytes; the limit is {MAX_WRITTEN_BYTES:,}"
        )
    return content


def _content(plain: object) -> bytes:
    spaced = f"{layout(plain)}\n"
    fits = len(spaced) <= MOST_MEASURED_BYTES
    return (spaced if fits else f"{layout(plain, is_tight=True)}\n").encode("ascii")


def digest(report: Report) -> str:
    """Return the SHA-256 of the file's content, as hex."""
    return sha256(report_bytes(report)).hexdigest()


def _plain(value: object) -> object:
    """The same in JSON's own types, which is what a reader will see; minus zero is zero."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return float(value) or 0.0
    return str(value) if isinstance(value, str) else value
