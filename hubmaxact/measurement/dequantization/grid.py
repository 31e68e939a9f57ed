"""Numbers that many weights share, such as scales: one per block, row, group or for all.

R rows, C columns. Edge blocks may be cut; a group's columns may lie anywhere in a row.
"""

from typing import NamedTuple, Self

import torch
from torch import Tensor

from hubmaxact.measurement.dequantization.damaged import require
from hubmaxact.measurement.dequantization.numbers import numbers_of


class Grid:
    """A number for each block of a matrix.

    Args:
        stored_DA: Blocks down and across; of a float dtype, or bytes that are exponents.
        size: Rows and columns of the matrix.
        block: Rows and columns of a block. None: blocks are not cut, and their number says it.

    Attributes:
        numbers_DA: float32.
        high: Rows of a block.
        wide: Columns of a block.
        group_of: Group of each column, int32. None: each has its neighbors'.

    Raises:
        DamagedWeightError: The blocks do not cover the matrix.
    """

    numbers_DA: Tensor
    high: int
    wide: int
    group_of: Tensor | None

    def __init__(
        self, stored_DA: Tensor, size: tuple[int, int], block: tuple[int, int] | None = None
    ) -> None:
        down, across = stored_DA.shape
        high, wide = block or (size[0] // max(1, down), size[1] // max(1, across))
        self.high, self.wide = max(1, high), max(1, wide)
        wanted = (-(-size[0] // self.high), -(-size[1] // self.wide))
        require(
            (down, across) == wanted,
            f"has {down} x {across} scales or zero points, which do not cover "
            f"{size[0]} x {size[1]} weights",
        )
        self.numbers_DA = numbers_of(stored_DA)
        self.group_of = None

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
        in_order = torch.arange(len(index_C)) // self.wide
        if not torch.equal(index_C.long(), in_order):
            self.group_of = index_C.int()
        return self


class Step(NamedTuple):
    """A grid's numbers, combined with the values under them.

    Attributes:
        grid: The numbers.
        is_product: Whether values are multiplied by them; else they are subtracted.
    """

    grid: Grid
    is_product: bool = True

    def apply(self, values: Tensor, first_row: int) -> None:
        """Combine, in place, by torch's operations.

        Args:
            values: float32, contiguous; whole rows from a first one on.
            first_row: Of the matrix.
        """
        function = Tensor.mul_ if self.is_product else Tensor.sub_
        grid = self.grid
        numbers = grid.numbers_DA[torch.arange(first_row, first_row + len(values)) // grid.high]
        if grid.group_of is not None:
            function(values, numbers.index_select(1, grid.group_of))
            return
        whole = values.shape[1] // grid.wide
        if whole:
            inside = values[:, : whole * grid.wide].unflatten(1, (whole, grid.wide))
            function(inside, numbers[:, :whole, None])
        if whole < numbers.shape[1]:
            function(values[:, whole * grid.wide :], numbers[:, whole:])
