"""M and the largest value of each role, with the sites that carry them."""

from hubmaxact.formats import bf16_step
from hubmaxact.measurement.anatomy.site import Site
from hubmaxact.measurement.assembly.sites import Seen, coordinates
from hubmaxact.measurement.batch_plan import Plan
from hubmaxact.measurement.statistics.top_values import Value
from hubmaxact.report.document import Carrier, GlobalMax, RoleMax
from hubmaxact.report.roles import ROLE_BY_NAME, SITE_ROLES


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
        (site, result.values.num_ties, result.top[0])
        for site, result in seen.items()
        if ROLE_BY_NAME[site.role].in_global_max and result.top
    ]
    largest = max((abs(value.value) for _, _, value in counted), default=None)
    return [row for row in counted if abs(row[2].value) == largest]


def max_by_role(seen: Seen) -> dict[str, RoleMax]:
    """The largest value of each role that was seen, in role order."""
    largest: dict[str, RoleMax] = {}
    for role in SITE_ROLES:
        rows = [
            (result.top[0], site)
            for site, result in seen.items()
            if site.role == role.name and result.top
        ]
        if rows:
            # Strictly by magnitude: among equals the first site in order wins.
            value, site = min(rows, key=lambda row: row[0].neg_abs)
            largest[role.name] = RoleMax(value=value.value, layer=site.layer, module=site.module)
    return largest
