"""The tensors of one weight, looked at before anything is computed with them."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from hubmaxact.measurement.dequantization.damaged import require
from hubmaxact.stored_weights.storage import Scheme, StoredWeight


@dataclass(frozen=True, slots=True)
class StoredParts:
    """One weight's tensors, and what is said of it.

    Attributes:
        weight: As its files' headers and the configuration have it.
        tensors: By part, all that the storage requires.
        dtype: Number format that it is wanted in.
        num_threads: That may work on it.
    """

    weight: StoredWeight
    tensors: Mapping[str, Tensor]
    dtype: torch.dtype
    num_threads: int = 1

    @property
    def scheme(self) -> Scheme:
        """How it is stored."""
        return self.weight.scheme

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes as the headers have them."""
        return self.weight.shape

    def get(self, part: str) -> Tensor | None:
        """Return a part that may not be there."""
        return self.tensors.get(part)

    def of(self, part: str, *dtypes: torch.dtype) -> Tensor:
        """Return a part that must be there, of one of some dtypes.

        Args:
            part: Its name.
            *dtypes: What it may be. None given: anything.

        Returns:
            The tensor.

        Raises:
            DamagedWeightError: It is not there, or of another dtype.
        """
        said = part.replace("_", " ")
        require(part in self.tensors, f"has no {said}")
        tensor = self.tensors[part]
        require(
            not dtypes or tensor.dtype in dtypes,
            f"has {said} of {str(tensor.dtype).removeprefix('torch.')}",
        )
        return tensor

    def shaped(self, part: str, shape: tuple[int, ...], *dtypes: torch.dtype) -> Tensor:
        """Return a part that must be there and of a shape.

        Args:
            part: Its name.
            shape: What it must be.
            *dtypes: As `of` takes them.

        Returns:
            The tensor.

        Raises:
            DamagedWeightError: It is not there, or of another dtype or shape.
        """
        tensor = self.of(part, *dtypes)
        require(
            tuple(tensor.shape) == shape,
            f"has {part.replace('_', ' ')} of shape {tuple(tensor.shape)} where {shape} belongs",
        )
        return tensor

    def empty(self, *shape: int) -> Tensor:
        """Return a tensor to fill, in the number format that is wanted."""
        return torch.empty(shape, dtype=self.dtype)
