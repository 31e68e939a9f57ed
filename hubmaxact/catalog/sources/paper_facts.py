"""The checkpoints of arXiv:2605.15572 as the paper and its result files report them.

The data file beside this module holds values copied from the result files at the commit it names,
under this project's names for roles, and notes where the sources disagree.
"""

import json
from functools import cache
from importlib import resources
from typing import Any, TypedDict, cast


class Source(TypedDict):
    """Where the values come from."""

    paper: str
    repository: str
    commit: str


class Place(TypedDict):
    """A role in a layer."""

    role: str
    layer: int | None


class Peak(TypedDict):
    """The largest value of one role, signed."""

    value: float
    layer: int | None


class Errors(TypedDict):
    """The INT8 diagnostic under one policy, at the tensor that holds M."""

    sqnr_db: float
    rel_rmse: float
    rel_mae: float
    clip_rate: float


class SubsetMaxima(TypedDict):
    """M over five subsets of one size."""

    size: int
    values: list[float]


class Checkpoint(TypedDict):
    """One checkpoint. `carriers` begins with the one that the paper counts."""

    name: str
    file: str
    family: str
    model_type: str
    architecture: str
    stage: str
    tokens_trained: int | None
    modalities: list[str]
    num_layers: int
    hidden_size: int
    size: int | None  # parameters, as the name says
    in_main_analysis: bool
    num_tokens: int
    global_max: float
    carriers: list[Place]
    max_by_role: dict[str, Peak]
    int8: dict[str, Errors]
    subsets: list[SubsetMaxima]
    notes: list[str]


class Facts(TypedDict):
    """The whole data file."""

    source: Source
    protocol: dict[str, Any]  # as in a report; null where the sources say nothing
    notes: dict[str, str]
    checkpoints: list[Checkpoint]


@cache
def facts() -> Facts:
    """Return the data file's content."""
    content = (
        resources.files("hubmaxact.catalog.sources").joinpath("paper_facts.json").read_text("utf-8")
    )
    return cast("Facts", json.loads(content))


def notes_of(checkpoint: Checkpoint) -> list[str]:
    """Return a checkpoint's notes in full."""
    texts = facts()["notes"]
    return [texts[name] for name in checkpoint["notes"]]
