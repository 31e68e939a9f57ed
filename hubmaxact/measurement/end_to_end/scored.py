"""Which tokens of a batch are predicted, and from where: every real one but the first of a text."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hubmaxact.measurement.batch_plan import Batch

Ids = Sequence[npt.NDArray[np.int32]]


@dataclass(frozen=True, slots=True)
class Scored:
    """The predictions of a batch, one after the other: P of them."""

    position_P: npt.NDArray[np.int64]  # flat, of the token that predicts
    target_P: npt.NDArray[np.int64]  # id of the token that follows
    sample_P: npt.NDArray[np.int64]


def scored_tokens(batch: Batch, ids: Ids) -> Scored:
    """Find the predictions.

    Args:
        batch: Right-padded samples.
        ids: Token ids of every sample of the corpus, shape (tokens,) each.

    Returns:
        Where each is made and what it should be; none for a sample of one token.
    """
    rows = [(row, sample, ids[sample]) for row, sample in enumerate(batch.samples)]
    return Scored(
        np.concatenate(
            [row * batch.length + np.arange(len(tokens) - 1) for row, _, tokens in rows]
        ),
        np.concatenate([tokens[1:] for _, _, tokens in rows]).astype(np.int64),
        np.concatenate([np.full(len(tokens) - 1, sample) for _, sample, tokens in rows]),
    )
