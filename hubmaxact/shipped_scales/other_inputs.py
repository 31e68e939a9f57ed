"""What makes a quantized model's tensors others than the measured model's: smoothing, rotations.

Where it did, the scales stand for other tensors, and no comparison is honest.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from hubmaxact.recognition.listing import Listing
from hubmaxact.scales.tensors import INPUT, KEY, QUERY, VALUE
from hubmaxact.shipped_scales.declaration import Declaration

RECIPE = "recipe.yaml"
"""What llm-compressor did, beside what it wrote."""

MODIFIER = re.compile(rb"\b([A-Za-z]{2,20})Modifier\b")

ALL = frozenset({INPUT, KEY, VALUE, QUERY})
# Values are smoothed into the input of the map that follows attention.
INPUTS_AND_VALUES = frozenset({INPUT, VALUE})

MODIFIERS = {
    "SmoothQuant": frozenset({INPUT}),
    "AWQ": INPUTS_AND_VALUES,
    "SpinQuant": ALL,
    "QuIP": ALL,
}
"""Modifiers of llm-compressor -> what they change."""

ALGORITHMS = dict.fromkeys(
    ("NVFP4_AWQ", "NVFP4_SVD", "W4A8_AWQ", "W4A16_AWQ", "W8A8_SQ_PER_CHANNEL"), INPUTS_AND_VALUES
)
"""Schemes of Model-Optimizer that smooth -> what they change, a `pre_quant_scale` left or not."""

PRE_QUANT_SCALE = "pre_quant_scale"
"""Stands beside a map whose input is smoothed as it comes."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was done to the whole model.

    Attributes:
        name: What did it.
        kinds: Which tensors are others since then.
    """

    name: str
    kinds: frozenset[str]


def changes(listing: Listing, declared: Declaration) -> tuple[Change, ...]:
    """Find what was done to a checkpoint before its activations were looked at.

    Args:
        listing: A folder or a repository.
        declared: What its configuration says.

    Returns:
        One for each; none where nothing is known.

    Raises:
        HubmaxactError: The recipe cannot be read.
    """
    return tuple(_changes(listing, declared))


def change_of(done: Collection[Change], kind: str) -> str | None:
    """Name what changed tensors of one kind; None: nothing did."""
    return next((change.name for change in done if kind in change.kinds), None)


def smoothing(algorithm: str | None, beside: Collection[str]) -> str | None:
    """Name what smoothed the input of one map; None: nothing did."""
    if PRE_QUANT_SCALE in beside:
        return PRE_QUANT_SCALE
    return algorithm if algorithm in ALGORITHMS else None


def _changes(listing: Listing, declared: Declaration) -> Iterator[Change]:
    if declared.transformed:
        yield Change("transform_config", ALL)
    algorithms = {declared.algorithm, *declared.algorithms.values()}
    for name in sorted(filter(None, algorithms)):
        if name in ALGORITHMS:
            # Of inputs it is asked map by map.
            yield Change(name, ALGORITHMS[name] - {INPUT})
    if RECIPE in listing.root:
        for name in _modifiers(listing.read(RECIPE)):
            yield Change(f"{name}Modifier", MODIFIERS[name])


def _modifiers(recipe: bytes) -> list[str]:
    """The modifiers that a recipe names outside comments; it is not parsed as YAML."""
    lines = (line.partition(b"#")[0] for line in recipe.splitlines())
    named = {match[1].decode("ascii") for line in lines for match in MODIFIER.finditer(line)}
    return sorted(named & MODIFIERS.keys())
