"""What sidecars call their tensors: a module's name, and what is told of it."""

from typing import NamedTuple

from hubmaxact.scales.expert_maps import Reads


class TensorName(NamedTuple):
    """The end of a tensor's name, and the dtype that it has."""

    end: str
    dtype: str

    def of(self, module: str) -> str:
        """The whole name.

        Args:
            module: The first of a row's maps, or its attention.

        Returns:
            A name that no other row has.
        """
        return f"{module}.{self.end}"


INPUT_ABS_MAX = TensorName("input.abs_max", "F32")
INPUT_NUM_ROWS = TensorName("input.num_rows", "I64")
INPUT_SUM_SQ = TensorName("input.sum_sq", "F64")
INPUT_SUM_SQ_ROWS = TensorName("input.sum_sq_rows", "I64")


def cached_abs_max(role: str) -> TensorName:
    """The largest |x| of each channel of each head; `role` is key or value."""
    return TensorName(f"{role}.abs_max", "F32")


def cached_pair_max(role: str) -> TensorName:
    """The largest norm of each pair of channels that the position embedding turns, by head."""
    return TensorName(f"{role}.pair_max", "F32")


def expert_sum_sq(reads: Reads) -> TensorName:
    """The sum of x^2 of each channel by expert; named by the module that holds the experts."""
    return TensorName(f"{reads}.sum_sq", "F32")


def expert_rows(reads: Reads) -> TensorName:
    """The rows of each expert that they are over."""
    return TensorName(f"{reads}.sum_sq_rows", "I64")


def block_values(size: int) -> TensorName:
    """Distinct maxima of blocks of so many channels."""
    return TensorName(f"input.block_max.{size}.values", "F32")


def block_counts(size: int) -> TensorName:
    """How many blocks have each of them."""
    return TensorName(f"input.block_max.{size}.counts", "I64")
