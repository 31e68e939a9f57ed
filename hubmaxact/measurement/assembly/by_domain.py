"""The report's `domains`: the largest |x| of each corpus domain."""

from collections.abc import Sequence


def domain_maxima(
    domains: Sequence[str], sample_maxima: Sequence[float]
) -> dict[str, float | None]:
    """The model's largest |x| per corpus domain, domains by name; None where nothing was finite."""
    largest: dict[str, float] = {}
    for domain, value in zip(domains, sample_maxima, strict=True):
        largest[domain] = max(value, largest.get(domain, -1.0))
    return {domain: value if value >= 0 else None for domain, value in sorted(largest.items())}
