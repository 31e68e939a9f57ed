"""Whether a report speaks of the weights beside it: current, stale, copied or unverified.

`current`: the repository holds, at the commit that was read, the weights that were measured.
`stale`: it holds other weights. `copied`: the report names another repository, or its weights are
those of another catalogued one. `unverified`: its weights are not known.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from hubmaxact.catalog.row import Row, Trust
from hubmaxact.errors import DigestMismatchError, IncompleteWeightsError, UnsafeCheckpointError
from hubmaxact.publication.weights import StoredWeights, compare
from hubmaxact.report.model_block import Model


@dataclass(frozen=True, slots=True)
class Verdict:
    """What can be said of one report by itself."""

    trust: Trust
    copied_from: str | None = None
    detail: str | None = None


def judge(model: Model, stored: StoredWeights | None, *, repo_id: str) -> Verdict:
    """Hold a report against the repository it lies in.

    Args:
        model: The report's block about the checkpoint.
        stored: The repository's weights; None when they are not looked at.
        repo_id: The repository.

    Returns:
        What can be said.

    Raises:
        HubError: The repository cannot be read.
    """
    claimed = model["id"]
    if claimed is not None and claimed.casefold() != repo_id.casefold():
        return Verdict("copied", claimed, f"the report names {claimed}")
    if stored is None:
        return Verdict("unverified", None, "the digests of the weights are not known")
    if not stored.paths:
        return Verdict("unverified", None, "the repository holds no safetensors")
    try:
        compare(model["weight_files"], stored)
    except DigestMismatchError as error:
        return Verdict("stale", None, str(error))
    except (IncompleteWeightsError, UnsafeCheckpointError) as error:  # of its index
        return Verdict("unverified", None, f"which weights are loaded is not known: {error}")
    return Verdict("current")


def settle(rows: Iterable[Row]) -> None:
    """Hold rows against each other, in place: weights of another repository are a copy.

    Only `current` rows own their weights; of several owners the one first by name is named.
    """
    rows = list(rows)
    owners: dict[str | None, str] = {}
    for row in sorted(rows, key=lambda row: row["key"]):
        if row["trust"] == "current" and row["repo_id"]:
            owners.setdefault(row["weights_digest"], row["repo_id"])
    for row in rows:
        owner = owners.get(row["weights_digest"])
        if owner and row["trust"] in {"stale", "unverified"} and row["repo_id"]:
            row["trust"], row["copied_from"] = "copied", owner
            row["trust_detail"] = f"the report was measured on the weights of {owner}"
