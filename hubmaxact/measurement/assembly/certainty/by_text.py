"""The report's `stability.by_text`: what the maxima of single texts say about M."""

from collections import Counter
from collections.abc import Sequence

from hubmaxact.measurement.assembly.certainty.expected_maximum import (
    expected_maximum,
    halved_sizes,
)
from hubmaxact.measurement.assembly.certainty.tail import tail_or_reason
from hubmaxact.report.stability import ExpectedMaximum, MaximaByText, TextMaxima


def maxima_by_text(
    domains: Sequence[str],
    all_tokens: Sequence[float],
    after_first_token: Sequence[float],
    *,
    all_finite: bool,
) -> MaximaByText:
    """Return the block.

    Args:
        domains: Of each text.
        all_tokens: The largest finite |x| of each text; -1 where nothing was finite.
        after_first_token: The same without the first token of each; -1 where there is no other.
        all_finite: Whether no watched tensor held NaN or infinity, beyond which nobody can see.

    Returns:
        For both, how much of the corpus reaches their largest value.
    """
    first = sum(
        largest >= 0 and later < largest
        for largest, later in zip(all_tokens, after_first_token, strict=True)
    )
    sizes = halved_sizes(sum(value >= 0 for value in all_tokens))
    return MaximaByText(
        all_tokens=_maxima(domains, all_tokens, sizes, all_finite=all_finite),
        after_first_token=_maxima(domains, after_first_token, sizes, all_finite=all_finite),
        num_texts_peaking_at_first_token=first,
    )


def _maxima(
    domains: Sequence[str], maxima: Sequence[float], sizes: Sequence[int], *, all_finite: bool
) -> TextMaxima:
    """One block; sizes of its subsets are those of all texts, as far as it has so many."""
    known = [value for value in maxima if value >= 0]
    largest = max(known, default=None)
    reached = Counter(d for d, value in zip(domains, maxima, strict=True) if value == largest)
    tail, reason = (
        tail_or_reason(known)
        if all_finite
        else (None, "NaN or infinity was seen, beyond which nothing is known")
    )
    return TextMaxima(
        num_texts=len(known),
        abs_max=largest,
        reached_by=dict(sorted(reached.items())),
        saturation=[
            ExpectedMaximum(num_texts=size, expected=expected_maximum(known, size))
            for size in (*(size for size in sizes if size < len(known)), len(known))
            if size
        ],
        tail=tail,
        reason=reason,
    )
