"""The paper's checkpoints as rows of the catalog, marked as reported and not as measured here."""

import statistics
from typing import TYPE_CHECKING, Any, cast

from hubmaxact.catalog.extract import INT8_POLICIES, protocol_columns
from hubmaxact.catalog.row import EMPTY, PAPER, Row, SubsetRow
from hubmaxact.catalog.sources.paper_facts import Checkpoint, SubsetMaxima, facts, notes_of
from hubmaxact.formats import LARGEST_FINITE, bf16_step
from hubmaxact.report.row_fields import fields

if TYPE_CHECKING:
    from hubmaxact.report.document import Protocol

SAME_NAME = (
    "name", "family", "model_type", "architecture", "stage", "tokens_trained", "modalities",
    "size", "num_layers", "hidden_size",
)  # fmt: skip


def rows() -> list[Row]:
    """Return one row for each of the paper's checkpoints."""
    return [_row(checkpoint) for checkpoint in facts()["checkpoints"]]


def _row(checkpoint: Checkpoint) -> Row:
    source = facts()["source"]
    cited = (
        f"Reported by {source['paper']}; values from {checkpoint['file']} of "
        f"github.com/{source['repository']} at {source['commit'][:7]}."
    )
    columns = (
        EMPTY
        | {"key": f"paper:{checkpoint['name']}", "source": PAPER, "trust": "unverified"}
        | {"trust_detail": "there is no report to verify"}
        | fields(checkpoint, SAME_NAME)
        | protocol_columns(cast("Protocol", facts()["protocol"]))
        | {"num_tokens": checkpoint["num_tokens"]}
        | _maxima(checkpoint)
        | _errors(checkpoint)
        | {"subsets": [_subset(subset) for subset in checkpoint["subsets"]]}
        | {"in_paper_main": checkpoint["in_main_analysis"]}
        | {"notes": [cited, *notes_of(checkpoint)]}
    )
    return cast("Row", columns)


def _maxima(checkpoint: Checkpoint) -> dict[str, Any]:
    value, carriers = checkpoint["global_max"], checkpoint["carriers"]
    by_role = checkpoint["max_by_role"]
    largest = max(abs(peak["value"]) for peak in by_role.values())
    return {
        "max_value": value,
        "abs_max": abs(value),
        "bf16_step": bf16_step(value),
        "carrier_role": carriers[0]["role"],
        "carrier_layer": carriers[0]["layer"],
        "tied_roles": [carrier["role"] for carrier in carriers],
        **{f"max_{role}": peak["value"] for role, peak in by_role.items()},
        **{f"exceeds_{name}": largest > limit for name, limit in LARGEST_FINITE.items()},
    }


def _errors(checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        f"int8_{INT8_POLICIES[policy]}_{name}": value
        for policy, errors in checkpoint["int8"].items()
        for name, value in errors.items()
    }


def _subset(subset: SubsetMaxima) -> SubsetRow:
    values = subset["values"]
    mean = statistics.fmean(values)
    return SubsetRow(
        size=subset["size"],
        values=values,
        range_over_mean=(max(values) - min(values)) / mean,
        coefficient_of_variation=statistics.stdev(values) / mean,
    )
