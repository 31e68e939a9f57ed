"""How numbers were chosen, as far as the configuration tells: by the maximum, or below it."""

from dataclasses import dataclass

from hubmaxact.scales.tensors import COMPRESSED_TENSORS, INPUT
from hubmaxact.shipped_scales.declaration import Declaration

EXACT_OBSERVERS = frozenset({"static_minmax"})
"""Those that take the largest |x| of all that they have seen; any other chooses less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is known of it.

    Attributes:
        observer: What chose a number below the maximum on purpose. None: nothing is known to have.
        is_unnamed: Whether the tool took its own default, which does.
    """

    observer: str | None = None
    is_unnamed: bool = False


def choice_of(declared: Declaration, kind: str) -> Choice:
    """Tell how the numbers of one kind were chosen.

    Args:
        declared: What the configuration says.
        kind: "input", "key", "value" or "query".

    Returns:
        Below the maximum only where all observers of that kind choose so.
    """
    if kind == INPUT:
        known, is_static = declared.input_observers, bool(declared.inputs)
    else:
        known = frozenset(filter(None, [declared.cache_observer]))
        is_static = declared.cache is not None
    if known:
        return Choice(observer=None if known & EXACT_OBSERVERS else ", ".join(sorted(known)))
    return Choice(is_unnamed=is_static and declared.method == COMPRESSED_TENSORS)
