"""Questions that several rules ask of a report."""

import math
import struct
from collections.abc import Iterator

from hubmaxact.formats import BF16_MANTISSA_BITS
from hubmaxact.printable import counted
from hubmaxact.report.derived import SiteRef
from hubmaxact.report.document import Carrier, MissingSite, Report, SiteFacts
from hubmaxact.report.roles import ROLE_BY_NAME, site_order

SiteKey = tuple[str, int | None, str | None]

ROUNDING = 1e-6
"""Relative slack for sums; extremes, counts and coordinates get none."""

FLOOR = 1e-30
"""Absolute slack: below it, sums of the smallest numbers lose their digits."""


def near(left: float, right: float, slack: float = ROUNDING, floor: float = FLOOR) -> bool:
    """Whether two sums agree but for rounding."""
    return math.isclose(left, right, rel_tol=slack, abs_tol=floor)


def above(low: float, high: float) -> bool:
    """Whether a sum exceeds its bound by more than rounding."""
    return low > high and not near(low, high)


def same(said: float | None, known: float | None, floor: float = FLOOR) -> bool:
    """Whether two sums agree but for rounding, or are both null."""
    if said is None or known is None:
        return said is known
    return near(said, known, floor=floor)


def sites_with_paths(report: Report) -> Iterator[tuple[str, SiteFacts]]:
    """Yield every site with its path in the document."""
    for position, site in enumerate(report["sites"]):
        yield f"sites[{position}]", site


def is_shortened(report: Report) -> bool:
    """Whether a report was made to fit: what is left out first of all is not there."""
    rows = report.get("linear_inputs")
    return rows is not None and all(row["block_max_quantiles"] is None for row in rows)


def finite_sites(report: Report) -> list[SiteFacts]:
    """Sites with a finite value and its coordinates, in site order."""
    found = [site for site in report["sites"] if site["abs_max"] is not None and site["top"]]
    return sorted(found, key=lambda site: site_order(site["role"], site["layer"], site["part"]))


def in_global_max(sites: list[SiteFacts]) -> list[SiteFacts]:
    """Keep the sites of the roles that M is taken over."""
    return [site for site in sites if ROLE_BY_NAME[site["role"]].in_global_max]


def magnitude(site: SiteFacts) -> float:
    """The largest finite |x| of a site; -1 when it has none, below every magnitude."""
    return -1.0 if site["abs_max"] is None else site["abs_max"]


def on_bf16_grid(value: float) -> bool:
    """Whether bf16 holds this value exactly (subnormals included)."""
    _, exponent = math.frexp(value)
    step = max(exponent - 1, -126) - BF16_MANTISSA_BITS
    return math.ldexp(value, -step).is_integer()


def in_float32(value: float) -> bool:
    """Whether float32, the widest format that is watched, holds this value exactly."""
    try:
        return struct.unpack("<f", struct.pack("<f", value)) == (value,)
    except OverflowError:
        return False


def num_finite(site: SiteFacts) -> int:
    """Elements that are neither NaN nor infinite."""
    return site["count"] - site["num_nan"] - site["num_inf"]


def told(number: int, noun: str, plural: str = "") -> str:
    """A count with its noun, in digits as the report has them that it is held against."""
    return f"{number} {counted(number, noun, plural).partition(' ')[2]}"


def key_of(site: SiteFacts | MissingSite | SiteRef | Carrier) -> SiteKey:
    """What tells a site from every other one."""
    return site["role"], site["layer"], site["part"]


def name_of(role: str, layer: int | None, part: str | None = None) -> str:
    """A site in a few words: `hidden_state of layer 5`."""
    words = role if layer is None else f"{role} of layer {layer}"
    return words if part is None else f"{words}, part {part}"
