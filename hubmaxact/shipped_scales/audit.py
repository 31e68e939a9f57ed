"""An audit: the static scales that a checkpoint ships, held against a report's maxima."""

from dataclasses import dataclass
from pathlib import Path

from hubmaxact.errors import HubmaxactError, OptionsError
from hubmaxact.printable import LONGEST_PATH, counted, printable
from hubmaxact.recognition.listing import Listing
from hubmaxact.recognition.place import find_place
from hubmaxact.recognition.recognize import recognize
from hubmaxact.recognition.safetensors_header import Header
from hubmaxact.recognition.stored_tensors import header_of, tensors_of
from hubmaxact.recognition.weights import Weights
from hubmaxact.report.document import Report
from hubmaxact.report.inputs import Input, read_input
from hubmaxact.shipped_scales.declaration import Declaration, declaration
from hubmaxact.shipped_scales.measured_maxima import MeasuredMaxima
from hubmaxact.shipped_scales.missing import missing_cache, missing_inputs
from hubmaxact.shipped_scales.notes import notes
from hubmaxact.shipped_scales.other_inputs import PRE_QUANT_SCALE, changes
from hubmaxact.shipped_scales.pair import (
    refuse_no_match,
    refuse_other_model,
    refuse_other_profile,
    said_of_quantized,
)
from hubmaxact.shipped_scales.row import Row
from hubmaxact.shipped_scales.rows import Rows
from hubmaxact.shipped_scales.shipped import shipped_scales
from hubmaxact.shipped_scales.watcher import Watcher
from hubmaxact.sidecars.beside import MissingSidecarError
from hubmaxact.sidecars.channels import Channels, read_channels

AUDIT_VERSION = "0.1"
MOST_NAMED = 3


class AuditFailedError(HubmaxactError):
    """Raised when scales do not reach what was measured; names the worst."""

    exit_code = 1

    def __init__(self, found: "Audit") -> None:
        failed = sorted(
            (row for row in found.rows if row.fails), key=lambda row: -(row.ratio or float("inf"))
        )
        named = "; ".join(map(_named, failed[:MOST_NAMED]))
        rest = len(failed) - MOST_NAMED
        more = f"; and {rest:,} more" if rest > 0 else ""
        total = counted(len(found.rows), "scale")
        super().__init__(f"{len(failed):,} of {total} failed: {named}{more}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What an audit found, in the order in which its JSON is written.

    Attributes:
        audit_version: Of this layout, "0.N".
        passed: Whether no row fails.
        report: The report's name as it was given; null when it came from memory.
        model: The measured model's id.
        checkpoint: The quantized checkpoint, as sentences call it.
        commit: Of its repository; null of a folder.
        method: What its configuration calls the method.
        tolerance: By this share what was measured may exceed what a number stands for.
        notes: What holds of all rows, in sentences.
        rows: One for each shipped number, and for each that is missing.
    """

    audit_version: str
    passed: bool
    report: str | None
    model: str | None
    checkpoint: str
    commit: str | None
    method: str
    tolerance: float
    notes: tuple[str, ...]
    rows: tuple[Row, ...]


def audit(
    report: Report | str | Path,
    checkpoint: str | Path,
    *,
    revision: str | None = None,
    tolerance: float = 0.0,
    watcher: Watcher | None = None,
) -> Audit:
    """Hold a checkpoint's static scales against what was measured. No weight is read.

    Args:
        report: Of profile deployment and of the base model; or its file, a folder that holds it,
            an id on the Hub, or a URL there.
        checkpoint: Folder or Hub id of the quantized model.
        revision: Branch, tag or commit of a Hub id. None: main.
        tolerance: By this share what was measured may exceed what a number stands for.
        watcher: Hears how it goes.

    Returns:
        A row for each number. That some fail is no error here.

    Raises:
        OptionsError: The tolerance is no share.
        NothingToAuditError: The report has no linear inputs, or is of another model, or knows no
            tensor that a scale is of, or the checkpoint is not quantized.
        NoCheckpointError: What was named is no checkpoint.
        UnsafeCheckpointError: Its files lie.
        IncompleteWeightsError: Files are missing.
        UnreadableFileError: The report cannot be read.
        BadInputError: The report is not valid.
        SidecarError: What lies beside the report is needed, and is not what it names.
        HubError: Something on the Hub cannot be read.
    """
    if not 0 <= tolerance < float("inf"):
        raise OptionsError(f"a tolerance of {tolerance:g} is no share. Give 0 or more, as 0.02.")
    measured = read_input(report)
    refuse_other_profile(measured.report)
    listing = find_place(checkpoint, revision)
    found = recognize(listing, quantized=True)
    declared = declaration(said_of_quantized(listing, found.config))
    refuse_other_model(measured.report, found.config, listing.name)
    rows = _rows(listing, found.weights, declared, measured, tolerance, watcher or Watcher())
    refuse_no_match(measured.report, rows, listing.name)
    return Audit(
        audit_version=AUDIT_VERSION,
        passed=not any(row.fails for row in rows),
        report=measured.file,
        model=measured.report["model"]["id"],
        checkpoint=listing.name,
        commit=listing.commit,
        method=declared.method,
        tolerance=tolerance,
        notes=tuple(notes(measured.report, listing, rows)),
        rows=rows,
    )


def _rows(
    listing: Listing,
    weights: Weights,
    declared: Declaration,
    measured: Input,
    tolerance: float,
    watcher: Watcher,
) -> tuple[Row, ...]:
    def header(file: str) -> Header:
        read = header_of(listing, file)
        watcher.step()
        return read

    watcher.begin(len(weights.files))
    tensors = tensors_of(listing.name, weights, header)
    done = changes(listing, declared)
    is_smoothed = any(name.endswith(f".{PRE_QUANT_SCALE}") for name in tensors)
    channels = _channels(measured) if is_smoothed else None
    maxima = MeasuredMaxima(measured.report, channels)
    shipped = shipped_scales(
        listing, weights, tensors, declared, watcher, with_factors=channels is not None
    )
    return (
        *Rows(maxima, declared, done, tolerance).of(shipped),
        *missing_inputs(tensors, declared),
        *missing_cache(shipped, maxima, declared, done, tolerance),
    )


def _channels(measured: Input) -> Channels | None:
    """What every channel showed; None where nobody kept it."""
    try:
        return read_channels(measured.report, measured.found)
    except MissingSidecarError:
        return None


def _named(row: Row) -> str:
    times = f" ({row.ratio:.3g} times what it stands for)" if row.ratio else f" ({row.detail})"
    return f"{row.kind} of {printable(row.module, LONGEST_PATH)}{times}"
