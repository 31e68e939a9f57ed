"""Which samples run together: planned once, from lengths alone, the same on any hardware.

Bit-level values depend on batch composition, so the plan's digest stands in the report. No torch.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

WINDOW = 128
DEFAULT_BATCH_TOKENS = 16_384
LARGEST_BUDGET = 1 << 17  # where an automatic one begins


class Split(StrEnum):
    """What a sample is used for; every sample counts towards the maxima."""

    CALIBRATION = "calibration"
    EVALUATION = "evaluation"
    REST = "rest"


@dataclass(frozen=True, slots=True)
class Batch:
    """Samples that run in one forward pass, longest first, right-padded to `length` tokens.

    Of a plan without padding, all have that length.
    """

    index: int
    split: Split
    samples: tuple[int, ...]
    length: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Every batch, in the order they run."""

    batches: tuple[Batch, ...]
    digest: str

    @property
    def evaluation(self) -> tuple[Batch, ...]:
        """The batches of the evaluation split, in their order."""
        return tuple(batch for batch in self.batches if batch.split is Split.EVALUATION)


def plan_batches(
    lengths: Sequence[int],
    *,
    calibration: int,
    evaluation: int,
    batch_tokens: int,
    pads: bool = True,
) -> Plan:
    """Plan batches of at most `batch_tokens` tokens, padding included.

    Batches stay inside consecutive windows of 128 samples and never cross a split. A sample longer
    than the budget runs alone; an empty sample runs nowhere.

    Args:
        lengths: Tokens of each sample.
        calibration: How many samples come first.
        evaluation: How many follow them.
        batch_tokens: The budget.
        pads: Whether samples of different lengths may run together. Not where tokens see those
            after them, which padding would be; the digest tells such a plan.

    Returns:
        Every batch, in the order they run.
    """
    batches: list[Batch] = []
    for split, window in _windows(len(lengths), calibration, evaluation):
        for samples in _pack(window, lengths, batch_tokens, pads=pads):
            batches.append(Batch(len(batches), split, samples, lengths[samples[0]]))
    described = [[batch.split, batch.length, list(batch.samples)] for batch in batches]
    rule = [] if pads else ["no padding"]
    text = json.dumps([list(lengths), described, *rule], separators=(",", ":"))
    return Plan(tuple(batches), f"sha256:{hashlib.sha256(text.encode()).hexdigest()}")


def _windows(num_samples: int, calibration: int, evaluation: int) -> Iterator[tuple[Split, range]]:
    """Consecutive windows of at most 128 samples, cut at split borders too."""
    borders = (
        (Split.CALIBRATION, 0, calibration),
        (Split.EVALUATION, calibration, calibration + evaluation),
        (Split.REST, calibration + evaluation, num_samples),
    )
    for split, begin, end in borders:
        last = min(end, num_samples)
        for start in range(begin, last, WINDOW):
            yield split, range(start, min(start + WINDOW, last))


def _pack(
    window: range, lengths: Sequence[int], batch_tokens: int, *, pads: bool
) -> Iterator[tuple[int, ...]]:
    """Group samples of similar length, longest first, ties in sample order."""
    batch: list[int] = []
    for sample in sorted(window, key=lambda s: (-lengths[s], s)):
        if lengths[sample] == 0:
            continue
        is_full = bool(batch) and lengths[batch[0]] * (len(batch) + 1) > batch_tokens
        if is_full or (batch and not pads and lengths[sample] != lengths[batch[0]]):
            yield tuple(batch)
            batch = []
        batch.append(sample)
    if batch:
        yield tuple(batch)


def by_split(batches: Sequence[Batch]) -> tuple[tuple[Batch, ...], tuple[Batch, ...]]:
    """Tell batches of the calibration split from all others.

    Args:
        batches: Of a plan.

    Returns:
        The ones and the others.
    """
    first = tuple(batch for batch in batches if batch.split is Split.CALIBRATION)
    return first, tuple(batch for batch in batches if batch.split is not Split.CALIBRATION)
