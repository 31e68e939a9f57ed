"""Spearman's rank correlation: exact up to one square root, ties share their average rank."""

import math
from collections.abc import Sequence


def spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return the rank correlation of two equally long series; None when one of them is constant.

    Spearman 1904, as the product-moment correlation of ranks, which is right under ties.
    """
    if len(first) != len(second):
        raise ValueError(f"expected series of one length, got {len(first)} and {len(second)}")
    a, b = _doubled_ranks(first), _doubled_ranks(second)
    # Doubled average ranks are whole numbers and their mean is n + 1: all sums are exact.
    middle = len(a) + 1
    products = sum((x - middle) * (y - middle) for x, y in zip(a, b, strict=True))
    squares = sum((x - middle) ** 2 for x in a) * sum((y - middle) ** 2 for y in b)
    return products / math.sqrt(squares) if squares else None


def _doubled_ranks(values: Sequence[float]) -> list[int]:
    """Twice the average rank of each value, ranks counted from 1."""
    order = sorted(range(len(values)), key=lambda index: values[index])
    ranks = [0] * len(values)
    start = 0
    while start < len(order):
        stop = start
        while stop < len(order) and values[order[stop]] == values[order[start]]:
            stop += 1
        for index in order[start:stop]:
            ranks[index] = start + 1 + stop
        start = stop
    return ranks
