"""Predictions added up by text: what a paired comparison over texts needs."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hubmaxact.measurement.end_to_end.compared import Float64s, Predicted
from hubmaxact.measurement.end_to_end.scored import Scored

Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSums:
    """What one pass shows of each text with a prediction: S texts, in corpus order."""

    loss_S: Float64s
    kl_S: Float64s
    agreed_S: Float64s
    num_not_finite: int  # predictions whose loss or divergence is NaN or infinite


class BySample:
    """Adds up predictions, batch by batch; texts keep their own sums.

    Args:
        num_samples: Texts of the corpus.
    """

    def __init__(self, num_samples: int) -> None:
        self._sums = np.zeros((3, num_samples))
        self._tokens = np.zeros(num_samples, dtype=np.int64)
        self._not_finite = 0

    def add(self, predicted: Predicted, scored: Scored) -> None:
        """Add a batch's.

        Args:
            predicted: Of one pass.
            scored: Which texts they are of.
        """
        size = len(self._tokens)
        self._tokens += np.bincount(scored.sample_P, minlength=size)
        for number, values in enumerate(predicted):
            self._sums[number] += np.bincount(scored.sample_P, weights=values, minlength=size)
        finite = np.isfinite(predicted.loss_P) & np.isfinite(predicted.kl_P)
        self._not_finite += int((~finite).sum())

    @property
    def tokens(self) -> Int64s:
        """Predictions of each text that has any, (texts,)."""
        return self._tokens[self._tokens > 0]

    def result(self) -> SampleSums:
        """The sums of texts with predictions."""
        loss, kl, agreed = self._sums[:, self._tokens > 0]
        return SampleSums(loss_S=loss, kl_S=kl, agreed_S=agreed, num_not_finite=self._not_finite)
