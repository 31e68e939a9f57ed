"""Whether a release fits, as columns: the words of the card's verdicts, by the card's own rules."""

from hubmaxact.rendering.fit import cache
from hubmaxact.rendering.fit.linear_inputs import FOUR_BIT, FP8, INT8
from hubmaxact.rendering.fit.verdicts import verdicts
from hubmaxact.report.document import Report

TITLES = {
    "fit_fp8": FP8.title,
    "fit_int8": INT8.title,
    "fit_4bit": FOUR_BIT.title,
    "fit_kv_fp8": cache.TITLE,
}
"""Column -> title of the verdict whose word it holds; of fp16 other columns tell more."""


def fit_columns(report: Report) -> dict[str, str]:
    """Return the words of verdicts, those of what was not measured too."""
    said = {each.title: each.word for each in verdicts(report, str)}
    return {column: said[title] for column, title in TITLES.items()}
