"""Everything accumulated at one site: values per split, largest values, massive tokens."""

import torch
from torch import Tensor

from hubmaxact.measurement.batch_plan import Split
from hubmaxact.measurement.statistics.distribution import Distribution
from hubmaxact.measurement.statistics.float_values import values_for
from hubmaxact.measurement.statistics.int8_error import (
    POLICIES,
    Int8Error,
    Int8Errors,
    error_of_bins,
)
from hubmaxact.measurement.statistics.massive import Massive
from hubmaxact.measurement.statistics.tokens import Tokens
from hubmaxact.measurement.statistics.top_values import TopValues


class SiteStatistics:
    """Order-free state of one site; tensors of one dtype only."""

    def __init__(self, dtype: torch.dtype, device: torch.device) -> None:
        self.dtype = dtype
        self.values = {split: values_for(dtype, device) for split in Split}
        self.top = TopValues()
        self.massive = Massive()
        # Only wide values need their errors accumulated: a histogram gives them afterwards.
        self.int8: dict[str, Int8Errors] = {}

    @torch.no_grad()
    def update(
        self, x_TD: Tensor, abs_TD: Tensor, row_max_T: Tensor, tokens: Tokens, split: Split
    ) -> None:
        """Fold in one tensor of kept rows."""
        if x_TD.dtype != self.dtype:
            raise ValueError(f"expected {self.dtype}, got {x_TD.dtype}")
        self.values[split].update(x_TD)
        self.top.update(x_TD, abs_TD, row_max_T, tokens)
        self.massive.update(abs_TD, row_max_T)
        if split is Split.EVALUATION and self.dtype != torch.bfloat16:
            for errors in self._native_errors(x_TD.device).values():
                errors.update(x_TD)

    def _native_errors(self, device: torch.device) -> dict[str, Int8Errors]:
        """One accumulator per policy, its threshold fixed when the calibration split is over."""
        if not self.int8:
            calibration = self.values[Split.CALIBRATION].result()
            for name, policy in POLICIES.items():
                if threshold := policy(calibration):
                    self.int8[name] = Int8Errors(threshold, device)
        return self.int8

    def distribution(self) -> Distribution:
        """Statistics over all splits."""
        total = values_for(self.dtype, torch.device("cpu"))
        for part in self.values.values():
            total.merge(part)  # type: ignore[arg-type]  # all splits of a site are of one kind
        return total.result()

    def threshold(self, policy: str) -> float | None:
        """What a policy takes from the calibration split; None when nothing finite was seen."""
        return POLICIES[policy](self.values[Split.CALIBRATION].result())

    def int8_error(self, policy: str) -> Int8Error | None:
        """The INT-8 error over the evaluation split; None without a usable threshold."""
        threshold = self.threshold(policy)
        if not threshold:
            return None
        evaluation = self.values[Split.EVALUATION].result()
        if self.dtype == torch.bfloat16:
            return error_of_bins(evaluation.bins, threshold)
        native = self.int8.get(policy)
        return native.result(evaluation) if native else None
