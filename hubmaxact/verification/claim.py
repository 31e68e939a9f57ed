"""What is to be verified: a report, and the checkpoint that it is held against."""

from dataclasses import dataclass
from pathlib import Path

from hubmaxact.errors import HubmaxactError, NoCheckpointError, OptionsError
from hubmaxact.measurement import libraries
from hubmaxact.measurement.checkpoint.adapter_base import REVISION_MARK
from hubmaxact.measurement.source import Source, resolve_source
from hubmaxact.measurement.source_with_base import resolve_with_base
from hubmaxact.printable import printable
from hubmaxact.report.address import is_local
from hubmaxact.report.document import Report
from hubmaxact.report.inputs import Input, read_input
from hubmaxact.report.source import Found

LONGEST = 200  # characters of a list of files


@dataclass(frozen=True, slots=True)
class Claim:
    """A report, and the checkpoint that it is to be held against.

    Attributes:
        report: The report.
        source: The checkpoint.
        found: Where the report was found. None: it came from memory.
    """

    report: Report
    source: Source
    found: Found | None = None


class UntrustedCodeError(HubmaxactError):
    """Raised when a report was measured with a checkpoint's own code, and that is not trusted.

    Args:
        report: The report.
    """

    def __init__(self, report: Report) -> None:
        model = report["model"]
        files = ", ".join(file["path"] for file in model.get("remote_code_files", ()))
        super().__init__(
            f"the report was measured with the checkpoint's own code ({printable(files, LONGEST)} "
            f"of {model['id']} at {model['commit']}), which runs only when asked to. Add "
            "--trust-remote-code."
        )


def read_claim(
    report: Report | str | Path,
    checkpoint: str | Path | None = None,
    revision: str | None = None,
    base: str | Path | None = None,
    *,
    trust_remote_code: bool = False,
) -> Claim:
    """Look up a report and its checkpoint.

    Args:
        report: As in `verify`.
        checkpoint: As in `verify`.
        revision: As in `verify`.
        base: As in `verify`.
        trust_remote_code: As in `verify`.

    Returns:
        Both; the checkpoint's files are here.

    Raises:
        HubmaxactError: As `verify`, but for what only checking shows.
    """
    libraries.require()
    if isinstance(report, str) and not is_local(report):
        given, revision = read_input(report, revision=revision), None
    else:
        given = read_input(report)
    if not given.report["model"]["remote_code"]:
        return _claim(given, checkpoint, revision, base)
    if not trust_remote_code:
        raise UntrustedCodeError(given.report)
    return Claim(given.report, _with_code(given.report, checkpoint, revision), given.found)


def _with_code(report: Report, checkpoint: str | Path | None, revision: str | None) -> Source:
    """The commit that the report names, whose code its reader has been told of."""
    model = report["model"]
    if revision not in {None, model["commit"]}:
        raise OptionsError(
            f"the report was measured with the checkpoint's own code at {model['commit']}, and "
            "only that code can show whether it is true. Leave --revision out."
        )
    place = checkpoint or model["id"]
    assert place is not None, "a report with a commit names its repository"
    return resolve_source(place, revision=model["commit"], trust_remote_code=True)


def _claim(
    given: Input, checkpoint: str | Path | None, revision: str | None, base: str | Path | None
) -> Claim:
    """The checkpoint named by the user, else the report's place, else what the report names."""
    found, base = given.found, base or _base(given.report)
    if checkpoint is not None:
        source = resolve_with_base(checkpoint, revision=revision, base=base)
    elif found is not None and found.folder is not None:
        source = resolve_with_base(found.folder, revision=revision, base=base)
    elif found is not None and found.repo_id is not None:
        source = resolve_with_base(found.repo_id, revision=found.commit, base=base)
    else:
        source = _named(given.report, revision, base)
    return Claim(given.report, source, found)


def _base(report: Report) -> str | None:
    """What a report says that an adapter was merged into, as far as it can be fetched."""
    base = report["model"].get("adapter_base")
    if base is None or base["id"] is None:
        return None
    return f"{base['id']}{REVISION_MARK}{base['commit']}" if base["commit"] else base["id"]


def _named(report: Report, revision: str | None, base: str | Path | None) -> Source:
    model = report["model"]
    if model["id"] is None:
        raise NoCheckpointError(
            "the report was measured on a local folder and names no repository. "
            "Give the checkpoint: hubmaxact verify FILE CHECKPOINT."
        )
    return resolve_with_base(model["id"], revision=revision or model["commit"], base=base)
