"""What an adapter changes: which weights of its base, and how each comes about."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """What is added to a weight.

    Attributes:
        factors: Tensors of the adapter, multiplied in this order.
        scale: Of the product.
        is_transposed: Whether the product is transposed first.
    """

    factors: tuple[str, ...]
    scale: float
    is_transposed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """How one weight comes about.

    Attributes:
        whole: The tensor of the adapter that takes the base's place. None: the base's own is used.
        added: What is added to it. None: nothing.
    """

    whole: str | None = None
    added: Addition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Merges:
    """All that an adapter changes.

    Attributes:
        weights: By the names that the base stores them under.
        num_tokens: Rows of an embedding that the adapter brings with another number of them than
            the base has. None: it brings none.
        own_head: The weight that is the head from now on, where that was the embedding: the name
            of a changed weight, or of the base's embedding as it was. None: nothing changes there.
    """

    weights: Mapping[str, Merge]
    num_tokens: int | None = None
    own_head: str | None = None
