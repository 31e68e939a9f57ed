"""The model's largest |x| per sample.

T rows kept.
"""

import torch
from torch import Tensor

from hubmaxact.measurement.statistics.tokens import Tokens


class SampleMaxima:
    """The model's largest |x| per sample, over every role that M is taken over."""

    def __init__(self, num_samples: int) -> None:
        self.abs_max = torch.full((num_samples,), -1.0, dtype=torch.float64)

    @torch.no_grad()
    def update(self, row_max_T: Tensor, tokens: Tokens) -> None:
        """Fold in the row maxima of one site (-1 where nothing was finite)."""
        self.abs_max.scatter_reduce_(0, tokens.sample.cpu(), row_max_T.double().cpu(), "amax")

    def merge(self, other: "SampleMaxima") -> None:
        """Fold in another shard's maxima."""
        self.abs_max = torch.maximum(self.abs_max, other.abs_max)
