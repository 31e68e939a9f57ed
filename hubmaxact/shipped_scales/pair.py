"""Whether a report and a checkpoint can be held against each other at all."""

from collections.abc import Mapping, Sequence
from typing import Any

from hubmaxact.errors import HubmaxactError
from hubmaxact.printable import LONGEST_PATH, counted, printable
from hubmaxact.recognition.listing import Listing
from hubmaxact.recognition.quantization import said_of_weights
from hubmaxact.report.document import Report
from hubmaxact.report.roles import DEPLOYMENT
from hubmaxact.report.watched_rows import watched_rows
from hubmaxact.shipped_scales.row import Row
from hubmaxact.shipped_scales.verdicts import NOT_MEASURED

SIZES = {
    "num_layers": ("num_hidden_layers", "n_layer", "num_layers", "n_layers"),
    "hidden_size": ("hidden_size", "n_embd", "d_model"),
}
"""What a report says of a model's size, and what a configuration may call it."""

PARTS = ("text_config", "llm_config", "language_config")
"""Where a configuration of several models keeps the decoder's."""

COMPARED = ("linear_input", "key", "value", "query")
"""Roles that scales are of."""


class NothingToAuditError(HubmaxactError):
    """Raised when a report or a checkpoint holds nothing that could be held against the other."""


def said_of_quantized(listing: Listing, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a quantized checkpoint says of its quantization.

    Args:
        listing: A folder or a repository.
        config: The content of its config.json.

    Returns:
        The object; what is in it may be anything.

    Raises:
        NothingToAuditError: Nothing says that it is quantized.
    """
    said = said_of_weights(listing, config)
    if not said:
        raise NothingToAuditError(
            f"nothing says that {listing.name} is quantized, so that engines load no scale of it. "
            "Name the quantized checkpoint."
        )
    return said


def refuse_other_profile(report: Report) -> None:
    """Refuse a report that holds nothing to compare with.

    Args:
        report: Any.

    Raises:
        NothingToAuditError: It is of another profile than deployment.
    """
    profile = report["protocol"]["profile"]
    if profile != DEPLOYMENT:
        raise NothingToAuditError(
            f"the report is of profile {profile}, which watches neither linear inputs nor keys and "
            f"values. Measure the base model with --profile {DEPLOYMENT}."
        )


def refuse_other_model(report: Report, config: Mapping[str, Any], name: str) -> None:
    """Refuse a checkpoint that is of another size than the measured model.

    Args:
        report: Of the model that it should have been quantized from.
        config: The content of its config.json.
        name: How sentences call it.

    Raises:
        NothingToAuditError: Layers or channels are more or fewer; the message says which.
    """
    parts = [config, *(config[part] for part in PARTS if isinstance(config.get(part), dict))]
    measured: Mapping[str, object] = {**report["model"]}
    for field, names in SIZES.items():
        said = [part[key] for part in parts for key in names if isinstance(part.get(key), int)]
        if said and measured[field] not in said:
            raise NothingToAuditError(
                f"the report is of another model: its {field} is {measured[field]}, and that of "
                f"{name} is {printable(str(said[-1]))}. Name the report of the model that it was "
                "quantized from."
            )


def refuse_no_match(report: Report, rows: Sequence[Row], name: str) -> None:
    """Refuse a checkpoint that ships scales of which the report knows not one tensor.

    Args:
        report: Of the model that it should have been quantized from.
        rows: All that the audit found.
        name: How sentences call the checkpoint.

    Raises:
        NothingToAuditError: So it is; the message names a module of each.
    """
    shipped = [row for row in rows if row.tensor is not None]
    if not shipped or not all(map(_is_unknown, shipped)):
        return
    known = next((row.module for row in watched_rows(report) if row.role in COMPARED), None)
    theirs = "none at all" if known is None else printable(known, LONGEST_PATH)
    raise NothingToAuditError(
        f"not one of {counted(len(shipped), 'static scale')} that {name} ships is of a tensor that "
        f"the report knows: one is of {printable(shipped[0].module, LONGEST_PATH)}, and the report "
        f"has {theirs}. Name the report of the model that it was quantized from, measured from a "
        "checkpoint with the same names."
    )


def _is_unknown(row: Row) -> bool:
    """Whether no tensor of the report is the row's; one that nothing reached says so."""
    return row.verdict == NOT_MEASURED.name and not row.detail
