"""A report as one row. Knows the report's fields; knows nothing of where it was found."""

import hashlib
from collections.abc import Iterable
from typing import Any, cast

from hubmaxact.catalog.fit import fit_columns
from hubmaxact.catalog.losses import loss_columns
from hubmaxact.catalog.pooled import pooled_columns
from hubmaxact.catalog.row import EMPTY, MEASURED, Row, SubsetRow
from hubmaxact.formats import LARGEST_FINITE
from hubmaxact.report.comparability import protocol_key, simulated_ways
from hubmaxact.report.document import GlobalMax, Protocol, Report
from hubmaxact.report.excess import SCALED, left_beyond
from hubmaxact.report.model_block import Model, WeightFile, every_weight_file
from hubmaxact.report.roles import PAPER_ROLES
from hubmaxact.report.row_fields import field, fields
from hubmaxact.report.summaries import decibels, int8_at_peak, per_layer

BY_LAYER = ("hidden_state", "attention_output", "mlp_output")
ENCODER = "Encoder (bidirectional): a token attends to all of its text, and nothing was padded."
INT8_POLICIES = {"max_abs": "max_abs", "clip_q0.999": "clip"}
INT8_PLACES = ("lowest", "median", "highest", "final_norm")
INT8_ERRORS = ("sqnr_db", "rel_rmse", "rel_mae", "clip_rate")
SAME_NAME_IN_MODEL = (
    "family", "model_type", "architecture", "stage", "base_model", "tokens_trained", "modalities",
    "num_parameters", "num_active_parameters", "num_layers", "hidden_size", "weights_dtype",
    "weights_quantization", "dequantized", "remote_code",
)  # fmt: skip
SAME_NAME_IN_PROTOCOL = (
    "profile", "max_seq_len", "dtype", "attn_implementation", "experts_implementation",
    "batch_tokens", "calibration_samples", "evaluation_samples",
)  # fmt: skip


def row_of(report: Report, content: bytes, *, key: str, name: str) -> Row:
    """Return the row of a measured report, whose trust is yet unknown."""
    columns = (
        EMPTY
        | {"key": key, "name": name, "source": MEASURED, "trust": "unverified"}
        | {"report_sha256": hashlib.sha256(content).hexdigest()}
        | _model(report["model"])
        | _outcome(report)
        | _maxima(report)
        | _errors(report)
        | _errors_elsewhere(report)
        | pooled_columns(report)
        | loss_columns(report)
        | fit_columns(report)
        | protocol_columns(report["protocol"])
        | fields(report["environment"], ("hubmaxact", "device_name"))
    )
    return cast("Row", columns)


def weights_digest(files: Iterable[WeightFile]) -> str:
    """One digest for a set of weight files, whatever they are called."""
    joined = "\n".join(sorted(file["sha256"] for file in files))
    return hashlib.sha256(joined.encode()).hexdigest()


def protocol_columns(protocol: Protocol) -> dict[str, Any]:
    """The protocol's columns and its key."""
    corpus, tokens = protocol["corpus"], protocol["special_tokens"]
    return {
        "protocol_key": protocol_key(protocol),
        **fields(protocol, SAME_NAME_IN_PROTOCOL),
        **{f"corpus_{name}": corpus[name] for name in ("name", "version", "kind", "digest")},
        "num_samples": corpus["num_samples"],
        "num_tokens": corpus["num_tokens"],
        "special_tokens": tokens["policy"],
        "bos_added": tokens["bos_added"],
        "simulated_activations": simulated_ways(protocol),
    }


def _model(model: Model) -> dict[str, Any]:
    notes = [ENCODER] if "bidirectional" in model else []
    return {
        "notes": notes,
        **fields(model, SAME_NAME_IN_MODEL),
        "model_id": model["id"],
        "model_commit": model["commit"],
        "size": model["num_parameters"],
        "weights_digest": weights_digest(every_weight_file(model)),
    }


def _outcome(report: Report) -> dict[str, Any]:
    headroom = report["dtype_headroom"]
    return {
        "status": report["status"],
        "num_missing": len(report["coverage"]["missing"]),
        **{f"exceeds_{name}": headroom[name]["exceeded"] for name in LARGEST_FINITE},
        **_scaling(report),
        "subsets": [SubsetRow(**subset) for subset in report["stability"]["subsets"]],
        **_certainty(report),
    }


def _scaling(report: Report) -> dict[str, Any]:
    """What keeps a residual stream within fp16, and what that does not help; where it is told."""
    exponent = report["dtype_headroom"][SCALED].get("residual_exponent")
    if exponent is None:
        return {}
    return {"residual_exponent": exponent, "num_left_beyond": len(left_beyond(report))}


def _certainty(report: Report) -> dict[str, Any]:
    """How sure M is, where the profile looks."""
    by_text = report["stability"].get("by_text")
    if by_text is None:
        return {}
    everything, later = by_text["all_tokens"], by_text["after_first_token"]
    half = everything["saturation"][-2:-1]
    tail = everything["tail"]
    return {
        "abs_max_of_half": half[0]["expected"] if half else None,
        "abs_max_after_first_token": later["abs_max"],
        **({f"inferred_{end}": field(tail, end) for end in ("low", "high")} if tail else {}),
    }


def _maxima(report: Report) -> dict[str, Any]:
    peak, by_role = report["global_max"], report["max_by_role"]
    return {
        **(_peak(peak) if peak else {}),
        **{f"max_{r.name}": by_role[r.name]["value"] for r in PAPER_ROLES if r.name in by_role},
        **{f"{role}_by_layer": per_layer(report, role) for role in BY_LAYER},
    }


def _peak(peak: GlobalMax) -> dict[str, Any]:
    carriers = peak["carriers"]
    return {
        "max_value": peak["value"],
        "abs_max": peak["abs_max"],
        "bf16_step": peak["bf16_step"],
        **{f"carrier_{name}": peak[name] for name in ("role", "layer", "part", "module")},
        "num_ties": carriers[0]["num_ties"],
        "num_carriers": len(carriers),
        "tied_roles": list(dict.fromkeys(carrier["role"] for carrier in carriers)),
    }


def _errors(report: Report) -> dict[str, Any]:
    """The INT8 rows at the site that holds M."""
    columns: dict[str, Any] = {}
    for name, row in int8_at_peak(report).items():
        if policy := INT8_POLICIES.get(name):
            columns |= {f"int8_{policy}_{error}": field(row, error) for error in INT8_ERRORS}
    return columns


def _errors_elsewhere(report: Report) -> dict[str, Any]:
    """SQNR over the hidden states, in three figures, and at the final norm."""
    columns: dict[str, Any] = {}
    for found in decibels(report):
        if policy := INT8_POLICIES.get(found.policy):
            values = (found.lowest[0], found.median, found.highest, found.final_norm)
            columns |= {
                f"int8_{policy}_{name}_db": value
                for name, value in zip(INT8_PLACES, values, strict=True)
            }
    return columns
