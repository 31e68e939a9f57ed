"""Rules about pooled rows: which there are, and what they can say of the report's own tensors."""

from collections.abc import Iterator

from hubmaxact.deployed_formats import (
    CACHED,
    DEPLOYED_FORMATS,
    DYNAMIC,
    E4M3_LARGEST,
    E5M2_LARGEST,
    INT8_LARGEST,
    LABEL,
    LINEAR_INPUT,
    MXFP4,
    UNSCALED,
    DeployedFormat,
    formats_of,
)
from hubmaxact.printable import shown
from hubmaxact.report.consistency.predicates import above, told
from hubmaxact.report.deployment import QUANTIZATION
from hubmaxact.report.derived import PooledRow
from hubmaxact.report.document import Report
from hubmaxact.report.problem import Problem
from hubmaxact.report.roles import DEPLOYMENT
from hubmaxact.report.rounded_tensors import SWITCHED_OFF, rounded_places
from hubmaxact.report.row_fields import field

MEASURED = ("sum_sq", "err_sq", "clip_rate", "underflow_rate")
WAY_BY_NAME = {way.name: way for way in DEPLOYED_FORMATS}
REACH = {"int8": INT8_LARGEST, "float8_e4m3fn": E4M3_LARGEST, "float8_e5m2": E5M2_LARGEST}
"""The largest |x| that a format holds unscaled."""
HALF_BF16_STEP = 2.0**-8
"""How far a value can move, relative to it, when it is rounded to bf16."""
DECIBELS = 1e-6
"""Slack of a level."""


def pooled_rows(report: Report) -> Iterator[tuple[str, PooledRow]]:
    """Yield every row with its path in the document."""
    for position, row in enumerate(report["quantization"].get("pooled", ())):
        yield f"quantization.pooled[{position}]", row


def ways_of_rows(report: Report) -> Iterator[tuple[str, PooledRow, DeployedFormat]]:
    """Yield the rows whose way is known; others are another rule's business."""
    for path, row in pooled_rows(report):
        way = WAY_BY_NAME.get("/".join(_way(row)))
        if way is not None:
            yield path, row, way


def pooled_is_told_whole(report: Report) -> Iterator[Problem]:
    """Rows, what was asked for and the file of single tensors stand together, or none does."""
    pooled, protocol = "pooled" in report["quantization"], report["protocol"]
    if ("format_errors" in protocol) != pooled:
        word = "left out" if pooled else "given"
        message = f"is {word}, but quantization.pooled is {'given' if pooled else 'left out'}"
        yield Problem("protocol.format_errors", message)
    if pooled and protocol["profile"] != DEPLOYMENT:
        message = f'is given, but protocol.profile is "{protocol["profile"]}"'
        yield Problem("quantization.pooled", message)
    named = any(row["name"] == QUANTIZATION for row in report.get("sidecars", ()))
    known = any(row["num_tensors"] for _, row in pooled_rows(report))
    if named != known:
        words = "names" if named else "does not name"
        message = f"{words} {QUANTIZATION}, but {'some' if known else 'no'} row was measured"
        yield Problem("sidecars", message)


def pooled_rows_are_the_tables(report: Report) -> Iterator[Problem]:
    """Each kind that the report has tensors of, each way of the table, in its order and words."""
    rows = list(pooled_rows(report))
    if "pooled" not in report["quantization"]:
        return
    wanted = [
        (kind, *_names(way))
        for kind, places in rounded_places(report).items()
        if places
        for way in formats_of(kind)
    ]
    found = [(row["kind"], *_way(row)) for _, row in rows]
    for have, want in zip(found, wanted, strict=False):
        if have != want:
            message = f"has {_told(have)} where the table has {_told(want)}"
            yield Problem("quantization.pooled", message)
            return
    if len(found) != len(wanted):
        message = f"has {told(len(found), 'row')}, and the table has {len(wanted)} for its tensors"
        yield Problem("quantization.pooled", message)
    for path, row, way in ways_of_rows(report):
        for name, words in (("convention", way.convention), ("label", LABEL)):
            if field(row, name) != words:
                message = f"is {shown(field(row, name))}, which is not {shown(words)}"
                yield Problem(f"{path}.{name}", message)


def pooled_rows_are_of_these_tensors(report: Report) -> Iterator[Problem]:
    """No more tensors and elements than there are; rows of all tensors are of the same values."""
    places = rounded_places(report)
    finite = sum(
        row["count"] - row["num_nan"] - row["num_inf"] for row in report.get("linear_inputs", ())
    )
    first: dict[str, tuple[str, PooledRow]] = {}
    for path, row in pooled_rows(report):
        most, number = len(places[row["kind"]]), row["num_tensors"]
        if number > most:
            message = f"is {number}, but the report has {told(most, 'tensor')} of that kind"
            yield Problem(f"{path}.num_tensors", message)
        if row["kind"] == LINEAR_INPUT and row["count"] > finite:
            message = f"is {row['count']}, but linear_inputs have {told(finite, 'finite element')}"
            yield Problem(f"{path}.count", message)
        if number != most:
            continue
        earlier, other = first.setdefault(row["kind"], (path, row))
        for name in ("count", "sum_sq"):
            if field(row, name) != field(other, name):
                message = f"is {field(row, name)}, but {earlier} has {field(other, name)}"
                yield Problem(f"{path}.{name}", message)


def pooled_nulls_mean_nothing_pooled(report: Report) -> Iterator[Problem]:
    """Sums and rates are known exactly where tensors were pooled; a reason says why not."""
    off = report["protocol"].get("format_errors") == "per_tensor"
    for path, row, way in ways_of_rows(report):
        known = row["num_tensors"] > 0
        for name in MEASURED:
            if (field(row, name) is not None) != known:
                value, number = field(row, name), told(row["num_tensors"], "tensor")
                word = "null" if value is None else value
                yield Problem(f"{path}.{name}", f"is {word}, but {number} were pooled")
        if (row["count"] > 0) != known:
            number = told(row["num_tensors"], "tensor")
            yield Problem(f"{path}.count", f"is {row['count']}, but {number} were pooled")
        if (row["rel_rmse"] is not None) != bool(row["sum_sq"]):
            message = f"is {row['rel_rmse']}, but sum_sq is {row['sum_sq']}"
            yield Problem(f"{path}.rel_rmse", message)
        if off and not way.is_counted and known:
            message = f'is {row["num_tensors"]}, but protocol.format_errors is "per_tensor"'
            yield Problem(f"{path}.num_tensors", message)
        if row["reason"] == SWITCHED_OFF and (way.is_counted or not off):
            yield Problem(f"{path}.reason", f"is {shown(SWITCHED_OFF)}, but it was not")


def pooled_errors_are_bounded(report: Report) -> Iterator[Problem]:
    """Zero is a code, so no error exceeds its value; scales from the values' own clip nothing."""
    for path, row, way in ways_of_rows(report):
        rate, vanished, rmse = row["clip_rate"], row["underflow_rate"], row["rel_rmse"]
        if rmse is not None and above(rmse, 1.0):
            message = f"is {rmse}, but rounding to the nearest code errs by |x| at most"
            yield Problem(f"{path}.rel_rmse", message)
        if rate is None or vanished is None:
            continue
        if above(rate + vanished, 1.0):
            message = f"is {rate}, and underflow_rate {vanished}: no element counts in both"
            yield Problem(f"{path}.clip_rate", message)
        if rate and way.policy == DYNAMIC and way != MXFP4:
            message = f"is {rate}, but this scale reaches the largest |x| that it is made of"
            yield Problem(f"{path}.clip_rate", message)
        if rate and way.policy == UNSCALED and not _reaches_beyond(report, row):
            message = f"is {rate}, but no {row['kind']} goes beyond {REACH[row['format']]:g}"
            yield Problem(f"{path}.clip_rate", message)


def worst_tensors_are_the_reports(report: Report) -> Iterator[Problem]:
    """They are tensors of the kind, in order, and pooling cannot be worse than the worst."""
    places = {kind: list(map(tuple, found)) for kind, found in rounded_places(report).items()}
    for path, row in pooled_rows(report):
        known, worst = places[row["kind"]], row["worst"]
        order = []
        for position, each in enumerate(worst):
            place = (each["layer"], each["part"], each["module"])
            if place not in known:
                message = f"names {shown(each['module'])}, which is no such tensor of the report"
                yield Problem(f"{path}.worst[{position}]", message)
                break
            order.append((each["sqnr_db"], known.index(place)))
        if order != sorted(order) or len({place for _, place in order}) < len(order):
            yield Problem(f"{path}.worst", "is not in order of sqnr_db, each tensor once")
        yield from _levels(path, row)


def _levels(path: str, row: PooledRow) -> Iterator[Problem]:
    pooled, levels = row["sqnr_db"], [each["sqnr_db"] for each in row["worst"]]
    if len(levels) > row["num_tensors"] or bool(levels) != (pooled is not None):
        number = told(row["num_tensors"], "tensor")
        message = f"has {told(len(levels), 'tensor')}, but {number} were pooled at {pooled} dB"
        yield Problem(f"{path}.worst", message)
    elif pooled is not None and levels[0] > pooled + DECIBELS:
        message = f"is {levels[0]}, above that of all tensors together, {pooled}"
        yield Problem(f"{path}.worst[0].sqnr_db", message)
    elif pooled is not None and row["num_tensors"] == 1 and abs(levels[0] - pooled) > DECIBELS:
        message = f"is {levels[0]}, but it is the only tensor, and together they have {pooled}"
        yield Problem(f"{path}.worst[0].sqnr_db", message)


def _reaches_beyond(report: Report, row: PooledRow) -> bool:
    """Whether some tensor of a cached kind exceeds a format as it is."""
    assert row["kind"] in CACHED
    largest = max(field(each, row["kind"])["abs_max"] or 0.0 for each in report.get("kv", ()))
    return bool(largest * (1 + HALF_BF16_STEP) > REACH[row["format"]])


def _way(row: PooledRow) -> tuple[str, str, str]:
    return row["format"], row["granularity"], row["policy"]


def _names(way: DeployedFormat) -> tuple[str, str, str]:
    return way.format, way.granularity, way.policy


def _told(names: tuple[str, ...]) -> str:
    return shown(" ".join(names))
