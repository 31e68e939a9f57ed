"""Of heads maxima, of what experts are given also squares: one read of each on an NVIDIA GPU."""

from ctypes import Structure

import torch
from torch import Tensor

from hubmaxact.measurement.kernels.cuda.arguments import address
from hubmaxact.measurement.kernels.cuda.compiler import CudaError
from hubmaxact.measurement.kernels.cuda.kernel import (
    FORMATS,
    Compilation,
    kernel_for,
    layout_of,
)
from hubmaxact.measurement.kernels.cuda.maxima_kernels import (
    ExpertsArguments,
    ExpertsKind,
    HeadsArguments,
    HeadsKind,
)
from hubmaxact.measurement.kernels.cuda.squares_kernel import SquaresArguments, SquaresKind
from hubmaxact.measurement.rotary_pairs import Pairs
from hubmaxact.measurement.statistics.expert_squares import ExpertSquares, Reached
from hubmaxact.measurement.statistics.group_maxima import TorchMaxima

MOST_ROWS = 1 << 30
MOST_EXPERTS = (1 << 15) - 1


class MaximaOnDevice:
    """By kernels where they can, else by torch's operations, which are told in `ways`.

    Args:
        index: Of the GPU.
    """

    def __init__(self, index: int) -> None:
        self.ways: frozenset[str] = frozenset()
        self._index = index
        self._torch = TorchMaxima()
        self._refused: dict[Compilation, str] = {}

    def norms(self, x_BHLD: Tensor, kept_BL: Tensor | None) -> Tensor:
        """Of squares that are added up eight by eight."""
        largest_H = x_BHLD.new_zeros(x_BHLD.shape[1], dtype=torch.float32)
        if self._heads(x_BHLD, kept_BL, None, largest_H):
            return largest_H.sqrt_()
        return self._torch.norms(x_BHLD, kept_BL)

    def pair_squares(self, x_BHLD: Tensor, kept_BL: Tensor | None, pairs: Pairs) -> Tensor:
        """As a CPU's, to the last bit."""
        shape = x_BHLD.shape[1], pairs.channels // 2
        largest_HP = x_BHLD.new_zeros(shape, dtype=torch.float32)
        if self._heads(x_BHLD, kept_BL, pairs, largest_HP):
            return largest_HP
        return self._torch.pair_squares(x_BHLD, kept_BL, pairs)

    def of_experts(
        self, x_TD: Tensor, chosen_TK: Tensor, kept_T: Tensor | None, num_experts: int
    ) -> Tensor:
        """Row by row, into the maxima of its experts."""
        largest_E = torch.full((num_experts,), -1.0, device=x_TD.device)
        chosen_TK = chosen_TK.long().contiguous()
        row_stride, value_stride = x_TD.stride()
        arguments = ExpertsArguments(
            x=x_TD.data_ptr(),
            row_stride=row_stride,
            value_stride=value_stride,
            chosen=chosen_TK.data_ptr(),
            kept=address(kept_T),
            largest=largest_E.data_ptr(),
            num_rows=len(x_TD),
            num_chosen=chosen_TK.shape[1],
            num_experts=num_experts,
        )
        kind = ExpertsKind(x_TD.dtype, x_TD.shape[1], layout_of(x_TD))
        if self._launched(kind, arguments, len(x_TD)):
            return largest_E
        return self._torch.of_experts(x_TD, chosen_TK, kept_T, num_experts)

    def add_squares(self, reached: Reached, squares: ExpertSquares) -> None:
        """Rows of one expert after another, each expert's in their order."""
        if reached.x_TD.numel() and not self._squared(reached, squares):
            self._torch.add_squares(reached, squares)

    def _squared(self, reached: Reached, squares: ExpertSquares) -> bool:
        """Launch the kernel over rows of experts, if it can read them."""
        x_TD, chosen_TK = reached
        num_experts, kind = squares.num_experts, SquaresKind(x_TD.dtype, x_TD.shape[1])
        if num_experts > MOST_EXPERTS or chosen_TK.numel() > MOST_ROWS:
            return False
        # Keys of 16 bits are sorted in a quarter of the passes.
        short = chosen_TK.clamp(max=num_experts).to(torch.int16).reshape(-1)
        expert, order = torch.sort(short, stable=True)
        bounds = torch.arange(num_experts + 1, dtype=torch.int16, device=x_TD.device)
        begin = torch.searchsorted(expert, bounds)
        row_stride, value_stride = x_TD.stride()
        arguments = SquaresArguments(
            x=x_TD.data_ptr(),
            row_stride=row_stride,
            value_stride=value_stride,
            order=order.data_ptr(),
            begin=begin.data_ptr(),
            sums=squares.squares.sums_of(num_experts * kind.width).data_ptr(),
            reached=squares.rows.tokens.data_ptr(),
            num_rows=num_experts * kind.num_pieces,
            num_chosen=chosen_TK.shape[1],
            num_experts=num_experts,
        )
        return self._launched(kind, arguments, arguments.num_rows)

    def _heads(
        self, x_BHLD: Tensor, kept_BL: Tensor | None, pairs: Pairs | None, largest: Tensor
    ) -> bool:
        """Launch the kernel over a tensor of heads, if it can read it."""
        num_sequences, num_heads, length, width = x_BHLD.shape
        sequence_stride, head_stride, token_stride, value_stride = x_BHLD.stride()
        kept_BL = None if kept_BL is None else kept_BL.contiguous()
        num_tokens = num_sequences * length
        arguments = HeadsArguments(
            x=x_BHLD.data_ptr(),
            sequence_stride=sequence_stride,
            head_stride=head_stride,
            token_stride=token_stride,
            value_stride=value_stride,
            kept=address(kept_BL),
            largest=largest.data_ptr(),
            num_rows=num_tokens * num_heads,
            num_heads=num_heads,
            num_tokens=num_tokens,
            length=length,
        )
        kind = HeadsKind(x_BHLD.dtype, width, layout_of(x_BHLD), pairs)
        return self._launched(kind, arguments, num_tokens * num_heads)

    def _launched(
        self, kind: HeadsKind | ExpertsKind | SquaresKind, arguments: Structure, num_rows: int
    ) -> bool:
        """Launch a kernel; what failed once is not tried again."""
        if num_rows == 0:
            return False
        why_not = self._refused.get(kind, "")
        if kind.dtype not in FORMATS or num_rows > MOST_ROWS:
            why_not = f"because the kernel does not read {num_rows:,} rows of {str(kind.dtype)[6:]}"
        if not why_not:
            try:
                with torch.cuda.device(self._index):
                    stream = torch.cuda.current_stream().cuda_stream
                    kernel_for(kind, self._index).launch(arguments, stream)
            except CudaError as error:
                told = str(error).splitlines()[0]
                why_not = f"because the kernel failed for {kind.width:,} values: {told}"
                self._refused[kind] = why_not
        if why_not:
            self.ways |= {f"by torch operations, {why_not}"}
        return not why_not
