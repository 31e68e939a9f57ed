"""Numbers that many weights share, such as scales: one per block, row, group or for all.

R rows, C columns. Edge blocks may be cut; a group's columns may lie anywhere in a row.
"""

from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor

from hubmaxact.measurement.dequantization.damaged import require
from hubmaxact.measurement.dequantization.numbers import numbers_of

InPlace = Callable[[Tensor, Tensor], Tensor]


class Grid:
    """A number for each block of a matrix.

    Args:
        stored_DA: Blocks down and across; of a float dtype, or bytes that are exponents.
        size: Rows and columns of the matrix.
        block: Rows and columns of a block. None: blocks are not cut, and their number says it.

    Attributes:
        numbers_DA: float32.

    Raises:
        DamagedWeightError: The blocks do not cover the matrix.
    """

    numbers_DA: Tensor

    def __init__(
        self, stored_DA: Tensor, size: tuple[int, int], block: tuple[int, int] | None = None
    ) -> None:
        down, across = stored_DA.shape
        high, wide = block or (size[0] // max(1, down), size[1] // max(1, across))
        self._high, self._wide = max(1, high), max(1, wide)
        wanted = (-(-size[0] // self._high), -(-size[1] // self._wide))
        require(
            (down, across) == wanted,
            f"has {down} x {across} scales or zero points, which do not cover "
            f"{size[0]} x {size[1]} weights",
        )
        self.numbers_DA = numbers_of(stored_DA)
        self._index: Tensor | None = None

    def by_index(self, index_C: Tensor) -> Self:
        """Take the group of each column from an index instead of from its place.

        Args:
            index_C: Group of each column.

        Returns:
            The grid itself.

        Raises:
            DamagedWeightError: There is no such group, or not one for each column.
        """
        groups = self.numbers_DA.shape[1]
        require(
            bool(((index_C >= 0) & (index_C < groups)).all()),
            f"has a group index that leads beyond its {groups} groups",
        )
        in_order = torch.arange(len(index_C)) // self._wide
        if not torch.equal(index_C.long(), in_order):
            self._index = index_C.int()
        return self

    def apply(self, values: Tensor, first_row: int, function: InPlace) -> None:
        """Combine values with the numbers, in place.

        Args:
            values: float32, contiguous; whole rows from a first one on.
            first_row: Of the matrix.
            function: An operation such as `Tensor.mul_`.
        """
        rows = torch.arange(first_row, first_row + len(values)) // self._high
        numbers = self.numbers_DA[rows]
        if self._index is not None:
            function(values, numbers.index_select(1, self._index))
            return
        whole = values.shape[1] // self._wide
        if whole:
            inside = values[:, : whole * self._wide].unflatten(1, (whole, self._wide))
            function(inside, numbers[:, :whole, None])
        if whole < numbers.shape[1]:
            function(values[:, whole * self._wide :], numbers[:, whole:])
