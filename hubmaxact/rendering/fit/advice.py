"""What to do about the verdicts: scale the stream, choose a granularity, keep modules wide.

Each says what it rests on. What was not measured gets no advice.
"""

from collections.abc import Iterator

from hubmaxact.deployed_formats import CACHED, MAX_ABS
from hubmaxact.rendering import numbers
from hubmaxact.rendering.fit import cache, ways
from hubmaxact.rendering.fit.levels import WIDE_DB, of_sqnr
from hubmaxact.rendering.fit.linear_inputs import (
    FAMILIES,
    KIND,
    Family,
    best_loss,
    chosen,
    error_words,
)
from hubmaxact.rendering.fit.measured import pooled_rows
from hubmaxact.rendering.fit.verdict import Name
from hubmaxact.report.derived import PooledRow
from hubmaxact.report.document import Report
from hubmaxact.report.excess import SCALED, left_beyond


def advice(report: Report, name: Name) -> Iterator[tuple[str, str]]:
    """Yield what to do, format by format; nothing where nothing is to be done.

    Args:
        report: Of any profile and version.
        name: Makes modules' names fit for where the words stand.

    Yields:
        The format, and a sentence with its full stop.
    """
    if (said := _scaling(report)) is not None:
        yield "fp16", said
    for family in FAMILIES:
        row = chosen(report, family)
        if row is not None:
            short = family.title.split(" ", 1)[0]
            yield from ((short, each) for each in _granularity(report, family, row))
            yield from ((short, each) for each in _keep_wide(row, name))
    if (said := _scales_of_cache(report)) is not None:
        yield "KV cache", said


def _scaling(report: Report) -> str | None:
    """What keeps fp16 from overflowing; the folded part says how, and what else goes beyond."""
    row = report["dtype_headroom"][SCALED]
    exponent = row.get("residual_exponent")
    if not row.get("exceeded_by") or not exponent:
        return None
    left = len(left_beyond(report))
    besides = f"; that leaves {numbers.count(left, 'other tensor')} beyond" if left else ""
    return f"Scale the residual stream by 2^-{exponent}, or keep it wider{besides}."


def _granularity(report: Report, family: Family, row: PooledRow) -> Iterator[str]:
    """The coarsest granularity of the best level, where all coarser ones have a larger error."""
    if best_loss(report, family) is not None:
        return
    rows = pooled_rows(report, KIND, family.formats)
    coarser = [r for r in rows if r["sqnr_db"] is not None and ways.cost(r) < ways.cost(row)]
    best = max(coarser, key=ways.lowest_db, default=None)
    if best is not None:
        yield (
            f"Use {ways.words(row)}: a {_error(row)}, {ways.lowest_db(row):.1f} dB or above in "
            f"every input; {ways.words(best)}, leaves a {_error(best)}, "
            f"{ways.lowest_db(best):.1f} dB."
        )


def _error(row: PooledRow) -> str:
    return f"{of_sqnr(ways.lowest_db(row)).word} error"


def _keep_wide(row: PooledRow, name: Name) -> Iterator[str]:
    """The worst inputs below the bound, and where the others then begin."""
    bad = [each for each in row["worst"] if each["sqnr_db"] < WIDE_DB]
    if not bad:
        return
    names = ", ".join(name(each["module"]) for each in bad)
    others = row["num_tensors"] - len(bad)
    floor = (row["worst"][len(bad) :] or bad[-1:])[0]["sqnr_db"]
    rest = f"; all {numbers.count(others, 'other')} are at {floor:.1f} dB or above"
    yield (
        f"Keep {names} wide: in {ways.words(row)}, the lowest has {bad[0]['sqnr_db']:.1f} dB"
        f"{rest if others else ''}."
    )


def _scales_of_cache(report: Report) -> str | None:
    """Scales, where a cache without them saturates; and what they leave, where that is known."""
    rows = report.get("kv") or []
    beyond = cache.num_beyond(rows)
    if not beyond:
        return None
    scaled = [
        f"{kind} {error_words(row)}"
        for kind in CACHED
        for row in pooled_rows(report, kind, (cache.FORMAT,))
        if row["policy"] == MAX_ABS and row["sqnr_db"] is not None
    ]
    left = f"; with them: {', '.join(scaled)}" if scaled else ""
    return (
        f"Give the FP8 cache scales (hubmaxact export --to compressed-tensors-kv): without, "
        f"{beyond} of {numbers.count(len(rows), 'attention')} saturate{left}."
    )
