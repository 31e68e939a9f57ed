"""Random subsets of a corpus in its own mix of domains."""

import math
from collections.abc import Sequence

from hubmaxact.corpus.prng import Generator


def draw_subset(domains: Sequence[str], size: int, generator: Generator) -> list[int]:
    """Domain-proportional draw of `size` samples; shares are rounded by largest remainder."""
    members: dict[str, list[int]] = {}
    for sample, domain in enumerate(domains):
        members.setdefault(domain, []).append(sample)
    exact = {d: size * len(samples) / len(domains) for d, samples in members.items()}
    shares = {domain: math.floor(share) for domain, share in exact.items()}
    by_remainder = sorted(exact, key=lambda d: (shares[d] - exact[d], d))
    for domain in by_remainder[: size - sum(shares.values())]:
        shares[domain] += 1
    return [
        sample
        for domain in sorted(members)
        for sample in generator.sample(members[domain], shares[domain])
    ]
