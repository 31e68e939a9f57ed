"""What to do about the verdicts: scale the stream, choose a granularity, keep modules wide.

Each says what it rests on. What was not measured gets no advice.
"""

from collections.abc import Iterator

from hubmaxact.deployed_formats import CACHED, MAX_ABS
from hubmaxact.rendering import numbers
from hubmaxact.rendering.fit import cache, ways
from hubmaxact.rendering.fit.candidates import Candidate, candidates
from hubmaxact.rendering.fit.levels import WIDE_DB
from hubmaxact.rendering.fit.linear_inputs import FAMILIES, error_words
from hubmaxact.rendering.fit.measured import pooled_rows
from hubmaxact.rendering.fit.verdict import Name
from hubmaxact.report.deployment import QUANTIZATION
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
        found, short = candidates(report, family.formats), family.title.split(" ", 1)[0]
        if found:
            yield from ((short, each) for each in _granularity(found))
            yield from ((short, each) for each in _keep_wide(found[0], name))
    if (said := _scales_of_cache(report)) is not None:
        yield "KV cache", said


def _scaling(report: Report) -> str | None:
    """What keeps fp16 from overflowing; the folded part says how, and what else goes beyond."""
    row = report["dtype_headroom"][SCALED]
    exponent = row.get("residual_exponent")
    if not row.get("exceeded_by") or not exponent:
        return None
    return scaled_by(exponent, len(left_beyond(report)))


def scaled_by(exponent: int, num_left: int) -> str:
    """Say what keeps a residual stream within fp16.

    Args:
        exponent: Of the power of two that it is divided by, above zero.
        num_left: Tensors beyond fp16 that no scaling of it changes.

    Returns:
        A sentence with its full stop.
    """
    besides = f"; that leaves {numbers.count(num_left, 'other tensor')} beyond" if num_left else ""
    return f"Scale the residual stream by 2^-{exponent}, or keep it wider{besides}."


def _granularity(found: list[Candidate]) -> Iterator[str]:
    """The way that speaks, where all coarser ones do more harm: and what the best of them does."""
    speaks, *others = found
    coarser = (each for each in others if ways.cost(each.way) < ways.cost(speaks.way))
    best = next(coarser, None)
    # Within one level a loss and an error do not say which of two is worse.
    alike = best and best.level == speaks.level
    same_kind = best and (best.loss is None) == (speaks.loss is None)
    if best and (not alike or (same_kind and best.level.standing == "beyond")):
        yield (
            f"Use {ways.words(speaks.way)}: a {_harm(speaks, ' or above in every input')}; "
            f"{ways.words(best.way)}, leaves a {_harm(best)}."
        )


def _harm(candidate: Candidate, lowest: str = "") -> str:
    """The level of harm, and the figure that it follows from."""
    if candidate.loss is not None:
        return f"{candidate.level.word} loss, {candidate.loss.change['mean']:+.3g} nats a token"
    assert candidate.row is not None
    return f"{candidate.level.word} error, {ways.lowest_db(candidate.row):.1f} dB{lowest}"


def _keep_wide(speaks: Candidate, name: Name) -> Iterator[str]:
    """Inputs below the bound, where that harms; whether those that the report names are all."""
    row = speaks.row
    bad = [each for each in row["worst"] if each["sqnr_db"] < WIDE_DB] if row else []
    if not row or not bad or speaks.level.standing == "within":
        return
    names, in_way = ", ".join(name(each["module"]) for each in bad), f"in {ways.words(row)}"
    lowest, last = (f"{each['sqnr_db']:.1f} dB" for each in (bad[0], bad[-1]))
    others = numbers.count(row["num_tensors"] - len(bad), "other")
    if row["num_tensors"] == len(bad):
        yield f"No input reaches {WIDE_DB:g} dB {in_way}: the lowest has {lowest}."
    elif above := row["worst"][len(bad) :]:
        floor = f"all {others} are at {above[0]['sqnr_db']:.1f} dB or above"
        yield f"Keep {names} wide: {in_way}, the lowest has {lowest}; {floor}."
    else:
        yield (
            f"Keep {names} wide, and whatever else of the {others} is below {WIDE_DB:g} dB "
            f"({QUANTIZATION} tells): {in_way}, those named have {lowest} to {last}."
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
