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
"""Logits that are made together."""

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
    unrounded = _log_probabilities(head, passes[0], ids, where)
    found = [_numbers(unrounded, unrounded, target)]
    rounded = (_log_probabilities(head, each, ids, where) for each in passes[1:])
    found += [_numbers(unrounded, each, target) for each in rounded]
    numbers: Float64s = torch.stack(found).cpu().double().numpy()
    return numbers


def _log_probabilities(head: Head, each: Pass, ids_P: Tensor, where: slice) -> Tensor:
    logits_PV = head.logits(each.form, each.hidden_PD[where], ids_P)
    return torch.log_softmax(logits_PV.float(), dim=-1)


def _numbers(p_PV: Tensor, q_PV: Tensor, target_P: Tensor) -> Tensor:
    """Loss under q, divergence of p from q, and whether their first choices are one, (3, P)."""
    wide = torch.float32 if p_PV.device.type in WITHOUT_FLOAT64 else torch.float64
    target_P = target_P.to(q_PV.device)
    loss = -q_PV.gather(1, target_P[:, None])[:, 0].to(wide)
    weight = p_PV.exp()
    # What has no probability adds nothing, though it be infinitely unlikely elsewhere.
    terms = torch.where(weight == 0, 0.0, weight * (p_PV - q_PV))
    agrees = p_PV.argmax(dim=-1) == q_PV.argmax(dim=-1)
    return torch.stack([loss, terms.sum(dim=-1, dtype=wide), agrees.to(wide)])
