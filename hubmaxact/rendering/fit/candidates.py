"""Ways of rounding the inputs of linear maps, what is known of each, and which one speaks.

Of one way the loss decides where a run with rounding measured it, else the tensor that is rounded
worst. Of several ways the coarsest of the best level speaks, a measured loss before an error; where
even the best level is beyond use, the mildest one, whatever shares its scales.
"""

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

from hubmaxact.deployed_formats import LINEAR_INPUT, LINEAR_INPUTS
from hubmaxact.rendering.fit import ways
from hubmaxact.rendering.fit.levels import LEVELS, Level, of_loss, of_sqnr
from hubmaxact.rendering.fit.measured import loss_rows, pooled_rows
from hubmaxact.report.derived import EndToEndRow, Interval, PooledRow
from hubmaxact.report.document import Report

MILDER_DB = 3.0
"""Half the squared error: what a way without a run is better by, to speak beside one with a run."""


class Loss(NamedTuple):
    """A run with rounding, and its change of loss in nats for each token."""

    run: EndToEndRow
    change: Interval


class Candidate(NamedTuple):
    """One way of rounding, with evidence of at least one of two kinds.

    Attributes:
        way: What it is called by.
        row: Errors of tensors. None: not measured.
        loss: What the model lost. None: no run rounded this way.
    """

    way: PooledRow | EndToEndRow
    row: PooledRow | None
    loss: Loss | None

    @property
    def level(self) -> Level:
        """How much harm it does."""
        if self.loss is not None:
            return of_loss(self.loss.change["high"])
        return of_sqnr(self.lowest_db)

    @property
    def lowest_db(self) -> float:
        """SQNR of the tensor that is rounded worst, in dB; infinite where no error was measured."""
        return inf if self.row is None else ways.lowest_db(self.row)

    @property
    def rank(self) -> tuple[float, ...]:
        """Sorts candidates: the one that speaks comes first."""
        harm = -round(self.lowest_db) if self.loss is None else self.loss.change["mean"]
        cost, level = ways.cost(self.way), self.level
        order = (harm, cost) if level.standing == "beyond" else (cost, harm)
        return LEVELS.index(level), self.loss is None, *order


def candidates(report: Report, formats: Sequence[str]) -> list[Candidate]:
    """Return what was measured of some formats.

    Args:
        report: Of any profile and version.
        formats: Their names.

    Returns:
        The one that speaks first. A way whose error alone is known is left out unless it is clearly
        milder than each way that a run rounded by: where small errors cost a large loss, another
        small error promises nothing.
    """
    rows = {
        ways.words(row): row
        for row in pooled_rows(report, LINEAR_INPUT, formats)
        if row["sqnr_db"] is not None
    }
    runs = [
        Candidate(run, rows.pop(ways.words(run), None), Loss(run, change))
        for run, change in loss_rows(report, LINEAR_INPUTS, formats)
    ]
    least_db = max((run.lowest_db + MILDER_DB for run in runs), default=-inf)
    others = (Candidate(row, row, None) for row in rows.values())
    milder = (each for each in others if each.lowest_db >= least_db)
    return sorted([*runs, *milder], key=lambda each: each.rank)
