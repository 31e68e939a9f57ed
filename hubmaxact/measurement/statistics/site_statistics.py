"""Everything accumulated at one site: values per split, largest values, massive tokens and more.

Inside experts also their maxima; where linear maps read it, those of channels and of blocks, and
what formats lose.
"""

from collections.abc import Collection
from typing import Any, Self

import torch

from hubmaxact.deployed_formats import KEY, LINEAR_INPUT, MAX_ABS
from hubmaxact.measurement.batch_plan import Split
from hubmaxact.measurement.statistics.accumulator import Accumulator, State, by_part, joined
from hubmaxact.measurement.statistics.block_maxima import BlockMaxima
from hubmaxact.measurement.statistics.calibration import DTYPE, Thresholds, thresholds_for
from hubmaxact.measurement.statistics.channel_maxima import ChannelMaxima
from hubmaxact.measurement.statistics.channel_squares import ChannelSquares
from hubmaxact.measurement.statistics.counted_errors import CountedErrors, counted_errors
from hubmaxact.measurement.statistics.expert_squares import ExpertSquares, Reached
from hubmaxact.measurement.statistics.experts import ExpertMaxima
from hubmaxact.measurement.statistics.format_errors import FormatErrors
from hubmaxact.measurement.statistics.int8_error import (
    POLICIES,
    Int8Error,
    Int8Errors,
    error_of_bins,
)
from hubmaxact.measurement.statistics.massive_tokens import Massive
from hubmaxact.measurement.statistics.rows import Rows
from hubmaxact.measurement.statistics.rows_beyond import RowsBeyond
from hubmaxact.measurement.statistics.site_result import SiteResult
from hubmaxact.measurement.statistics.top_values import TopValues
from hubmaxact.measurement.statistics.values_by_dtype import values_for

OPTIONAL = ("massive", "beyond", "experts", "channels", "blocks", "squares", "by_expert", "formats")
"""Accumulators that not every site has, by their names here and in states."""


class SiteStatistics:
    """The state of one site; its tensors are of one dtype.

    Args:
        dtype: Of the tensors; another one is refused.
        device: Where they are.
        num_experts: For sites inside routed experts: how many the layer has.
        is_linear_input: Whether linear maps read the tensors: channels and blocks count, too.
        is_cached: Whether a cache keeps them, in rows of heads: the same, but for squares of
            channels. Rows beyond a format are counted where they are of tokens.
        sums_format_errors: Whether what `IN_PASS` formats lose over the evaluation split is summed.
        thresholds: Of a calibration split that somebody else has seen; None: this one sees it.
    """

    def __init__(
        self,
        dtype: torch.dtype,
        device: torch.device | str = "cpu",
        *,
        num_experts: int | None = None,
        is_linear_input: bool = False,
        is_cached: bool = False,
        sums_format_errors: bool = False,
        thresholds: Thresholds | None = None,
    ) -> None:
        self.dtype, self.device = dtype, device
        self.values = {split: values_for(dtype, device) for split in Split}
        self.top = TopValues()
        self.massive = None if is_linear_input or is_cached else Massive()
        self.experts = None if num_experts is None else ExpertMaxima(num_experts, device)
        self.channels = ChannelMaxima(device) if is_linear_input or is_cached else None
        self.blocks = BlockMaxima(device) if is_linear_input or is_cached else None
        # Experts have sums of their own, which are together those of all rows.
        by_expert = None if num_experts is None else ExpertSquares(num_experts, device)
        self.by_expert = by_expert if is_linear_input else None
        self.squares = ChannelSquares(device) if is_linear_input and by_expert is None else None
        self.beyond = None if is_cached else RowsBeyond(device)
        self.formats = FormatErrors(device) if sums_format_errors else None
        # Only wide values need their errors accumulated: a histogram gives them afterwards.
        self.int8: dict[str, Int8Errors] = {}
        self._fixed = thresholds
        self._rounded_as = KEY if is_cached else LINEAR_INPUT  # values are rounded as keys are

    @torch.no_grad()
    def update(self, rows: Rows) -> None:
        """Fold in one tensor of kept rows."""
        self.expect(rows.x_TD.dtype)
        if self.experts is not None:
            self.experts.update(rows)
        self.values[rows.split].update(rows.x_TD)
        self.top.update(rows)
        if self.massive is not None:
            self.massive.update(rows)
        if self.beyond is not None:
            self.beyond.update(rows)
        if self.channels is not None and self.blocks is not None:
            self.channels.update(rows)
            self.blocks.update(rows)
        squares = self.squares_of(rows.split)
        if squares is not None:
            squares.update(rows.x_TD)
        by_expert = self.by_expert_of(rows.split)
        if by_expert is not None:
            by_expert.update(Reached.one_each(rows.x_TD, rows.expert_T))
        for errors in self.errors_of(rows.split):
            errors.update(rows.x_TD)
        formats = self.formats_of(rows.split)
        if formats is not None:
            formats.update(rows.x_TD)

    def squares_of(self, split: Split) -> ChannelSquares | None:
        """What adds up squares of a split's channels: those of calibration data, as elsewhere."""
        return self.squares if split is Split.CALIBRATION else None

    def by_expert_of(self, split: Split) -> ExpertSquares | None:
        """What adds them up by expert; where anything does, `squares_of` is None."""
        return self.by_expert if split is Split.CALIBRATION else None

    def expect(self, dtype: torch.dtype) -> None:
        """Refuse tensors of another dtype."""
        if dtype != self.dtype:
            raise ValueError(f"expected {self.dtype}, got {dtype}")

    def errors_of(self, split: Split) -> Collection[Int8Errors]:
        """What accumulates errors of a split's values as they come: of wide ones to be evaluated.

        Args:
            split: The first time that it is the evaluation split, thresholds are fixed.

        Returns:
            One accumulator per policy that found a threshold.
        """
        if split is not Split.EVALUATION or self.dtype == torch.bfloat16:
            return ()
        if not self.int8:
            thresholds = self.thresholds().items()
            self.int8 = {policy: Int8Errors(threshold) for policy, threshold in thresholds}
        return self.int8.values()

    def formats_of(self, split: Split) -> FormatErrors | None:
        """What sums up what formats lose of a split's values: of those to be evaluated.

        Args:
            split: The first time that it is the evaluation split, its threshold is fixed.

        Returns:
            None where nothing is summed.
        """
        if self.formats is None or split is not Split.EVALUATION:
            return None
        if self.formats.threshold is None:
            self.formats.fix(self._calibration_max())
        return self.formats

    def merge(self, other: Self) -> None:
        """Fold in another's state.

        Args:
            other: Of the same site; it stays as it is.

        Raises:
            ValueError: It is of another dtype or another kind of site, or its errors were made with
                another threshold; nothing was merged.
        """
        self._refuse(other)
        for split, values in self.values.items():
            values.merge(other.values[split])
        self.top.merge(other.top)
        theirs = other._optional()
        for name, part in self._optional().items():
            part.merge(theirs[name])
        for policy, errors in other.int8.items():
            here = self.int8.setdefault(policy, Int8Errors(errors.threshold))
            here.merge(errors)

    def _refuse(self, other: Self) -> None:
        """Whatever cannot be merged is found before anything is."""
        if other.dtype != self.dtype:
            raise ValueError(f"expected {self.dtype}, got {other.dtype}")
        mine, theirs = sorted(self._optional()), sorted(other._optional())
        if theirs != mine:
            raise ValueError(f"expected a site that keeps {mine}, got {theirs}")
        for policy in self.int8.keys() & other.int8.keys():
            here, there = self.int8[policy].threshold, other.int8[policy].threshold
            if here != there:
                raise ValueError(f"expected threshold {here}, got {there}")

    def state(self) -> State:
        """The parts' states; an empty tensor tells the dtype."""
        dtype = torch.empty(0, dtype=self.dtype, device=self.device)
        # That thresholds were looked up for a tensor without real rows is no part of the state.
        unused = {policy for policy, errors in self.int8.items() if not errors.count}
        parts = {name: part for name, part in self._parts().items() if name not in unused}
        return {DTYPE: dtype, **joined(parts)}

    def load(self, state: State) -> None:
        """Go on from a state of the same dtype."""
        parts = by_part(state)
        self.int8 = {name: Int8Errors(0.0) for name in POLICIES if name in parts}
        for name, part in self._parts().items():
            part.load(parts[name])

    def _parts(self) -> dict[str, Accumulator[Any, Any]]:
        parts: dict[str, Accumulator[Any, Any]] = {str(s): v for s, v in self.values.items()}
        return {**parts, "top": self.top, **self._optional(), **self.int8}

    def _optional(self) -> dict[str, Accumulator[Any, Any]]:
        """What not every site keeps."""
        parts = {name: getattr(self, name) for name in OPTIONAL}
        return {name: part for name, part in parts.items() if part is not None}

    def result(self) -> SiteResult:
        """Tell what follows over all splits.

        Returns:
            Statistics, frozen.

        Raises:
            ValueError: Errors of formats were summed before their threshold was known, or at one
                that the calibration split does not give.
        """
        calibration_max = self._calibration_max()
        if self.formats is not None:
            self.formats.expect(calibration_max)
        first, *others = self.values.values()
        kept = {name: part.result() for name, part in self._optional().items()}
        return SiteResult(
            values=first.result_with(others),
            top=self.top.result(),
            massive=kept.get("massive"),
            expert_maxima=kept.get("experts"),
            channel_maxima=kept.get("channels"),
            block_maxima=kept.get("blocks"),
            channel_sum_sq=kept.get("squares"),
            expert_sum_sq=kept.get("by_expert"),
            calibration_max=calibration_max,
            counted_errors=self._counted_errors(),
            format_errors=kept.get("formats"),
            rows_beyond=kept.get("beyond"),
        )

    def _calibration_max(self) -> float | None:
        if self._fixed is not None:
            return self._fixed.get(MAX_ABS)
        return self.values[Split.CALIBRATION].abs_max() or None

    def _counted_errors(self) -> CountedErrors | None:
        if self.channels is None:
            return None
        return counted_errors(
            self._rounded_as,
            self.values[Split.CALIBRATION].bins(),
            self.values[Split.EVALUATION].bins(),
        )

    def fix(self, thresholds: Thresholds) -> None:
        """Take thresholds from a calibration split of which this one may have seen a part."""
        self._fixed = thresholds

    @property
    def calibrates(self) -> bool:
        """Whether thresholds follow from what is seen here."""
        return self._fixed is None

    def thresholds(self) -> Thresholds:
        """What each policy takes from the calibration split."""
        if self._fixed is not None:
            return self._fixed
        return thresholds_for(self.values[Split.CALIBRATION])

    def int8_error(self, policy: str) -> Int8Error | None:
        """The INT-8 error over the evaluation split.

        Args:
            policy: Name of a policy, such as "max_abs".

        Returns:
            Sums over the finite values of the split. None: the policy found no threshold above
            zero.

        Raises:
            ValueError: Values were folded in before their threshold was known, or at one that the
                calibration split does not give.
        """
        threshold = self.thresholds().get(policy)
        errors = self.int8.get(policy)
        if errors is not None and errors.threshold != threshold:
            raise ValueError(f"errors at threshold {errors.threshold}, expected {threshold}")
        if threshold is None:
            return None
        evaluation = self.values[Split.EVALUATION]
        if self.dtype == torch.bfloat16:
            return error_of_bins(evaluation.bins(), threshold)
        errors = errors or Int8Errors(threshold)
        return errors.result().beside(evaluation.result())
