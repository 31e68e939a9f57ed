"""M and what follows from extremes: carriers, roles, number formats, domains, stability."""

import math
from collections.abc import Sequence
from statistics import fmean, stdev

from hubmaxact.anatomy.site import Site
from hubmaxact.assemble.sites import Seen, coordinates
from hubmaxact.formats import LARGEST_FINITE, bf16_step
from hubmaxact.plan import Plan
from hubmaxact.prng import Generator
from hubmaxact.report.derived import Headroom, Stability, Subsets, Where
from hubmaxact.report.document import Carrier, GlobalMax, RoleMax
from hubmaxact.roles import ROLE_BY_NAME, ROLES
from hubmaxact.stats.tokens import Value

NUM_SUBSETS = 5
SUBSET_SHARES = (5, 2.5)  # the paper's 1,000 and 2,000 of 5,000 samples
SUBSET_SEED = 20_260_502  # the paper's; the draws are ours (its generator is Python's)


def global_max(seen: Seen, plan: Plan) -> GlobalMax | None:
    """M over the paper's roles; None when not one finite value was seen."""
    carriers = _carriers(seen)
    if not carriers:
        return None
    (site, _, first), *_ = carriers
    batch = next(b.index for b in plan.batches if first.sample in b.samples)
    return GlobalMax(
        value=first.value,
        abs_max=abs(first.value),
        role=site.role,
        layer=site.layer,
        part=site.part,
        module=site.module,
        **coordinates(first),
        batch=batch,
        bf16_step=bf16_step(first.value),
        carriers=[
            Carrier(
                role=where.role,
                layer=where.layer,
                part=where.part,
                module=where.module,
                num_ties=ties,
                **coordinates(value),
            )
            for where, ties, value in carriers
        ],
    )


def _carriers(seen: Seen) -> list[tuple[Site, int, Value]]:
    """Sites whose abs_max equals M, in site order, with ties and first coordinates."""
    counted = [
        (site, values.num_ties, statistics.top.best[0])
        for site, statistics, values in seen
        if ROLE_BY_NAME[site.role].in_global_max and values.abs_max is not None
    ]
    largest = max((abs(value.value) for _, _, value in counted), default=None)
    return [row for row in counted if abs(row[2].value) == largest]


def max_by_role(seen: Seen) -> dict[str, RoleMax]:
    """The largest value of each role that was seen, in role order."""
    largest: dict[str, RoleMax] = {}
    for role in ROLES:
        rows = [
            (statistics.top.best[0], site)
            for site, statistics, values in seen
            if site.role == role.name and values.abs_max is not None
        ]
        if rows:
            # Strictly by magnitude: among equals the first site in order wins.
            value, site = min(rows, key=lambda row: row[0].neg_abs)
            largest[role.name] = RoleMax(value=value.value, layer=site.layer, module=site.module)
    return largest


def dtype_headroom(seen: Seen, peak: GlobalMax | None, dtype: str) -> dict[str, Headroom]:
    """M over each format's range, and the first watched site that went furthest beyond it.

    An infinity seen in a run in `dtype` is beyond every format that reaches no further.
    """
    reach = LARGEST_FINITE.get(dtype, math.inf)
    headroom = {}
    for name, limit in LARGEST_FINITE.items():
        where = _largest_beyond(seen, limit, infinite=limit <= reach)
        headroom[name] = Headroom(
            largest_finite=limit,
            ratio=peak["abs_max"] / limit if peak else None,
            exceeded=where is not None,
            where=where,
        )
    return headroom


def _largest_beyond(seen: Seen, limit: float, *, infinite: bool) -> Where | None:
    reached = [
        (math.inf if infinite and values.num_inf else values.abs_max or 0.0, site)
        for site, _, values in seen
    ]
    largest, site = max(reached, key=lambda row: row[0], default=(0.0, None))
    if site is None or largest <= limit:
        return None
    abs_max = None if math.isinf(largest) else largest
    return Where(role=site.role, layer=site.layer, module=site.module, abs_max=abs_max)


def domain_maxima(
    domains: Sequence[str], sample_maxima: Sequence[float]
) -> dict[str, float | None]:
    """The model's largest |x| per corpus domain, domains by name; None where nothing was finite."""
    largest: dict[str, float] = {}
    for domain, value in zip(domains, sample_maxima, strict=True):
        largest[domain] = max(value, largest.get(domain, -1.0))
    return {domain: value if value >= 0 else None for domain, value in sorted(largest.items())}


def stability(domains: Sequence[str], sample_maxima: Sequence[float]) -> Stability:
    """M over random subsets in the corpus's own mix, without another forward pass.

    A subset's M can never exceed M, and its spread is no confidence interval: draws are without
    replacement.
    """
    total = len(domains)
    subsets = [_subsets(domains, sample_maxima, int(total // share)) for share in SUBSET_SHARES]
    found = [subset for subset in subsets if subset is not None]
    reason = None if found else f"{total} samples are too few to draw subsets from"
    return Stability(subsets=found, reason=reason)


def _subsets(domains: Sequence[str], sample_maxima: Sequence[float], size: int) -> Subsets | None:
    """Five subsets of one size; None when the size leaves no choice in any domain."""
    values = []
    for repeat in range(NUM_SUBSETS):
        generator = Generator(SUBSET_SEED + 100 * size + repeat)
        chosen = _draw(domains, size, generator)
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


def _draw(domains: Sequence[str], size: int, generator: Generator) -> list[int]:
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
