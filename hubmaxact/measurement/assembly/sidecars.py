"""The files beside a report: per channel and per block, what has no room in it."""

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from hubmaxact.measurement.anatomy.site import Site
from hubmaxact.measurement.assembly.sites import Seen
from hubmaxact.measurement.statistics.cached_channels import ByHead, CachedResult
from hubmaxact.measurement.statistics.site_statistics import SiteResult
from hubmaxact.report.deployment import BLOCKS, CHANNELS, Sidecar, SidecarName
from hubmaxact.report.document import Report
from hubmaxact.sidecars.names import (
    INPUT_ABS_MAX,
    INPUT_NUM_ROWS,
    TensorName,
    block_counts,
    block_values,
    cached_abs_max,
    cached_pair_max,
)
from hubmaxact.sidecars.safetensors_bytes import StoredTensor, encoded

FORMAT = "hubmaxact"

Tensors = Iterator[tuple[str, StoredTensor]]


def sidecars(
    seen: Seen, cached: Mapping[Site, CachedResult], report: Report
) -> dict[SidecarName, bytes]:
    """Make the files; what was not measured has no tensors, and a file without any is not made.

    Args:
        seen: What every site showed.
        cached: What the channels of keys and values showed.
        report: Made of it, of profile deployment.

    Returns:
        Contents by file name; equal arguments give equal bytes.
    """
    inputs = [(site, result) for site, result in seen.items() if site.role == "linear_input"]
    of_inputs = (each for row in inputs for each in _channels(*row))
    of_caches = (each for row in cached.items() for each in _cached(*row))
    tensors: dict[SidecarName, dict[str, StoredTensor]] = {
        CHANNELS: dict(chain(of_inputs, of_caches)),
        BLOCKS: dict(each for row in inputs for each in _blocks(*row)),
    }
    return {
        name: encoded(found, _metadata(name, report)) for name, found in tensors.items() if found
    }


def rows(contents: Mapping[SidecarName, bytes]) -> list[Sidecar]:
    """A row for each file, which ties it to the report.

    Args:
        contents: By file name.

    Returns:
        Rows in the same order.
    """
    return [
        Sidecar(name=name, size=len(content), sha256=hashlib.sha256(content).hexdigest())
        for name, content in contents.items()
    ]


def _channels(site: Site, result: SiteResult) -> Tensors:
    maxima = result.channel_maxima
    if maxima is None or len(maxima) == 0:  # nothing was finite
        return
    yield _named(INPUT_ABS_MAX, site, _known(maxima))
    yield _named(INPUT_NUM_ROWS, site, [result.values.count // len(maxima)])


def _cached(site: Site, result: CachedResult) -> Tensors:
    """Keys or values of one attention, and pairs of channels where some are known to turn."""
    if not result.abs_max:
        return
    yield _by_head(cached_abs_max(site.role), site, result.abs_max)
    if result.pair_max is not None:
        yield _by_head(cached_pair_max(site.role), site, result.pair_max)


def _by_head(name: TensorName, site: Site, rows: ByHead) -> tuple[str, StoredTensor]:
    flat = _known(value for row in rows for value in row)
    return name.of(site.module), StoredTensor(flat, (len(rows), len(rows[0])), name.dtype)


def _known(maxima: Iterable[float]) -> list[float]:
    """The same, NaN where nothing was finite."""
    return [value if value >= 0 else math.nan for value in maxima]


def _blocks(site: Site, result: SiteResult) -> Tensors:
    for size, bins in (result.block_maxima or {}).items():
        if len(bins.values):
            yield _named(block_values(size), site, bins.values.tolist())
            yield _named(block_counts(size), site, bins.counts.tolist())


def _named(name: TensorName, site: Site, values: list[float]) -> tuple[str, StoredTensor]:
    return name.of(site.maps[0]), StoredTensor(values, (len(values),), name.dtype)


def _metadata(name: SidecarName, report: Report) -> dict[str, str]:
    """What the file is and what it is of; the report's digest it cannot tell, which tells its."""
    model, protocol = report["model"], report["protocol"]
    told = {
        "format": FORMAT,
        "holds": name.partition(".")[0],
        "schema_version": report["schema_version"],
        "model": model["id"],
        "commit": model["commit"],
        "corpus": protocol["corpus"]["name"],
        "corpus_digest": protocol["corpus"]["digest"],
        "batch_plan_digest": protocol["batch_plan_digest"],
    }
    return {key: value for key, value in told.items() if value is not None}
