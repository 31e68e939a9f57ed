"""How much room the files beside a report will take, told before anything is run.

An estimate that runs stay below. Each linear input has a few numbers for each channel, different
maxima of its blocks with their counts, and rows of errors; each cache has a few numbers for each
channel, and experts one for each of theirs.
"""

from collections.abc import Iterable

from torch import nn

from hubmaxact.measurement.anatomy.site import Anatomy, Point, Site
from hubmaxact.measurement.statistics.block_maxima import SIZES

MOST_BINS = 32 * 128
"""Maxima that bf16 tells apart within 32 powers of two: several times what models show."""

BYTES_OF_BIN = 4 + 8  # a maximum and a count
BYTES_OF_CHANNEL = 4 + 8  # a maximum and a sum of squares; of a cache two maxima, which is less
BYTES_OF_CHANNEL_OF_EXPERT = 4  # a sum of squares
BYTES_OF_ROWS = 8  # of an expert: how many it is given
BYTES_OF_SITE = 16 * 1024  # names, and errors in every format


def sidecar_bytes(anatomy: Anatomy, model: nn.Module, num_tokens: int) -> int:
    """Estimate the size of the files beside a report of profile deployment.

    Args:
        anatomy: The sites.
        model: Their modules, whose weights tell how many channels there are at most.
        num_tokens: Of all texts.

    Returns:
        Bytes of all files together, at most.
    """
    shapes = {name: tuple(weight.shape) for name, weight in model.named_parameters()}
    return sum(_bytes(site, _width(shapes, site), num_tokens) for site in anatomy.sites)


def _bytes(site: Site, width: int, num_tokens: int) -> int:
    if site.point is Point.EXPERT_INPUT:
        return _bytes_of_experts(site, width)
    if site.role != "linear_input":
        return BYTES_OF_SITE + BYTES_OF_CHANNEL * width if site.num_heads is not None else 0
    bins = sum(min(MOST_BINS, num_tokens * -(-width // size)) for size in SIZES)
    whole = BYTES_OF_SITE + BYTES_OF_CHANNEL * width + BYTES_OF_BIN * bins
    return whole + _bytes_of_experts(site, width)


def _bytes_of_experts(site: Site, width: int) -> int:
    num_experts = site.groups or 0
    return num_experts * (BYTES_OF_ROWS + BYTES_OF_CHANNEL_OF_EXPERT * width)


def _width(shapes: dict[str, tuple[int, ...]], site: Site) -> int:
    """Most channels that what a site watches can have: the longest side of a weight there."""
    names = site.maps or (site.module,)
    own = [shape for name, shape in shapes.items() if _is_of(name, names)]
    return max((side for shape in own or shapes.values() for side in shape), default=0)


def _is_of(name: str, modules: Iterable[str]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)
