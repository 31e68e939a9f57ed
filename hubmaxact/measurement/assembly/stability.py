"""The report's `stability`: M over random subsets of the corpus, from the sample maxima alone."""

from collections.abc import Sequence
from statistics import fmean, stdev

from hubmaxact.corpus.prng import Generator
from hubmaxact.corpus.subsets import draw_subset
from hubmaxact.report.stability import Stability, Subsets

NUM_SUBSETS = 5


SUBSET_SHARES = (5, 2.5)  # the paper's 1,000 and 2,000 of 5,000 samples


SUBSET_SEED = 20_260_502  # the paper's; the draws are ours (its generator is Python's)


def stability(domains: Sequence[str], sample_maxima: Sequence[float]) -> Stability:
    """M over random subsets in the corpus's own mix, without another forward pass.

    A subset's M can never exceed M, and its spread is no confidence interval: draws are without
    replacement.
    """
    total = len(domains)
    subsets = [_subsets(domains, sample_maxima, int(total // share)) for share in SUBSET_SHARES]
    found = [subset for subset in subsets if subset is not None]
    reason = (
        None
        if found
        else f"{total} {'sample is' if total == 1 else 'samples are'} too few to draw subsets from"
    )
    return Stability(subsets=found, reason=reason)


def _subsets(domains: Sequence[str], sample_maxima: Sequence[float], size: int) -> Subsets | None:
    """Five subsets of one size; None when the size leaves no choice in any domain."""
    values = []
    for repeat in range(NUM_SUBSETS):
        generator = Generator(SUBSET_SEED + 100 * size + repeat)
        chosen = draw_subset(domains, size, generator)
        largest = max((sample_maxima[sample] for sample in chosen), default=-1.0)
        values.append(largest)
    if size < 2 or min(values) < 0:
        return None
    mean = fmean(values)
    return Subsets(
        size=size,
        values=values,
        range_over_mean=(max(values) - min(values)) / mean if mean else None,
        coefficient_of_variation=stdev(values) / mean if mean else None,
    )
