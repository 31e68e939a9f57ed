"""The files beside a report: per channel, expert and block, what has no room in it."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

import numpy as np
from numpy.typing import ArrayLike

from hubmaxact.measurement.anatomy.site import Site
from hubmaxact.measurement.assembly.rounded_tensors import RoundedTensor
from hubmaxact.measurement.assembly.sites import Seen
from hubmaxact.measurement.batch_plan import Split
from hubmaxact.measurement.execution.recorder import Recorded
from hubmaxact.measurement.statistics.distribution import Float64s
from hubmaxact.measurement.statistics.expert_squares import ExpertSums
from hubmaxact.measurement.statistics.rotary_envelope import ByHead
from hubmaxact.measurement.statistics.site_result import SiteResult
from hubmaxact.measurement.statistics.site_statistics import SiteStatistics
from hubmaxact.report.deployment import (
    BLOCKS,
    CHANNELS,
    EXPERTS,
    MAX_SIDECAR_BYTES,
    QUANTIZATION,
    Sidecar,
    SidecarName,
)
from hubmaxact.report.document import Report
from hubmaxact.scales.expert_maps import Reads
from hubmaxact.sidecars.error_rows import ErrorRow, encode
from hubmaxact.sidecars.names import (
    INPUT_ABS_MAX,
    INPUT_NUM_ROWS,
    INPUT_SUM_SQ,
    INPUT_SUM_SQ_ROWS,
    TensorName,
    block_counts,
    block_values,
    cached_abs_max,
    cached_pair_max,
    expert_rows,
    expert_sum_sq,
)
from hubmaxact.sidecars.safetensors_bytes import StoredTensor, encoded
from hubmaxact.sidecars.safetensors_bytes import size as size_of

FORMAT = "hubmaxact"
ROOM_OF_HEADER = 1024 * 1024
READS: dict[str, Reads] = {"expert_input": "input", "expert_down_input": "down_input"}
DTYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8"}

Tensors = Iterator[tuple[str, StoredTensor]]


def sidecars(
    seen: Seen,
    statistics: Mapping[Site, SiteStatistics],
    recorded: Recorded,
    rounded: Sequence[RoundedTensor],
    report: Report,
) -> dict[SidecarName, bytes]:
    """Make the files; what was not measured has no tensors, and a file without any is not made.

    Args:
        seen: What every site showed.
        statistics: What that came from; it tells splits apart.
        recorded: Norms of channels of keys that rotate together, and what experts were given.
        rounded: What each tensor loses each way that it is rounded.
        report: Made of it, of profile deployment.

    Returns:
        Contents by file name; equal arguments give equal bytes.
    """
    inputs = [(site, result) for site, result in seen.items() if site.role == "linear_input"]
    of_inputs = (each for row in inputs for each in _channels(*row, statistics[row[0]]))
    of_caches = (
        each
        for site, result in seen.items()
        if site.num_heads is not None
        for each in _cached(site, result, site.num_heads, recorded.heads.envelopes.get(site))
    )
    tensors: dict[SidecarName, dict[str, StoredTensor]] = {
        CHANNELS: dict(chain(of_inputs, of_caches)),
        BLOCKS: dict(each for row in inputs for each in _blocks(*row)),
        EXPERTS: _with_room(dict(_experts(seen, recorded))),
    }
    files = {
        name: encoded(found, _metadata(name, report)) for name, found in tensors.items() if found
    }
    if rounded:
        rows = [_error_row(row) for row in rounded]
        files[QUANTIZATION] = encode(rows, _metadata(QUANTIZATION, report))
    return files


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


def _channels(site: Site, result: SiteResult, statistics: SiteStatistics) -> Tensors:
    maxima, sums = result.channel_maxima, _sum_sq(result)
    if maxima is None or len(maxima) == 0:  # nothing was finite
        return
    module = site.maps[0]
    yield _named(INPUT_ABS_MAX, module, _known(maxima))
    yield _named(INPUT_NUM_ROWS, module, [result.values.count // len(maxima)])
    is_finite = result.values.num_finite == result.values.count
    if sums is not None and len(sums) and is_finite:
        num_values = int(statistics.values[Split.CALIBRATION].counts.sum())
        yield _named(INPUT_SUM_SQ, module, sums)
        yield _named(INPUT_SUM_SQ_ROWS, module, [num_values // len(sums)])


def _sum_sq(result: SiteResult) -> Float64s | None:
    """By channel, over all experts where it lies inside some."""
    if result.expert_sum_sq is not None:
        total: Float64s = result.expert_sum_sq.sums_ED.sum(axis=0)
        return total
    return result.channel_sum_sq


def _experts(seen: Seen, recorded: Recorded) -> Tensors:
    """What each expert is given, and what its down projection reads, where all of it is finite."""
    for site, found in recorded.expert_inputs.items():
        yield from _of_each(site.module, "input", found.squares)
    for site, result in seen.items():
        if (reads := READS.get(site.role)) is not None and result.expert_sum_sq is not None:
            experts, _, _ = site.maps[0].rpartition(".")
            yield from _of_each(experts, reads, result.expert_sum_sq)


def _with_room(tensors: dict[str, StoredTensor]) -> dict[str, StoredTensor]:
    """The same, none where a report could not name so large a file."""
    return tensors if size_of(tensors) + ROOM_OF_HEADER <= MAX_SIDECAR_BYTES else {}


def _of_each(experts: str, reads: Reads, found: ExpertSums) -> Tensors:
    if found.sums_ED.size and np.isfinite(found.sums_ED).all():
        yield _named(expert_sum_sq(reads), experts, found.sums_ED)
        yield _named(expert_rows(reads), experts, found.num_rows)


def _cached(site: Site, result: SiteResult, num_heads: int, envelope: ByHead | None) -> Tensors:
    """Keys or values of one attention, and pairs of channels where some are known to turn."""
    maxima = result.channel_maxima
    if maxima is None or len(maxima) == 0:  # nothing was finite
        return
    by_head = _known(maxima.reshape(num_heads, -1))
    yield _named(cached_abs_max(site.role), site.module, by_head)
    if envelope is not None:
        yield _named(cached_pair_max(site.role), site.module, envelope)


def _blocks(site: Site, result: SiteResult) -> Tensors:
    for size, bins in (result.block_maxima or {}).items():
        if len(bins.values):
            yield _named(block_values(size), site.maps[0], bins.values)
            yield _named(block_counts(size), site.maps[0], bins.counts)


def _error_row(row: RoundedTensor) -> ErrorRow:
    return ErrorRow(
        kind=row.kind,
        layer=row.place.layer,
        module=row.place.module,
        format=row.way.format,
        granularity=row.way.granularity,
        policy=row.way.policy,
        threshold=row.threshold,
        sum_sq=row.sum_sq,
        err_sq=row.error.err_sq,
        count=row.count,
        clip_rate=row.error.num_clipped / row.count,
        underflow_rate=row.error.num_underflowed / row.count,
    )


def _known(maxima: ArrayLike) -> ArrayLike:
    """The same, NaN where nothing was finite."""
    found = np.asarray(maxima, np.float64)
    return np.where(found >= 0, found, np.nan)


def _named(name: TensorName, module: str, values: ArrayLike) -> tuple[str, StoredTensor]:
    stored = np.asarray(values, DTYPES[name.dtype])
    return name.of(module), StoredTensor(stored.tobytes(), stored.shape, name.dtype)


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
