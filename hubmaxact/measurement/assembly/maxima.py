"""M and what follows from extremes: carriers, roles, number formats, domains, stability."""

from hubmaxact.formats import bf16_step
from hubmaxact.measurement.anatomy.site import Site
from hubmaxact.measurement.assembly.sites import Seen, coordinates
from hubmaxact.measurement.batch_plan import Plan
from hubmaxact.measurement.statistics.top_values import Value
from hubmaxact.report.document import Carrier, GlobalMax, RoleMax
from hubmaxact.report.roles import ROLE_BY_NAME, ROLES


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
