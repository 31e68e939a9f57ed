"""Predictions with and without rounding, side by side, some tokens at a time.

P predictions, V words of the vocabulary. Logarithms of probabilities are float32's; sums over the
vocabulary and over tokens are made in float64 where the device has it.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hubmaxact.measurement.end_to_end.head import Head
from hubmaxact.measurement.end_to_end.scored import Scored
from hubmaxact.measurement.kernels.torch_operations import WITHOUT_FLOAT64

VALUES_AT_ONCE = 1 << 24
"""Logits of one pass that are made together. Those of all passes come from one call of the head,
whose weight is read, and on some processors widened, anew for each."""

Float64s = npt.NDArray[np.float64]


class Predicted(NamedTuple):
    """What one pass predicts, prediction by prediction."""

    loss_P: Float64s  # negative log likelihood of the token that follows, in nats
    kl_P: Float64s  # Kullback-Leibler divergence of the unrounded model from it, in nats
    agrees_P: Float64s  # 1 where both think the same token most likely, else 0


class Pass(NamedTuple):
    """What a pass's decoder put out."""

    form: Any  # an output of its form, without rows
    hidden_PD: Tensor  # the rows of positions that predict


def compared(
    head: Head, passes: Sequence[Pass], ids_P: Tensor, scored: Scored, vocabulary: int
) -> list[Predicted]:
    """Hold each pass against the first.

    Args:
        head: Makes logits.
        passes: The unrounded one, then those with rounding.
        ids_P: Ids of the tokens that predict, on the head's device.
        scored: The predictions.
        vocabulary: Words in it, about: it bounds how many logits are made together.

    Returns:
        One for each pass, the first compared with itself.
    """
    targets_P = torch.from_numpy(scored.target_P).to(ids_P.device)
    step = max(1, VALUES_AT_ONCE // vocabulary)
    pieces = [
        _piece(head, passes, ids_P, targets_P, slice(begin, begin + step))
        for begin in range(0, len(ids_P), step)
    ]
    whole = np.concatenate(pieces, axis=2)
    return [Predicted(*each) for each in whole]


def _piece(
    head: Head, passes: Sequence[Pass], ids_P: Tensor, targets_P: Tensor, where: slice
) -> Float64s:
    """Numbers of some predictions, (passes, 3, predictions)."""
    ids, target = ids_P[where], targets_P[where]
    hidden = torch.cat([each.hidden_PD[where] for each in passes])
    logits = head.logits(passes[0].form, hidden, ids.repeat(len(passes))).split(len(ids))
    unrounded = _Unrounded(_log_probabilities(logits[0]))
    found = [unrounded.itself(target)]
    found += [unrounded.against(_log_probabilities(each), target) for each in logits[1:]]
    numbers: Float64s = torch.stack(found).cpu().double().numpy()
    return numbers


def _log_probabilities(logits_PV: Tensor) -> Tensor:
    return torch.log_softmax(logits_PV.float(), dim=-1)


class _Unrounded:
    """What others are held against: p, made once for all of them.

    Args:
        log_p_PV: Logarithms of probabilities.
    """

    def __init__(self, log_p_PV: Tensor) -> None:
        self._log_p_PV, self._p_PV = log_p_PV, log_p_PV.exp()
        self._never_PV = self._p_PV == 0
        self._first_P = log_p_PV.argmax(dim=-1)
        self._wide = torch.float32 if log_p_PV.device.type in WITHOUT_FLOAT64 else torch.float64

    def itself(self, target_P: Tensor) -> Tensor:
        """Its loss; it diverges from itself by nothing and agrees with itself."""
        loss_P = self._loss(self._log_p_PV, target_P)
        return torch.stack([loss_P, torch.zeros_like(loss_P), torch.ones_like(loss_P)])

    def against(self, log_q_PV: Tensor, target_P: Tensor) -> Tensor:
        """Loss under q, divergence of p from q, and whether first choices are one, (3, P)."""
        log_q_PV = log_q_PV.to(self._p_PV.device)
        # What has no probability adds nothing, though it be infinitely unlikely elsewhere.
        terms_PV = (self._log_p_PV - log_q_PV).mul_(self._p_PV).masked_fill_(self._never_PV, 0.0)
        agrees_P = log_q_PV.argmax(dim=-1) == self._first_P
        divergence_P = terms_PV.sum(dim=-1, dtype=self._wide)
        return torch.stack([self._loss(log_q_PV, target_P), divergence_P, agrees_P.to(self._wide)])

    def _loss(self, log_q_PV: Tensor, target_P: Tensor) -> Tensor:
        target_P = target_P.to(log_q_PV.device)
        return -log_q_PV.gather(1, target_P[:, None])[:, 0].to(self._wide)
