"""The shape of what a report says about how sure M is."""

from typing import NotRequired, TypedDict


class Subsets(TypedDict):
    """M over random, domain-proportional subsets of one size."""

    size: int
    values: list[float]
    range_over_mean: float | None
    coefficient_of_variation: float | None


class ExpectedMaximum(TypedDict):
    """The mean of M over every subset of one size: exact, none is drawn."""

    num_texts: int
    expected: float


class Tail(TypedDict):
    """A generalized Pareto tail of the largest maxima, and M of more texts inferred from it."""

    threshold: float
    num_texts: int
    num_distinct: int
    shape: float
    scale: float
    p_value: float
    growth: int
    coverage: float
    low: float
    median: float
    high: float


class TextMaxima(TypedDict):
    """What the largest |x| of each text says together; a null tail carries the reason."""

    num_texts: int
    abs_max: float | None
    reached_by: dict[str, int]
    saturation: list[ExpectedMaximum]
    tail: Tail | None
    reason: str | None


class PositionMaxima(TypedDict):
    """What the largest |x| at a stretch of positions says over all texts."""

    first_position: int
    last_position: int | None
    abs_max: float | None
    num_texts_peaking: int
    num_texts_reaching_max: int


class MaximaByText(TypedDict):
    """Over all tokens of each text, over all but its first, and by position."""

    all_tokens: TextMaxima
    after_first_token: TextMaxima
    num_texts_peaking_at_first_token: int
    by_position: NotRequired[list[PositionMaxima]]


class Stability(TypedDict):
    """How M moves between the paper's subsets; null rows carry the reason."""

    subsets: list[Subsets]
    reason: str | None
    by_text: NotRequired[MaximaByText]
