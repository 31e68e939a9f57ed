"""The report's `end_to_end`: loss of the unrounded model, and what rounding does to it."""

import math

from hubmaxact.measurement.assembly.bootstrap import CONFIDENCE, RESAMPLES, SEED, interval
from hubmaxact.measurement.end_to_end.by_sample import SampleSums
from hubmaxact.measurement.end_to_end.passes import Losses, RoundedLosses
from hubmaxact.printable import counted, printable
from hubmaxact.report.derived import EndToEnd, EndToEndRow

LONGEST_REASON = 200  # characters; how many it had may follow
NOTHING_TO_PREDICT = "no text of the evaluation split has a second token"


def end_to_end(losses: Losses) -> EndToEnd:
    """Turn sums by text into means, intervals and reasons.

    Args:
        losses: What the passes showed.

    Returns:
        A row for each way that was asked for, in that order.
    """
    texts, tokens = len(losses.tokens_S), int(losses.tokens_S.sum())
    why = _why(losses.unrounded, tokens, "without rounding")
    return EndToEnd(
        loss=None if why else math.fsum(losses.unrounded.loss_S) / tokens,
        num_samples=texts,
        num_tokens=tokens,
        confidence=CONFIDENCE,
        resamples=RESAMPLES,
        seed=SEED,
        rows=[_row(losses, each, why) for each in losses.rounded],
    )


def _row(losses: Losses, found: RoundedLosses, why: str | None) -> EndToEndRow:
    tokens, way = int(losses.tokens_S.sum()), found.asked.way
    reason = found.reason or why or _why(found.sums, tokens, "with rounding")
    row = EndToEndRow(
        target=found.asked.target,
        format=way.format,
        granularity=way.granularity,
        policy=way.policy,
        convention=way.convention,
        num_samples=len(losses.tokens_S),
        num_tokens=tokens,
        loss=None,
        loss_change=None,
        kl_divergence=None,
        top1_agreement=None,
        reason=None if reason is None else printable(reason, LONGEST_REASON),
    )
    if found.sums is None or reason is not None:
        return row
    return _measured(row, losses, found.sums)


def _measured(row: EndToEndRow, losses: Losses, sums: SampleSums) -> EndToEndRow:
    tokens_S = losses.tokens_S
    row["loss"] = math.fsum(sums.loss_S) / row["num_tokens"]
    row["loss_change"] = interval(sums.loss_S - losses.unrounded.loss_S, tokens_S)
    row["kl_divergence"] = interval(sums.kl_S, tokens_S)
    row["top1_agreement"] = math.fsum(sums.agreed_S) / row["num_tokens"]
    return row


def _why(sums: SampleSums | None, tokens: int, when: str) -> str | None:
    """Why there is no mean: nothing to take it over, or what is no number in it."""
    if not tokens:
        return NOTHING_TO_PREDICT
    if sums is not None and sums.num_not_finite:
        return f"{when} {sums.num_not_finite:,} of {counted(tokens, 'token')} have no finite loss"
    return None
