"""The verdicts of a report, in the order in which they are told."""

from hubmaxact.rendering.fit import cache, fp16, linear_inputs
from hubmaxact.rendering.fit.levels import LEVELS
from hubmaxact.rendering.fit.verdict import Name, Verdict
from hubmaxact.report.document import Report

_SHARES = ", ".join(f"{10 ** (2 - level.least_db / 20):.0f} %" for level in LEVELS[:-1])
_LOSSES = ", ".join(f"{level.most_loss:g}" for level in LEVELS[:-1])
NOTE = (
    "Errors are those of rounding activations alone: weights stay as they are. Small, moderate, "
    f"large and severe: up to {_SHARES} and beyond in the tensor that is rounded worst; of a loss "
    f"that was measured, up to {_LOSSES} nats a token and beyond."
)
"""What the words of errors and losses mean."""


def verdicts(report: Report, name: Name) -> list[Verdict]:
    """Say of each format of deployment what the report bears out.

    Args:
        report: Of any profile and version.
        name: Makes a stranger's text fit for where the words stand.

    Returns:
        fp16, FP8, INT8, 4-bit and the FP8 cache.
    """
    return [
        fp16.verdict(report, name),
        *(linear_inputs.verdict(report, family, name) for family in linear_inputs.FAMILIES),
        cache.verdict(report, name),
    ]


def closed_up(found: list[Verdict]) -> list[Verdict]:
    """Put those that were not measured for one reason into one row.

    Args:
        found: In their order.

    Returns:
        No more than before, in their order.
    """
    rows: list[Verdict] = []
    for each in found:
        last = rows[-1] if rows else None
        if last and not each.number and not last.number and last.condition == each.condition:
            rows[-1] = Verdict(
                title=f"{last.title}, {each.title}",
                word=each.word,
                standing=each.standing,
                condition=each.condition,
            )
        else:
            rows.append(each)
    return rows
