"""Findings on releases that differ in one thing: experts, tuning, tokens trained on.

Releases are held against each other within one protocol alone, so nothing is pooled here.
"""

import statistics
from collections.abc import Sequence

from hubmaxact.catalog import findings
from hubmaxact.catalog.findings import Pairs, Stages
from hubmaxact.catalog.pairs import Pair
from hubmaxact.catalog.row import Row
from hubmaxact.page.findings.finding import (
    MOST_RUNS,
    Chart,
    Finding,
    Point,
    Table,
    chart,
    finding,
    magnitude,
    named,
    number,
)
from hubmaxact.rendering import numbers

FEW = 5
"""Pairs up to which it is said that they make no rule."""

TRILLION = 1e12


def moe_against_dense(rows: Sequence[Row]) -> Finding:
    """Return how much larger M is in dense releases than in mixtures of experts."""
    found = findings.moe_against_dense(rows)
    answer = _answer(found)
    return finding(
        "moe",
        f"Dense over mixture of experts, M is {answer} times as large"
        if answer
        else "No dense release is matched by a mixture of experts",
        found,
        (
            _spread(found) if answer else _none("one family and nearly one size"),
            "The paper, on its two pairs of matched size: 23.4 and 14.0 times.",
        ),
        answer=answer,
        table=_table(found, "Dense", "Mixture of experts"),
        picture=_chart(found, "M of the dense release over M of the mixture"),
    )


def base_against_tuned(rows: Sequence[Row]) -> Finding:
    """Return how M changes from base releases to those tuned from them."""
    found = findings.base_against_tuned(rows)
    answer = _answer(found)
    return finding(
        "tuned",
        f"Base over tuned, M is {answer} times as large"
        if answer
        else "No base release is matched by a tuned one",
        found,
        (
            _spread(found) if answer else _none("one shape, or a named base"),
            _beside_main(found),
            (
                "The paper's result files hold three such pairs, of Qwen2.5, beside its main 24: "
                "1.39, 1 and 0.995 times."
            ),
        ),
        answer=answer,
        table=_table(found, "Base", "Tuned"),
        picture=_chart(found, "M of the base over M of the tuned release"),
    )


def training_stages(rows: Sequence[Row]) -> Finding:
    """Return how M grows along training runs."""
    found = findings.training_stages(rows)
    growths = [magnitude(run[-1]) / magnitude(run[0]) for run in found.runs]
    answer = _range(growths)
    return finding(
        "stages",
        f"From the first to the last checkpoint of a run, M becomes {answer} times as large"
        if answer
        else "No training run has two checkpoints here",
        found,
        (
            f"{numbers.count(len(growths), 'training run')}, each in the order of its tokens."
            if growths
            else "Needed are two complete reports on one shape with the tokens trained on.",
            ("The paper, as accounts of its text say: 1.34 times, from 5T to 20T tokens of "
            "Ling-mini; its result files: 1.54 times."),
        ),
        answer=answer,
        table=Table(
            head=["Run", "Release", "Trillion tokens", "M"],
            rows=[
                [place, named(row), number((row["tokens_trained"] or 0) / TRILLION),
                 magnitude(row)]
                for place, run in enumerate(found.runs, 1)
                for row in run
            ],
        ),
        picture=_lines(found),
    )  # fmt: skip


def _answer(found: Pairs) -> str | None:
    """Every ratio's range when there are few, else their median."""
    ratios = [pair.ratio for pair in found.pairs]
    return _ratio(statistics.median(ratios)) if len(ratios) > FEW else _range(ratios)


def _range(ratios: Sequence[float]) -> str | None:
    """The smallest and the largest ratio; one when they look alike."""
    if not ratios or number(max(ratios)) is None:
        return None
    return " to ".join(dict.fromkeys((_ratio(min(ratios)), _ratio(max(ratios)))))


def _ratio(ratio: float) -> str:
    """Three digits, trailing zeros kept."""
    if ratio >= 1000 or ratio < 0.001:
        return f"{ratio:.2e}"
    return f"{ratio:#.3g}".removesuffix(".")


def _spread(found: Pairs) -> str:
    ratios = [pair.ratio for pair in found.pairs]
    if len(ratios) <= FEW:
        return f"{numbers.count(len(ratios), 'pair')}: too few for a rule."
    larger = sum(ratio > 1 for ratio in ratios)
    return (
        f"The median of {len(ratios):,} pairs, which reach from {_range(ratios)}; in {larger:,} of "
        "them the first is the larger."
    )


def _beside_main(found: Pairs) -> str:
    """Say when a finding on the paper rests on more than its main analysis."""
    members = [row for pair in found.pairs for row in (pair.first, pair.second)]
    if all(row["in_paper_main"] is not False for row in members):
        return ""
    return "The paper's main analysis has 24 checkpoints; this rests on all 27 of its result files."


def _none(alike: str) -> str:
    return f"No two complete reports of one protocol in this population match: {alike}."


def _table(found: Pairs, first: str, second: str) -> Table:
    return Table(
        head=[first, "its M", second, "its M", "Ratio"],
        rows=[
            [
                named(pair.first),
                magnitude(pair.first),
                named(pair.second),
                magnitude(pair.second),
                number(pair.ratio),
            ]
            for pair in found.pairs
        ],
    )


def _chart(found: Pairs, label: str) -> Chart:
    points = [
        Point(label=_names(pair), x=pair.ratio, y=None)
        for pair in found.pairs
        if number(pair.ratio) is not None
    ]
    return chart("ratios", {"pairs": points}, x_label=label)


def _names(pair: Pair) -> str:
    return f"{named(pair.first)} over {named(pair.second)}"


def _lines(found: Stages) -> Chart:
    series = {
        f"run {place}": [
            Point(label=named(row), x=(row["tokens_trained"] or 0) / TRILLION, y=magnitude(row))
            for row in run
        ]
        for place, run in enumerate(found.runs[:MOST_RUNS], 1)
    }
    return chart("lines", series, x_label="trillion tokens", y_label="M", x_log=False, y_log=True)
