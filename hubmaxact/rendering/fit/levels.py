"""How large an error is: the one table of words and of the figures behind them.

SQNR is the signal over the noise of rounding: at 30 dB the error of a tensor's values is 3 % of
their size (root mean squares), at 20 dB a tenth, at 10 dB a third. A change of loss is in nats for
each token: e to its power is the factor by which perplexity grows. Where both are known, the loss
decides, for it is about the model and the SQNR about its tensors.
"""

from typing import Literal, NamedTuple

Standing = Literal["within", "near", "beyond", "unknown"]


class Level(NamedTuple):
    """One size of errors.

    Attributes:
        word: Stands before "error" or "loss".
        least_db: SQNR that the tensor rounded worst reaches at least, in dB.
        most_loss: Upper end of the interval of the change in loss, at most this many nats.
        standing: How it is coloured.
    """

    word: str
    least_db: float
    most_loss: float
    standing: Standing


LEVELS = (
    Level("small", 30.0, 0.02, "within"),
    Level("moderate", 20.0, 0.1, "near"),
    Level("large", 10.0, 0.5, "beyond"),
    Level("severe", float("-inf"), float("inf"), "beyond"),
)
"""From the smallest."""

WIDE_DB = LEVELS[1].least_db
"""Below it a module is worth keeping wide."""

NEAR = 0.5
"""Of a limit: other texts, or one more training stage, may double a peak."""


def of_sqnr(sqnr_db: float) -> Level:
    """Return the level of a tensor's error.

    Args:
        sqnr_db: In decibels.

    Returns:
        The smallest whose bound it keeps.
    """
    return next(level for level in LEVELS if sqnr_db >= level.least_db)


def of_loss(change: float) -> Level:
    """Return the level of a change in loss.

    Args:
        change: In nats for each token; what is below zero is small.

    Returns:
        The smallest whose bound it keeps.
    """
    return next(level for level in LEVELS if change <= level.most_loss)
