"""What rounding costs a model's own predictions, as columns: each way asked for, and the worst."""

from typing import Any

from hubmaxact.catalog.row import LossRow
from hubmaxact.deployed_formats import KV, LINEAR_INPUTS
from hubmaxact.report.derived import EndToEndRow
from hubmaxact.report.document import Report

DEPLOYED = (LINEAR_INPUTS, KV)
"""What deployed kernels round; the residual stream is rounded as a diagnostic alone."""


def loss_columns(report: Report) -> dict[str, Any]:
    """Return columns; none where the report's run was not asked for losses."""
    found = report.get("end_to_end")
    if found is None:
        return {}
    losses = list(map(_loss, found["rows"]))
    known = [each for each in losses if each["high"] is not None and each["target"] in DEPLOYED]
    worst = max(known, key=_high, default=None)
    columns = {"loss_unrounded": found["loss"], "losses": losses}
    return columns | (_worst(worst) if worst else {})


def _loss(row: EndToEndRow) -> LossRow:
    change, divergence = row["loss_change"], row["kl_divergence"]
    return LossRow(
        target=row["target"],
        format=row["format"],
        granularity=row["granularity"],
        policy=row["policy"],
        num_samples=row["num_samples"],
        change=change and change["mean"],
        low=change and change["low"],
        high=change and change["high"],
        kl_divergence=divergence and divergence["mean"],
        top1_agreement=row["top1_agreement"],
    )


def _worst(row: LossRow) -> dict[str, Any]:
    way = "/".join((row["format"], row["granularity"], row["policy"]))
    return {
        "loss_worst_change": row["change"],
        "loss_worst_low": row["low"],
        "loss_worst_high": row["high"],
        "loss_worst_way": f"{row['target']}:{way}",
    }


def _high(row: LossRow) -> float:
    assert row["high"] is not None
    return row["high"]
