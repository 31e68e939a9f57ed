"""Ways of rounding in words: a format, what shares a scale, and what fixes it."""

from typing import TypedDict

from hubmaxact.deployed_formats import CLIP, MAX_ABS, MEAN_SQUARE, UNSCALED
from hubmaxact.report.derived import PooledRow

FORMATS = {
    "int8": "INT8",
    "float8_e4m3fn": "FP8 E4M3",
    "float8_e5m2": "FP8 E5M2",
    "mxfp8": "MXFP8",
    "mxfp4": "MXFP4",
    "nvfp4": "NVFP4",
}
"""What people call a format that tensors are rounded to."""

GRANULARITIES = {
    "per_tensor": "one scale",
    "per_token": "a scale for each token",
    "block_128": "a scale for 128 channels",
    "block_32": "a scale for 32 channels",
    "block_16": "a scale for 16 channels",
}
"""What shares a scale, from the coarsest to the finest: from what costs a kernel least to most."""

POLICIES = {
    MAX_ABS: "from the maximum",
    CLIP: "clipped at the 0.999 quantile",
    MEAN_SQUARE: "of least squared error",
}
"""What fixes the scale of a tensor; tokens and blocks have it from their own maximum."""

UNKNOWN = "not known here"
"""What is said of a name that a newer version gave; nobody's text is told as ours."""


class Rounding(TypedDict):
    """What names a way of rounding; rows of errors and of losses have more."""

    format: str
    granularity: str
    policy: str


def words(row: Rounding) -> str:
    """Say how a row rounds: "INT8, one scale of least squared error"."""
    return f"{FORMATS.get(row['format'], UNKNOWN)}, {scale(row)}"


def scale(row: Rounding) -> str:
    """Say what shares a scale, and what fixes it: "one scale from the maximum"."""
    if row["policy"] == UNSCALED:
        return "no scale"
    shared = GRANULARITIES.get(row["granularity"], UNKNOWN)
    policy = POLICIES.get(row["policy"]) if row["granularity"] == "per_tensor" else None
    return " ".join(filter(None, (shared, policy)))


def cost(row: Rounding) -> int:
    """Tell where a row's granularity stands among all of them, from the coarsest."""
    names = list(GRANULARITIES)
    known = row["granularity"] in names
    return names.index(row["granularity"]) if known else len(names)


def lowest_db(row: PooledRow) -> float:
    """Return the SQNR of the tensor that is rounded worst, in dB; of a row that has one."""
    pooled = row["sqnr_db"]
    assert pooled is not None
    return row["worst"][0]["sqnr_db"] if row["worst"] else pooled
